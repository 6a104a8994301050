//! Which lab a command means, and the way to it.

use std::future::Future;

use rotaproof_lab::control::Client;
use rotaproof_lab::{Name, Place};

use crate::error::Error;

/// Which lab.
#[derive(clap::Args)]
pub(crate) struct WhichLab {
    /// The lab's name, where several are up.
    #[arg(long, value_name = "NAME", default_value_t, env = Name::VARIABLE)]
    name: Name,
}

impl WhichLab {
    /// Its place, whether it is up or not.
    pub(crate) fn place(&self) -> Result<Place, Error> {
        Ok(Place::of(self.name.clone())?)
    }

    /// Connects to it.
    pub(crate) async fn connect(&self) -> Result<Client, Error> {
        Ok(Client::connect(self.place()?).await?)
    }
}

/// Runs a command that asks a lab something.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(command);
    // Whoever waited for a lock in vain still waits.
    runtime.shutdown_background();
    outcome
}
