//! Where a scenario runs: a lane starts a lab (cluster, operator, vaults behind the gateway) for one scenario.
//!
//! A further lane is one more folder that implements [`Lane`] and [`Cluster`].

mod access;
mod context;
mod embedded;
mod error;
mod eso;
mod kept;
mod kind;
mod launch;
mod operator_log;
mod parts;
mod real;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use kube::core::DynamicObject;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};
use rotaproof_gateway::Gateway;
use rotaproof_scenario::Located;
use rotaproof_scenario::model::vault::Vault;
use rotaproof_scenario::model::{Eso, EsoVersion};
use rotaproof_vaults::Writer;
use serde_json::Value;

pub use access::{Access, Contents, Transport, Variable};
pub use context::{Context, ContextSettings, PutBack, sweep_context};
pub use embedded::{Embedded, Interactive};
pub use error::Error;
pub use eso::RealEso;
pub use kept::{Kept, Standing};
pub use kind::{Chart, Kind, KindSettings, Tell, delete_kept_clusters, sweep_clusters};
pub use parts::sweep;
pub use rotaproof_backends::{AwsServer, HashicorpServer};

/// The vaults that a scenario declares, by its names for them.
pub type Vaults = IndexMap<Located<String>, Vault>;

/// What a scenario wants of its lab.
pub struct Wanted<'a> {
    /// Its vaults; they start empty.
    pub vaults: &'a Vaults,
    /// Its operator.
    pub eso: &'a Eso,
}

/// A kind of place to run scenarios at.
#[async_trait]
pub trait Lane: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &str;

    /// Removes what runs left behind that were killed; called once, before the first lab.
    fn sweep(&self) {
        parts::sweep_and_tell();
    }

    /// A runtime with the clock that its labs need, the machine's unless the lane says; a scenario has one to itself.
    fn runtime(&self) -> Result<tokio::runtime::Runtime, Error> {
        parts::runtime()
    }

    /// What "now" means here.
    fn present(&self) -> Present;

    /// How many labs it has room for; `None` for any number.
    fn at_once(&self) -> Option<usize> {
        None
    }

    /// The versions of ESO's API that its operator comes with; `None` where it has whatever a scenario wants.
    fn serves(&self) -> Option<Vec<EsoVersion>> {
        None
    }

    /// Whether a lab's cluster can stay when this process ends ([`Cluster::keep`]).
    fn can_keep(&self) -> bool {
        false
    }

    /// Starts a lab, inside a runtime of this lane.
    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error>;

    /// Ends what its labs have shared; called once, after the last of them.
    fn finish(&self) {}
}

/// What "now" means in a lane's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// The clock moves only when no task can run, so an advance by this much, any at all, waits for everything that is
    /// due: then what is true is true now, and what is not is not.
    Virtual(Duration),
    /// The clock runs by itself, and what happens elsewhere arrives a little later: what becomes true within this
    /// much counts as true now. Waiting ends with the change that makes it true.
    Grace(Duration),
}

/// The cluster side of a lab.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Makes ready for an object that is about to be applied, and has what it runs observed. What runs in process is.
    async fn admit(&self, object: &mut Value) -> Result<(), Error> {
        let _ = object;
        Ok(())
    }

    /// Asked before a scenario deletes an object: where others use the cluster too, it may be one of theirs.
    async fn permit_deletion(&self, object: &Value) -> Result<(), Error> {
        let _ = object;
        Ok(())
    }

    /// Ends the operator and starts it anew, as a rollout of its Deployment would.
    async fn restart_operator(&self) -> Result<(), Error>;

    /// Waits until the cluster side ends by itself, as it should not; says why. What is in process cannot.
    async fn broken(&self) -> Error {
        std::future::pending().await
    }

    /// Whether the cluster side is there: asked where a step failed, which may be all that is wrong. What is in process is.
    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The last lines that the operator printed, oldest first, without these values; none where it prints nothing.
    fn operator_log(&self, secret: &[SecretValue]) -> Vec<String> {
        let _ = secret;
        Vec::new()
    }

    /// All lines of the operator that are kept, as [`operator_log`](Self::operator_log) otherwise.
    fn whole_operator_log(&self, secret: &[SecretValue]) -> Vec<String> {
        self.operator_log(secret)
    }

    /// Ends what is this process', and leaves the cluster as it is, for somebody to look at; in place of
    /// [`stop`](Self::stop). It serves no further scenario. What is in process cannot stay.
    async fn keep(&self) -> Result<Kept, Error> {
        self.stop().await;
        Err(Error {
            action: "stay",
            ..Error::starting("the cluster")("it ends with this process")
        })
    }

    /// Ends everything that was started; nothing stays behind.
    async fn stop(&self);
}

/// All that a scenario acts upon.
pub struct Lab {
    /// The Kubernetes API.
    pub client: kube::Client,
    /// The time of everything in this lab.
    pub clock: Clock,
    /// The run's key, which the probes have too.
    pub fingerprinter: Fingerprinter,
    /// The vaults' front: journal and faults.
    pub gateway: Gateway,
    /// How to write to each vault, by the scenario's name of it.
    pub writers: IndexMap<String, Box<dyn Writer>>,
    /// How people's own tools act as each vault's administrator, by the scenario's name of it.
    pub accesses: IndexMap<String, Access>,
    /// When the API committed a revision, where that can be told: what the observer's own lag is measured by.
    pub committed: Committed,
    /// What stands in the cluster whatever scenario is played: nothing of it is observed.
    pub furniture: Furniture,
    /// The cluster side.
    pub cluster: Box<dyn Cluster>,
}

/// Whether an object of this kind stands in the cluster whatever scenario is played.
pub type Furniture = Arc<dyn Fn(&str, &DynamicObject) -> bool + Send + Sync>;

/// When the API committed a revision (`metadata.resourceVersion`); `None` where it is not, or no longer, known.
pub type Committed = Arc<dyn Fn(u64) -> Option<tokio::time::Instant> + Send + Sync>;
