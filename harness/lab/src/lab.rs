//! A lab that is up.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rotaproof_apiserver::Access as ApiAccess;
use rotaproof_base::{Clock, Entropy};
use rotaproof_cluster::{Interactive, Wanted};
use rotaproof_runner::values;

use crate::env_file::{self, EnvFile};
use crate::ports::{KUBERNETES, PROXY};
use crate::variables::{self, Variables};
use crate::{Declared, Error, Held, Ports, private};

/// How a lab is wanted.
pub struct Options {
    /// What is to be in it.
    pub declared: Declared,
    /// Where it listens.
    pub ports: Ports,
    /// The env file; `env` in the lab's folder unless given.
    pub env_file: Option<PathBuf>,
}

/// Where one vault is reached.
pub struct Endpoint {
    /// The vault, by its name in the lab.
    pub vault: String,
    /// What it is.
    pub product: &'static str,
    /// Its direct endpoint.
    pub url: String,
}

/// A lab that is up. Dropping it removes its files; [`Lab::stop`] ends everything in order.
pub struct Lab {
    interactive: Interactive,
    /// The forward proxy.
    pub proxy: SocketAddr,
    /// The Kubernetes API.
    pub kubernetes: SocketAddr,
    /// The vaults.
    pub vaults: Vec<Endpoint>,
    env_file: EnvFile,
    // Last: its folder goes when nothing is left that uses it.
    held: Held,
}

impl Lab {
    /// Starts a lab, up to its written env file. Must be called inside a tokio runtime whose clock runs.
    ///
    /// # Errors
    /// Where a port is taken, a file cannot be written or a part cannot start; nothing is left then.
    pub async fn start(held: Held, options: Options) -> Result<Self, Error> {
        let Options {
            declared,
            ports,
            env_file,
        } = options;
        let names = || declared.vaults.keys().map(|name| name.value.as_str());
        ports.check(names())?;
        let place = held.place();
        let (proxy_listener, proxy) = ports.bind(PROXY).await?;
        let (api_listener, kubernetes) = ports.bind(KUBERNETES).await?;
        let mut listeners = Vec::new();
        for name in names() {
            listeners.push(ports.bind(name).await?);
        }

        let entropy = Entropy::from_system()
            .map_err(|_| Error::Environment("the system has no randomness to give".into()))?;
        let clock = Clock::system();
        let api_access =
            ApiAccess::new(&clock).map_err(|error| Error::Environment(error.to_string()))?;
        let wanted = Wanted {
            vaults: &declared.vaults,
            eso: &declared.eso,
        };
        let interactive = Interactive::start(&wanted, &entropy, clock).await?;
        seed(&interactive, &declared, &entropy.fork("values")).await?;

        let (gateway, tasks) = (&interactive.lab.gateway, &interactive.tasks);
        gateway.serve_tools(proxy_listener, tasks);
        interactive.api.serve(api_listener, &api_access, tasks);

        let authority = place.file("ca.pem");
        let both = [gateway.ca_pem(), api_access.ca_pem()].concat();
        private::write(&authority, both.as_bytes())?;
        let kubeconfig = place.file("kubeconfig");
        let text = api_access.kubeconfig(&format!("https://{kubernetes}"), "default");
        private::write(&kubeconfig, text.expose())?;
        let mut variables = Variables::of(&kubeconfig, &authority, proxy);
        let mut vaults = Vec::new();
        for ((name, declared), (listener, address)) in declared.vaults.iter().zip(listeners) {
            let Some(access) = interactive.lab.accesses.get(&name.value) else {
                continue;
            };
            gateway
                .serve_tools_direct(&name.value, listener, access.transport, tasks)
                .map_err(|error| Error::Environment(error.to_string()))?;
            let url = variables::url(access, address);
            variables.add_vault(access, &url, place)?;
            vaults.push(Endpoint {
                vault: name.value.clone(),
                product: declared.product(),
                url,
            });
        }
        let env_file = env_file.unwrap_or_else(|| place.file("env"));
        let text = env_file::render(&place.name().to_string(), variables.all());
        let env_file = EnvFile::write(&env_file, text)?;
        Ok(Self {
            interactive,
            proxy,
            kubernetes,
            vaults,
            env_file,
            held,
        })
    }

    /// The env file.
    pub fn env_file(&self) -> &Path {
        self.env_file.path()
    }

    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        self.held.place().folder()
    }

    /// Ends everything; nothing stays behind.
    pub async fn stop(self) {
        self.interactive.lab.cluster.stop().await;
    }
}

/// Creates the declared secrets.
async fn seed(
    interactive: &Interactive,
    declared: &Declared,
    entropy: &Entropy,
) -> Result<(), Error> {
    for (vault, declared) in &declared.vaults {
        let Some(writer) = interactive.lab.writers.get(&vault.value) else {
            continue;
        };
        for (secret, body) in declared.secrets() {
            let content = values::content(body, entropy);
            let created = writer.create(secret, &content).await;
            created.map_err(|error| Error::Environment(error.to_string()))?;
        }
    }
    Ok(())
}
