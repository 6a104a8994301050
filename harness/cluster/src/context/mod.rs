//! The `context` lane: a cluster that is there, with the External Secrets Operator that is there. Others live on it: the
//! operator is brought behind the gateway and put back, and what a scenario applies is deleted by its label.

mod access;
mod address;
mod kinds;
mod lease;
mod reroute;
mod site;
mod strangers;
mod territory;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rotaproof_base::Entropy;
use rotaproof_scenario::model::EsoVersion;
use tokio::sync::{Mutex, OnceCell};

use site::Site;

pub use site::PutBack;

use crate::kind::Tell;
use crate::{Error, Lab, Lane, Present, Wanted, real};

const PART: &str = "the cluster";
/// What is on its way arrives within this, on a cluster that is busy.
const GRACE: Duration = Duration::from_secs(10);

/// Which cluster, and what may be done to it.
#[derive(Clone)]
pub struct ContextSettings {
    /// The kubeconfig's context; the current one, or the pod's own cluster, where there is none.
    pub context: Option<String>,
    /// Whether what is not the run's own may be changed.
    pub allow_writes: bool,
    /// Where pods reach this process.
    pub gateway_address: Option<IpAddr>,
    /// The address of the pod that this process is in.
    pub pod: Option<IpAddr>,
    /// What the pods of scenarios run: an image with a shell, `sha256sum`, `xxd` and `printf`.
    pub probe_image: String,
    /// Hears what is being done.
    pub tell: Tell,
}

/// The `context` lane.
pub struct Context {
    name: String,
    settings: ContextSettings,
    /// The cluster, from the first scenario on; or why there is none.
    site: OnceCell<Result<Arc<Site>, Error>>,
    /// One scenario at a time has the operator.
    turn: Arc<Mutex<()>>,
}

impl Context {
    /// A lane with these settings; nothing is changed yet.
    pub fn new(settings: ContextSettings) -> Self {
        let name = match &settings.context {
            Some(context) => format!("context:{context}"),
            None => "context".to_owned(),
        };
        Self {
            name,
            settings,
            site: OnceCell::new(),
            turn: Arc::default(),
        }
    }
}

#[async_trait]
impl Lane for Context {
    fn name(&self) -> &str {
        &self.name
    }

    fn present(&self) -> Present {
        Present::Grace(GRACE)
    }

    fn at_once(&self) -> Option<usize> {
        Some(1)
    }

    fn serves(&self) -> Option<Vec<EsoVersion>> {
        Some(vec![EsoVersion::V1])
    }

    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error> {
        let turn = self.turn.clone().lock_owned().await;
        let begin = async || Site::begin(&self.settings, entropy).await.map(Arc::new);
        let site = self.site.get_or_init(begin).await.clone()?;
        real::start(site, None, turn, wanted, entropy).await
    }

    fn finish(&self) {
        if let Some(Ok(site)) = self.site.get() {
            site.end();
        }
    }
}

/// Puts back what killed runs have left on the cluster of this context.
///
/// # Errors
/// Where the cluster is not reached, another run uses it, or something cannot be put back.
pub fn sweep_context(context: Option<&str>) -> Result<PutBack, Error> {
    let entropy = Entropy::from_system()
        .map_err(|_| Error::starting(PART)("this machine has no randomness"))?;
    real::blocking()?.block_on(site::sweep(context, &entropy))
}
