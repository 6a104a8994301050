//! A gateway with one vault behind it, a writer's connection and an operator's; and what the journal says.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use indexmap::IndexMap;
use rotaproof_backends::{AwsServer, Containers, HashicorpServer, Settings};
use rotaproof_base::{Clock, Entropy, Fingerprinter, RunId, SecretValue, TaskGroup, memory};
use rotaproof_egress::Client;
use rotaproof_gateway::{ClientKind, Config, Gateway};
use rotaproof_vaults::{Content, Vault};

pub(crate) const NAME: &str = "the-vault";

/// Runs a test on a runtime of its own, in real time.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test)
}

pub(crate) fn run_id() -> RunId {
    RunId::draw(&Entropy::from_system().unwrap())
}

/// A vault's dev server wanted, nothing else.
pub(crate) fn vault_only() -> Settings {
    Settings {
        hashicorp: HashicorpServer::Vault,
        ..Settings::default()
    }
}

pub(crate) async fn start(settings: Settings, run: &RunId) -> Containers {
    let entropy = Entropy::from_system().unwrap();
    Containers::start(settings, run, entropy).await.unwrap()
}

/// LocalStack takes seconds to start, so the tests of it share one.
#[derive(Default)]
pub(crate) struct Shared(Mutex<Option<(RunId, Arc<Containers>)>>);

impl Shared {
    pub(crate) fn localstack(&self) -> Arc<Containers> {
        let mut shared = self.0.lock().unwrap();
        let start = || {
            let settings = Settings {
                aws: AwsServer::LocalStack,
                ..Settings::default()
            };
            let id = run_id();
            let began = tokio::time::Instant::now();
            let containers = run(start(settings, &id));
            println!("LocalStack healthy after {:.2?}", began.elapsed());
            (id, Arc::new(containers))
        };
        shared.get_or_insert_with(start).1.clone()
    }

    /// Removes it, and makes sure.
    pub(crate) fn stop(&self) {
        let Some((id, containers)) = self.0.lock().unwrap().take() else {
            return;
        };
        let containers = Arc::into_inner(containers).expect("a test still holds it");
        run(containers.stop()).unwrap();
        assert!(crate::docker::containers(&id.to_string()).is_empty());
    }
}

pub(crate) struct Lab {
    pub(crate) clock: Clock,
    pub(crate) fingerprinter: Fingerprinter,
    gateway: Gateway,
    tasks: TaskGroup,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let clock = Clock::system();
        let config = Config {
            clock: clock.clone(),
            entropy: Entropy::from_seed(3),
        };
        Self {
            gateway: Gateway::new(config).unwrap(),
            clock,
            fingerprinter: Fingerprinter::from_key([1; 32]),
            tasks: TaskGroup::new(),
        }
    }

    /// Attaches the vault, and answers the writer's connection to it.
    pub(crate) fn attach(&self, vault: Arc<dyn Vault>) -> Client {
        self.gateway.attach(NAME, vault).unwrap();
        let (dialer, listener) = memory();
        self.gateway
            .serve_direct(NAME, listener, &self.tasks)
            .unwrap();
        let client = Client::builder(self.clock.clone()).direct(Arc::new(dialer));
        client.build().unwrap()
    }

    /// An operator's connection, through the proxy.
    pub(crate) fn operator(&self) -> Client {
        let (dialer, listener) = memory();
        self.gateway.serve(listener, &self.tasks);
        let client = Client::builder(self.clock.clone())
            .through_proxy(Arc::new(dialer))
            .trust_pem(self.gateway.ca_pem());
        client.build().unwrap()
    }

    /// One line a request, in the journal's order: all that scenarios and staleness read of it.
    pub(crate) fn journal(&self) -> Vec<String> {
        let entries = self.gateway.journal().entries();
        let line = |entry: &Arc<rotaproof_gateway::Entry>| {
            let client = match entry.client {
                ClientKind::Operator => "operator",
                ClientKind::Harness => "harness",
                ClientKind::Tool => "tool",
            };
            let text = |text: &Option<Arc<str>>| text.as_deref().unwrap_or("-").to_owned();
            let versions: Vec<String> = entry
                .versions
                .iter()
                .map(|served| format!("{}@{}={}", served.secret, served.version, served.value))
                .collect();
            format!(
                "{client} {} by {} of {} gave [{}] refused {}",
                entry.operation,
                text(&entry.identity),
                text(&entry.secret),
                versions.join(" "),
                text(&entry.refusal),
            )
        };
        entries.iter().map(line).collect()
    }

    /// The last line.
    pub(crate) fn last(&self) -> String {
        self.journal().pop().unwrap_or_default()
    }
}

pub(crate) fn fields(fields: &[(&str, &str)]) -> Content {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), SecretValue::new(*value)));
    Content::Fields(IndexMap::from_iter(fields))
}

pub(crate) fn text(response: Response<Bytes>) -> (u16, String) {
    let (parts, body) = response.into_parts();
    (
        parts.status.as_u16(),
        String::from_utf8_lossy(&body).into_owned(),
    )
}
