//! What a kind lane starts, and from where.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use rotaproof_backends::{AwsServer, HashicorpServer};
use serde::Deserialize;

use crate::Error;

/// Hears what the lane is doing, one line each.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What a kind lane starts, and from where.
#[derive(Clone)]
pub struct KindSettings {
    /// The node's image.
    pub node_image: String,
    /// What the pods of scenarios run: an image with a shell, `sha256sum`, `xxd` and `printf`.
    pub probe_image: String,
    /// The External Secrets Operator's chart.
    pub chart: Chart,
    /// A folder of image archives (`*.tar`, as `docker save` makes them), loaded in place of what is not there.
    pub image_archives: Option<PathBuf>,
    /// The cluster's name after `rotaproof-`, where it is to be kept and taken again; else it is this run's alone.
    pub reuse: Option<String>,
    /// How many clusters a run has, and with it how many scenarios at once.
    pub clusters: NonZeroUsize,
    /// What stands behind AWS Secrets Manager.
    pub aws: AwsServer,
    /// What stands behind HashiCorp Vault.
    pub hashicorp: HashicorpServer,
    /// Hears what is being done.
    pub tell: Tell,
}

/// Where a chart is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chart {
    /// A version of a repository's chart.
    Repository {
        /// `https://charts.external-secrets.io`
        repository: String,
        /// `external-secrets`
        name: String,
        /// `0.20.4`
        version: String,
    },
    /// An archive or a folder.
    Local(PathBuf),
}

/// `kind-config/versions.yaml`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    node: String,
    probe: String,
    chart: PinnedChart,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PinnedChart {
    repository: String,
    name: String,
    version: String,
}

impl KindSettings {
    /// As `kind-config` pins them, one cluster, with LocalStack and Vault's dev server; nothing is told.
    ///
    /// # Errors
    /// Where the pins that were compiled in cannot be read.
    pub fn pinned() -> Result<Self, Error> {
        let text = include_str!("../../../../kind-config/versions.yaml");
        let versions: Versions =
            serde_saphyr::from_str(text).map_err(Error::starting("kind-config/versions.yaml"))?;
        Ok(Self {
            node_image: versions.node,
            probe_image: versions.probe,
            chart: Chart::Repository {
                repository: versions.chart.repository,
                name: versions.chart.name,
                version: versions.chart.version,
            },
            image_archives: None,
            reuse: None,
            clusters: NonZeroUsize::MIN,
            aws: AwsServer::LocalStack,
            hashicorp: HashicorpServer::Vault,
            tell: Arc::new(|_| {}),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pins_can_be_read_and_the_node_has_a_digest() {
        let pinned = KindSettings::pinned().unwrap();
        assert!(
            pinned
                .node_image
                .starts_with("kindest/node:v1.34.11@sha256:")
        );
        assert!(matches!(pinned.chart, Chart::Repository { version, .. } if version == "0.20.4"));
    }
}
