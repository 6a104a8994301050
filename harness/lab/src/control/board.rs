//! What the control socket acts upon.

use std::path::PathBuf;

use indexmap::IndexMap;
use rotaproof_base::{Clock, Entropy};
use rotaproof_cluster::Vaults;
use rotaproof_gateway::Gateway;
use rotaproof_vaults::Writer;
use tokio_util::sync::CancellationToken;

use super::messages::{FaultStatus, Status, VaultStatus};
use crate::Error;
use crate::lab::Endpoint;

/// What does not change while a lab is up.
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) scenario: Option<String>,
    pub(crate) refresh: Option<std::time::Duration>,
    pub(crate) env_file: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) kubernetes: String,
    pub(crate) proxy: String,
    pub(crate) vaults: Vec<Endpoint>,
}

/// What the control socket acts upon.
pub(crate) struct Board {
    pub(crate) facts: Facts,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) gateway: Gateway,
    pub(crate) declared: Vaults,
    pub(crate) writers: IndexMap<String, Box<dyn Writer>>,
    /// Cancelled when somebody asks the lab to end.
    pub(crate) ending: CancellationToken,
}

impl Board {
    /// How the lab fares.
    pub(crate) fn status(&self) -> Status {
        let facts = &self.facts;
        let journal = self.gateway.journal();
        let mut requests = IndexMap::<_, u64>::new();
        for entry in journal.entries() {
            *requests.entry(entry.vault.clone()).or_default() += 1;
        }
        let vaults = facts.vaults.iter().map(|vault| VaultStatus {
            name: vault.name.clone(),
            product: vault.product.to_owned(),
            endpoint: vault.url.clone(),
            hosts: self.gateway.hosts(&vault.name),
            requests: requests
                .get(&Some(vault.name.as_str().into()))
                .copied()
                .unwrap_or(0),
        });
        let faults = self.gateway.faults().active().into_iter();
        Status {
            name: facts.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: self.clock.at(self.clock.started()),
            uptime: self.clock.elapsed(),
            scenario: facts.scenario.clone(),
            refresh: facts.refresh,
            env_file: facts.env_file.clone(),
            folder: facts.folder.clone(),
            kubernetes: facts.kubernetes.clone(),
            proxy: facts.proxy.clone(),
            vaults: vaults.collect(),
            faults: faults
                .map(|fault| FaultStatus {
                    name: fault.spec.name,
                    vault: fault.spec.vault,
                    operation: fault.spec.operation,
                    first: fault.spec.first,
                    hits: fault.hits,
                })
                .collect(),
            requests: journal.len(),
        }
    }

    /// The writer of a vault.
    pub(crate) fn writer(&self, vault: &str) -> Result<&dyn Writer, Error> {
        let writer = self.writers.get(vault).map(AsRef::as_ref);
        writer.ok_or_else(|| self.unknown(vault))
    }

    /// Refuses a vault that the lab does not have.
    pub(crate) fn check_vault(&self, vault: &str) -> Result<(), Error> {
        self.writer(vault).map(drop)
    }

    fn unknown(&self, vault: &str) -> Error {
        let names: Vec<&str> = self.writers.keys().map(String::as_str).collect();
        Error::Usage(format!(
            "the lab has no vault `{vault}`; it has {}",
            names.join(", ")
        ))
    }
}
