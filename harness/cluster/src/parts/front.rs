//! The vaults of a lab behind their gateway: the same in front of every cluster.

use indexmap::IndexMap;
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue, TaskGroup};
use rotaproof_gateway::{Authority, Gateway};
use rotaproof_vaults::Writer;

use super::credentials;
use super::vaults::{self, Servers};
use crate::{Access, Cluster, Committed, Error, Lab, Wanted};

/// What they stand on.
pub(crate) struct Ground<'a> {
    /// The vaults.
    pub(crate) wanted: &'a Wanted<'a>,
    /// What is drawn, is drawn from this.
    pub(crate) entropy: &'a Entropy,
    /// The time of everything.
    pub(crate) clock: &'a Clock,
    /// Who signs the vaults' certificates, where clients trust it already; else the gateway makes one of its own.
    pub(crate) authority: Option<&'a Authority>,
    /// Knows the tokens of the cluster's service accounts.
    pub(crate) verifier: &'a Verifier,
    /// The cluster, which is given the vaults' credentials.
    pub(crate) client: &'a kube::Client,
    /// The run whose label is on what the cluster is given, where others use the cluster too.
    pub(crate) owner: Option<&'a str>,
    /// Servers in place of some of the built-in vaults.
    pub(crate) servers: Option<Servers<'a>>,
    /// Who owns what runs.
    pub(crate) tasks: &'a TaskGroup,
}

/// The vaults of a lab behind their gateway.
pub(crate) struct Front {
    pub(crate) gateway: Gateway,
    pub(crate) fingerprinter: Fingerprinter,
    /// What the cluster was given of the vaults' credentials.
    pub(crate) credentials: Vec<SecretValue>,
    writers: IndexMap<String, Box<dyn Writer>>,
    accesses: IndexMap<String, Access>,
}

impl Front {
    /// Starts them, and gives the cluster their credentials.
    pub(crate) async fn start(ground: &Ground<'_>) -> Result<Self, Error> {
        let fingerprinter = Fingerprinter::draw(&ground.entropy.fork("fingerprints"));
        let config = rotaproof_gateway::Config {
            clock: ground.clock.clone(),
            entropy: ground.entropy.fork("gateway"),
        };
        let gateway = match ground.authority {
            Some(authority) => Gateway::with_authority(config, authority.clone()),
            None => Gateway::new(config).map_err(Error::starting("the gateway"))?,
        };
        let setting = vaults::Setting {
            clock: ground.clock,
            entropy: &ground.entropy.fork("vaults"),
            fingerprinter: &fingerprinter,
            verifier: ground.verifier,
            gateway: &gateway,
            tasks: ground.tasks,
            servers: ground.servers,
        };
        let (vaults, deliveries) = vaults::start(ground.wanted.vaults, &setting).await?;
        let credentials = deliveries
            .iter()
            .flat_map(|delivery| delivery.data.iter().map(|(_, value)| value.clone()))
            .collect();
        credentials::deliver(ground.client, ground.owner, deliveries).await?;
        let mut writers = IndexMap::new();
        let mut accesses = IndexMap::new();
        for (name, vault) in vaults {
            writers.insert(name.clone(), vault.writer);
            accesses.insert(name, vault.access);
        }
        Ok(Self {
            gateway,
            fingerprinter,
            credentials,
            writers,
            accesses,
        })
    }

    /// The lab of these vaults before a cluster.
    pub(crate) fn into_lab(
        self,
        client: kube::Client,
        clock: Clock,
        committed: Committed,
        cluster: Box<dyn Cluster>,
    ) -> Lab {
        Lab {
            client,
            clock,
            fingerprinter: self.fingerprinter,
            gateway: self.gateway,
            writers: self.writers,
            accesses: self.accesses,
            committed,
            furniture: std::sync::Arc::new(|_, _| false),
            cluster,
        }
    }
}
