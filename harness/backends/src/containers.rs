//! The containers of one run, and the backends that scenarios get of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rotaproof_base::{Entropy, RunId, SecretValue};
use rotaproof_vaults::aws::AwsConfig;
use rotaproof_vaults::hashicorp::HashicorpConfig;
use tokio::sync::OwnedMutexGuard;

use crate::Error;
use crate::aws::LocalStackVault;
use crate::container::{Container, Place};
use crate::hashicorp::{ClusterIdentity, DevServerVault};
use crate::image::{DevServer, Server};
use crate::removal::Removals;
use crate::settings::{AwsServer, HashicorpServer, Settings};

/// How long a scenario waits for the one before it to let go of its account.
const HANDOVER: Duration = Duration::from_secs(10);

/// A dev server that no scenario has used yet.
struct Spare {
    container: Container,
    root: SecretValue,
}

/// The containers of one run. Dropping it removes those that no backend holds any more, and waits until they are
/// gone; [`Containers::stop`] does so and tells whether it worked.
pub struct Containers {
    run: RunId,
    settings: Settings,
    entropy: Entropy,
    localstack: Option<Arc<Container>>,
    state: Mutex<State>,
    // Last: it waits for the removals that dropping the others begins.
    removals: Arc<Removals>,
}

#[derive(Default)]
struct State {
    network: Option<String>,
    spare: Option<Spare>,
    dev_servers: u32,
    /// By account and region: held by the scenario that uses it.
    accounts: HashMap<(String, String), Arc<tokio::sync::Mutex<()>>>,
}

impl Containers {
    /// Starts what the settings ask for, all at once, and waits until it is healthy. Where every vault is emulated
    /// it asks nothing of Docker. Root tokens are drawn from `entropy`, which should be the system's.
    pub async fn start(settings: Settings, run: &RunId, entropy: Entropy) -> Result<Self, Error> {
        let mut containers = Self {
            run: run.clone(),
            state: Mutex::new(State {
                network: settings.network.clone(),
                ..State::default()
            }),
            settings,
            entropy,
            localstack: None,
            removals: Arc::default(),
        };
        let localstack = async {
            match containers.settings.aws {
                AwsServer::Emulated => Ok(None),
                AwsServer::LocalStack => {
                    let image = containers.settings.localstack_image.clone();
                    let server = Server::localstack(image);
                    containers.run_server(server, "localstack").await.map(Some)
                }
            }
        };
        let spare = async {
            match containers.dev_server() {
                None => Ok(None),
                Some(kind) => containers.fresh(kind).await.map(Some),
            }
        };
        let (localstack, spare) = futures::try_join!(localstack, spare)?;
        containers.localstack = localstack.map(Arc::new);
        containers.state().spare = spare;
        Ok(containers)
    }

    /// What they were started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Attaches all of them, and those still to come, to one more network: that of a cluster which came up while
    /// they did. Docker may cut the connections that are open to them.
    pub async fn join(&self, network: &str) -> Result<(), Error> {
        let patience = self.settings.patience;
        if let Some(localstack) = &self.localstack {
            localstack.join(network, patience).await?;
        }
        let spare = self.state().spare.take();
        if let Some(spare) = spare {
            spare.container.join(network, patience).await?;
            self.state().spare = Some(spare);
        }
        self.state().network = Some(network.to_owned());
        Ok(())
    }

    /// An account on LocalStack, empty: what an earlier scenario left in its region is deleted. Identities,
    /// signatures and policies stay the built-in vault's, for LocalStack checks none of them.
    pub async fn aws(&self, config: AwsConfig) -> Result<LocalStackVault, Error> {
        let container = self.localstack.clone().ok_or(Error::NotStarted {
            server: "LocalStack",
        })?;
        let held = self.hold(&config.account, &config.region).await?;
        LocalStackVault::start(container, config, self.settings.answer_within, held).await
    }

    /// A dev server of its own, set up as declared. The texts of the configuration's tokens are not used: a server
    /// draws its own, see [`DevServerVault::token`].
    pub async fn hashicorp(
        &self,
        config: HashicorpConfig,
        cluster: Option<&ClusterIdentity>,
    ) -> Result<DevServerVault, Error> {
        let kind = self.dev_server().ok_or(Error::NotStarted {
            server: "a dev server of Vault or OpenBao",
        })?;
        let spare = self.state().spare.take();
        let Spare { container, root } = match spare {
            Some(spare) => spare,
            None => self.fresh(kind).await?,
        };
        let answer_within = self.settings.answer_within;
        DevServerVault::start(container, root, config, cluster, answer_within).await
    }

    /// Nothing where the shared containers run; else why one does not, with its last lines.
    pub async fn check(&self) -> Result<(), Error> {
        match &self.localstack {
            Some(localstack) => localstack.check().await,
            None => Ok(()),
        }
    }

    /// Removes the containers and waits until they are gone. Backends have to be dropped before.
    pub async fn stop(self) -> Result<(), Error> {
        let removals = self.removals.clone();
        drop(self.localstack);
        drop(self.state);
        let finished = tokio::task::spawn_blocking(move || removals.finish()).await;
        finished.unwrap_or_else(|panicked| {
            Err(Error::Left {
                containers: vec![panicked.to_string()],
            })
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dev_server(&self) -> Option<DevServer> {
        match self.settings.hashicorp {
            HashicorpServer::Emulated => None,
            HashicorpServer::Vault => Some(DevServer::Vault),
            HashicorpServer::OpenBao => Some(DevServer::OpenBao),
        }
    }

    async fn fresh(&self, kind: DevServer) -> Result<Spare, Error> {
        const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let number = {
            let mut state = self.state();
            state.dev_servers += 1;
            state.dev_servers
        };
        let root = SecretValue::new(format!("root-{}", self.entropy.text(ALPHABET, 32)));
        let (image, name) = match kind {
            DevServer::Vault => (&self.settings.vault_image, "vault"),
            DevServer::OpenBao => (&self.settings.openbao_image, "openbao"),
        };
        let server = Server::dev(kind, image.clone(), &root);
        let container = self.run_server(server, &format!("{name}-{number}")).await?;
        Ok(Spare { container, root })
    }

    async fn run_server(&self, server: Server, name: &str) -> Result<Container, Error> {
        let network = self.state().network.clone();
        let place = Place {
            run: &self.run,
            settings: &self.settings,
            network: network.as_deref(),
            removals: &self.removals,
        };
        Container::start(server, name, &place).await
    }

    /// Takes a region of an account for one scenario.
    async fn hold(&self, account: &str, region: &str) -> Result<OwnedMutexGuard<()>, Error> {
        let key = (account.to_owned(), region.to_owned());
        let held = self.state().accounts.entry(key).or_default().clone();
        tokio::time::timeout(HANDOVER, held.lock_owned())
            .await
            .map_err(|_| Error::Busy {
                account: account.to_owned(),
                region: region.to_owned(),
            })
    }
}
