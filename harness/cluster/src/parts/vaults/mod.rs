//! The built-in vaults of a scenario, attached to the gateway, with a writer and the credentials of each;
//! a file per kind.

mod aws;
mod azure;
mod gcp;
mod hashicorp;
mod onepassword;

use std::sync::Arc;

use indexmap::IndexMap;
use rotaproof_backends::{ClusterIdentity, Containers};
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter, TaskGroup, memory};
use rotaproof_gateway::Gateway;
use rotaproof_scenario::model::vault::Vault as Declared;
use rotaproof_vaults::{Vault, Writer};

use super::credentials::Delivery;
use crate::{Access, Error, Vaults};

/// What every vault is set up with.
pub(super) struct Setting<'a> {
    pub(super) clock: &'a Clock,
    pub(super) entropy: &'a Entropy,
    pub(super) fingerprinter: &'a Fingerprinter,
    pub(super) verifier: &'a Verifier,
    pub(super) gateway: &'a Gateway,
    pub(super) tasks: &'a TaskGroup,
    pub(super) servers: Option<Servers<'a>>,
}

/// Servers in containers that stand in for some of the built-in vaults.
#[derive(Clone, Copy)]
pub(crate) struct Servers<'a> {
    /// The containers.
    pub(crate) containers: &'a Containers,
    /// The cluster whose tokens they are asked to trust.
    pub(crate) cluster: &'a ClusterIdentity,
}

/// A vault that is up.
pub(super) struct Started {
    /// How the harness writes to it.
    pub(super) writer: Box<dyn Writer>,
    /// How people's own tools do.
    pub(super) access: Access,
}

/// Starts every declared vault.
pub(super) async fn start(
    vaults: &Vaults,
    setting: &Setting<'_>,
) -> Result<(IndexMap<String, Started>, Vec<Delivery>), Error> {
    let mut all = IndexMap::new();
    let mut deliveries = Vec::new();
    for (name, vault) in vaults {
        let entropy = setting.entropy.fork(name);
        let started = match vault {
            Declared::AwsSecretsManager(vault) => {
                aws::start(name, vault, setting, &entropy, &mut deliveries).await?
            }
            Declared::AzureKeyVault(vault) => {
                azure::start(name, vault, setting, &entropy, &mut deliveries)?
            }
            Declared::GcpSecretManager(vault) => {
                gcp::start(name, vault, setting, &entropy, &mut deliveries)?
            }
            Declared::HashicorpVault(vault) => {
                hashicorp::start(name, vault, setting, &entropy, &mut deliveries).await?
            }
            Declared::OnePasswordConnect(vault) => {
                onepassword::start(name, vault, setting, &entropy, &mut deliveries)?
            }
        };
        all.insert(name.value.clone(), started);
    }
    Ok((all, deliveries))
}

/// Attaches a vault to the gateway, and answers a client for its direct endpoint.
fn attach(
    name: &str,
    vault: Arc<dyn Vault>,
    setting: &Setting<'_>,
) -> Result<rotaproof_egress::Client, Error> {
    setting
        .gateway
        .attach(name, vault)
        .map_err(Error::starting("the gateway"))?;
    let (dialer, listener) = memory();
    setting
        .gateway
        .serve_direct(name, listener, setting.tasks)
        .map_err(Error::starting("a vault's direct endpoint"))?;
    rotaproof_egress::Client::builder(setting.clock.clone())
        .direct(Arc::new(dialer))
        .build()
        .map_err(Error::starting("a vault's writer"))
}
