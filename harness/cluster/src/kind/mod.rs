//! The `kind` lane: a cluster of Docker containers, the released External Secrets Operator by its chart, pods that the
//! node's kubelet runs; the vaults behind the gateway in this process, as on the other lanes.
//!
//! A cluster's operator knows one proxy and one authority, so each scenario's gateway listens at the same door and signs
//! with the same authority, one scenario after another; between two of them everything is deleted that the first one
//! left. Scenarios that run at once have a cluster each: the first user's share their namespaces, and the service account
//! that three of the vaults trust, so that two of them cannot be on one cluster.

mod collector;
mod containers;
mod creation;
mod hold;
mod images;
mod operator;
mod program;
mod reviewer;
mod room;
mod settings;
mod site;
mod tidy;

use std::sync::Once;
use std::time::Duration;

use async_trait::async_trait;
use rotaproof_base::Entropy;
use rotaproof_scenario::model::EsoVersion;

pub(crate) use creation::gateway_address;
use room::Room;
pub use settings::{Chart, KindSettings, Tell};

use crate::parts::sweep_and_tell;
use crate::{Error, Lab, Lane, Present, Wanted, real};

/// What is on its way arrives within this, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(10);

/// The `kind` lane.
pub struct Kind {
    name: String,
    rooms: Vec<Room>,
    swept: Once,
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
            rooms: Room::all(settings),
            swept: Once::new(),
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

    fn present(&self) -> Present {
        Present::Grace(GRACE)
    }

    fn at_once(&self) -> Option<usize> {
        Some(self.rooms.len())
    }

    fn can_keep(&self) -> bool {
        true
    }

    fn serves(&self) -> Option<Vec<EsoVersion>> {
        Some(vec![EsoVersion::V1])
    }

    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error> {
        let (site, turn) = Room::take(&self.rooms, entropy).await?;
        let containers = site.containers();
        let servers = containers
            .as_deref()
            .map(|containers| site.servers(containers));
        real::start(site.clone(), servers, turn, wanted, entropy).await
    }

    fn finish(&self) {
        // Each deletion takes a second of waiting for Docker.
        std::thread::scope(|scope| {
            for room in &self.rooms {
                scope.spawn(|| room.end());
            }
        });
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
    let runtime = real::blocking()?;
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

/// Deletes the clusters that are kept under this name.
///
/// # Errors
/// Where another process uses one, or it cannot be deleted.
pub fn delete_kept_clusters(name: &str) -> Result<(), Error> {
    let first = site::name(name, 0);
    let runtime = real::blocking()?;
    for name in std::iter::once(first.clone()).chain(hold::further(&first)) {
        runtime.block_on(creation::delete(hold::Hold::take(&name)?))?;
    }
    Ok(())
}
