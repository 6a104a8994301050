//! A lab that is up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rotaproof_apiserver::Access as ApiAccess;
use rotaproof_base::{Clock, Entropy, SecretValue};
use rotaproof_cluster::{Interactive, Wanted};
use rotaproof_gateway::Journal;
use rotaproof_runner::values;
use tokio_util::sync::CancellationToken;

use crate::control::{self, Board, Facts, Status};
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
    /// Where to write the environment too, besides `env` in the lab's folder.
    pub env_file: Option<PathBuf>,
    /// What the operator takes in place of every `refreshInterval`.
    pub refresh: Option<Duration>,
}

/// Where one vault is reached.
pub(crate) struct Endpoint {
    /// Its name in the lab.
    pub(crate) name: String,
    /// What it is.
    pub(crate) product: &'static str,
    /// The URL of its direct endpoint.
    pub(crate) url: String,
}

/// A lab that is up. Dropping it removes its files; [`Lab::stop`] ends everything in order.
pub struct Lab {
    interactive: Interactive,
    board: Arc<Board>,
    environment: SecretValue,
    _env_files: Vec<EnvFile>,
    // Last: its folder goes when nothing is left that uses it.
    _held: Held,
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
            refresh,
        } = options;
        let place = held.place();
        let names = || declared.vaults.keys().map(|name| name.value.as_str());
        ports.check(names())?;
        if let Some(path) = &env_file {
            EnvFile::check(path)?;
        }
        let (proxy_listener, proxy) = ports.bind(PROXY).await?;
        let (api_listener, kubernetes) = ports.bind(KUBERNETES).await?;
        let mut listeners = Vec::new();
        for name in names() {
            listeners.push(ports.bind(name).await?);
        }

        let entropy = Entropy::from_system()
            .map_err(|_| Error::Environment("the system has no randomness to give".into()))?;
        let clock = Clock::system();
        let api_access = ApiAccess::new(&clock);
        let api_access = api_access.map_err(|error| Error::Environment(error.to_string()))?;
        let wanted = Wanted {
            vaults: &declared.vaults,
            eso: &declared.eso,
        };
        let mut interactive = Interactive::start(&wanted, &entropy, clock, refresh).await?;
        let values = entropy.fork("values");
        seed(&interactive, &declared, &values).await?;

        let (gateway, tasks) = (interactive.lab.gateway.clone(), interactive.tasks.clone());
        gateway.serve_tools(proxy_listener, &tasks);
        interactive.api.serve(api_listener, &api_access, &tasks);

        let authority = place.file("ca.pem");
        let both = [gateway.ca_pem(), api_access.ca_pem()].concat();
        private::write(&authority, both.as_bytes())?;
        let kubeconfig = place.file("kubeconfig");
        let kubernetes = format!("https://{kubernetes}");
        private::write(
            &kubeconfig,
            api_access.kubeconfig(&kubernetes, "default").expose(),
        )?;
        let mut variables = Variables::of(place, &kubeconfig, &authority, proxy);
        let mut vaults = Vec::new();
        for ((name, vault), (listener, address)) in declared.vaults.iter().zip(listeners) {
            let Some(access) = interactive.lab.accesses.get(&name.value) else {
                continue;
            };
            gateway
                .serve_tools_direct(&name.value, listener, access.transport, &tasks)
                .map_err(|error| Error::Environment(error.to_string()))?;
            let url = variables::url(access, address);
            variables.add_vault(access, &url, place)?;
            vaults.push(Endpoint {
                name: name.value.clone(),
                product: vault.product(),
                url,
            });
        }
        let environment = env_file::render(&place.name().to_string(), variables.all());
        let own = place.file("env");
        let named = env_file.clone().unwrap_or_else(|| own.clone());
        let board = Arc::new(Board {
            facts: Facts {
                name: place.name().to_string(),
                scenario: declared.title,
                refresh,
                env_file: named,
                folder: place.folder().to_owned(),
                kubernetes,
                proxy: format!("http://{proxy}"),
                vaults,
            },
            clock: interactive.lab.clock.clone(),
            entropy: values,
            gateway,
            declared: declared.vaults,
            writers: std::mem::take(&mut interactive.lab.writers),
            ending: CancellationToken::new(),
        });
        control::serve(place, board.clone(), &tasks)?;
        // Last: whoever waits for the file finds everything there.
        let mut env_files = vec![EnvFile::write(&own, environment.clone())?];
        if let Some(path) = env_file {
            env_files.push(EnvFile::write(&path, environment.clone())?);
        }
        Ok(Self {
            interactive,
            board,
            environment,
            _env_files: env_files,
            _held: held,
        })
    }

    /// How it fares.
    pub fn status(&self) -> Status {
        self.board.status()
    }

    /// The text of its env file.
    pub fn environment(&self) -> &SecretValue {
        &self.environment
    }

    /// The journal of its requests.
    pub fn journal(&self) -> Journal {
        self.board.gateway.journal()
    }

    /// Waits until somebody asks it to end (`rotaproof down`).
    pub async fn asked_to_end(&self) {
        self.board.ending.cancelled().await;
    }

    /// Ends everything; nothing stays behind.
    pub async fn stop(self) {
        self.interactive.lab.cluster.stop().await;
    }
}

/// Creates the declared secrets, and applies the declared objects.
async fn seed(
    interactive: &Interactive,
    declared: &Declared,
    entropy: &Entropy,
) -> Result<(), Error> {
    let lab = &interactive.lab;
    for (vault, declared) in &declared.vaults {
        let Some(writer) = lab.writers.get(&vault.value) else {
            continue;
        };
        for (secret, body) in declared.secrets() {
            let created = writer.create(secret, &values::content(body, entropy)).await;
            created.map_err(|error| Error::Environment(error.to_string()))?;
        }
    }
    let authority = lab.gateway.ca_pem();
    let applied = rotaproof_runner::apply_objects(&lab.client, authority, &declared.objects);
    applied.await.map_err(Error::Usage)
}
