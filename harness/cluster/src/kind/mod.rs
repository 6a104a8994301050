//! The `kind` lane: a cluster of Docker containers, the released External Secrets Operator by its chart, pods that the
//! node's kubelet runs; the vaults behind the gateway in this process, as on the other lanes.
//!
//! One cluster serves a run. Its operator knows one proxy and one authority, so each scenario's gateway listens at the
//! same door and signs with the same authority, one scenario after another; between two of them everything is deleted
//! that the first one left.

mod attend;
mod collector;
mod containers;
mod creation;
mod hold;
mod images;
mod operator;
mod program;
mod reviewer;
mod running;
mod settings;
mod site;
mod tidy;

use std::sync::{Arc, Once};
use std::time::Duration;

use async_trait::async_trait;
use rotaproof_base::Entropy;
use rotaproof_scenario::model::EsoVersion;
use tokio::sync::{Mutex, OnceCell};

pub use settings::{Chart, KindSettings, Tell};
use site::Site;

use crate::parts::{self, sweep_and_tell};
use crate::{Error, Lab, Lane, Present, Wanted};

/// What is on its way arrives within this, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(10);

/// The `kind` lane.
pub struct Kind {
    name: String,
    settings: KindSettings,
    /// The cluster, from the first scenario on; or why there is none.
    site: OnceCell<Result<Arc<Site>, Unavailable>>,
    swept: Once,
    /// One scenario at a time has the cluster.
    turn: Arc<Mutex<()>>,
}

/// Why the cluster could not be had, for every scenario of the run.
#[derive(Clone)]
struct Unavailable {
    part: &'static str,
    action: &'static str,
    reason: String,
    evidence: Vec<String>,
    next: Option<String>,
}

impl Kind {
    /// A lane with these settings; nothing is started yet.
    pub fn new(settings: KindSettings) -> Self {
        let name = match &settings.chart {
            Chart::Repository { version, .. } => format!("kind:{version}"),
            Chart::Local(_) => "kind".to_owned(),
        };
        Self {
            name,
            settings,
            site: OnceCell::new(),
            swept: Once::new(),
            turn: Arc::default(),
        }
    }

    async fn site(&self, entropy: &Entropy) -> Result<Arc<Site>, Error> {
        let begin = async || {
            Site::begin(self.settings.clone(), entropy)
                .await
                .map(Arc::new)
                .map_err(|error| Unavailable {
                    part: error.part,
                    action: error.action,
                    reason: error.reason,
                    evidence: error.evidence,
                    next: error.next,
                })
        };
        match self.site.get_or_init(begin).await {
            Ok(site) => Ok(site.clone()),
            Err(why) => Err(Error {
                part: why.part,
                action: why.action,
                reason: why.reason.clone(),
                evidence: why.evidence.clone(),
                next: why.next.clone(),
            }),
        }
    }
}

#[async_trait]
impl Lane for Kind {
    fn name(&self) -> &str {
        &self.name
    }

    fn sweep(&self) {
        sweep_and_tell();
        // A comparison asks before each scenario.
        self.swept.call_once(|| match sweep_clusters() {
            Ok(swept) if swept.is_empty() => {}
            Ok(swept) => tracing::info!(?swept, "clusters of runs that were killed"),
            Err(error) => tracing::warn!(%error, "cannot sweep"),
        });
    }

    fn runtime(&self) -> Result<tokio::runtime::Runtime, Error> {
        parts::runtime()
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
        let site = self.site(entropy).await?;
        running::start(site, turn, wanted, entropy).await
    }

    fn finish(&self) {
        if let Some(Ok(site)) = self.site.get() {
            site.end();
        }
    }
}

/// Deletes the clusters and the containers of runs that were killed; answers the clusters' names.
///
/// # Errors
/// Where one cannot be deleted.
pub fn sweep_clusters() -> Result<Vec<String>, Error> {
    containers::sweep()?;
    let abandoned = hold::abandoned();
    if abandoned.is_empty() {
        return Ok(Vec::new());
    }
    let runtime = blocking()?;
    runtime.block_on(async {
        let mut names = Vec::new();
        for hold in abandoned {
            let name = hold.name().to_owned();
            creation::delete(hold).await?;
            names.push(name);
        }
        Ok(names)
    })
}

/// Deletes the cluster that is kept under this name.
///
/// # Errors
/// Where another process uses it, or it cannot be deleted.
pub fn delete_kept_cluster(name: &str) -> Result<(), Error> {
    let hold = hold::Hold::take(&site::name(name))?;
    blocking()?.block_on(creation::delete(hold))
}

/// A runtime for what is done outside of scenarios.
fn blocking() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::starting("the runtime"))
}
