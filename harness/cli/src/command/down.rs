//! `rotaproof down`

use std::io::Write;
use std::time::Duration;

use super::run::duration;
use super::which_lab::{WhichLab, block_on};
use crate::error::{Error, ExitStatus};

/// Which lab to end.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    lab: WhichLab,
    /// How long to wait for its end: 10s, 1m.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    timeout: Duration,
}

pub(crate) fn execute(args: &Args) -> Result<ExitStatus, Error> {
    let place = args.lab.place()?;
    let mut err = anstream::stderr();
    // Nothing to do is done: a script's last line may say `down` whatever happened before.
    if !place.is_up() {
        writeln!(err, "no lab named `{}` is up", place.name())?;
        return Ok(ExitStatus::Passed);
    }
    block_on(async { Ok(args.lab.connect().await?.down(args.timeout).await?) })?;
    writeln!(anstream::stdout(), "the lab `{}` is down", place.name())?;
    Ok(ExitStatus::Passed)
}
