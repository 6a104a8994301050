//! A gateway with one tiny vault, and clients for it.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header};
use rotaproof_base::{Clock, Entropy, Fingerprint, MemoryDialer, TaskGroup, memory};
use rotaproof_egress::Client;
use rotaproof_gateway::{Config, FaultSpec, Gateway};
use rotaproof_vaults::{
    Body, HostPattern, Served, ServedVersion, Vault, VaultKind, Witness, buffered,
};

pub(crate) const HOST: &str = "vault.example";

/// Answers `read <n>` with a counter, so that the order of its decisions shows in its answers.
#[derive(Default)]
pub(crate) struct TinyVault {
    hosts: Vec<&'static str>,
    decisions: Mutex<u64>,
}

impl TinyVault {
    pub(crate) fn at(hosts: &[&'static str]) -> Arc<Self> {
        Arc::new(Self {
            hosts: hosts.to_vec(),
            decisions: Mutex::default(),
        })
    }

    pub(crate) fn decisions(&self) -> u64 {
        *self.decisions.lock().unwrap()
    }
}

#[async_trait]
impl Vault for TinyVault {
    fn kind(&self) -> VaultKind {
        VaultKind::HashicorpVault
    }

    fn hosts(&self) -> Vec<HostPattern> {
        self.hosts
            .iter()
            .map(|host| match host.split_once('/') {
                Some((host, path)) => HostPattern::new(host).below(format!("/{path}")),
                None => HostPattern::new(*host),
            })
            .collect()
    }

    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>) {
        let secret = request.uri().path().trim_start_matches('/').to_owned();
        let operation = if request.method() == http::Method::GET {
            "read"
        } else {
            "write"
        };
        (operation.into(), Some(secret))
    }

    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let (operation, secret) = self.describe(&request);
        // Others get their turn between a request's arrival and its decision.
        tokio::task::yield_now().await;
        let secret = secret.unwrap_or_default();
        let decision = {
            let mut decisions = self.decisions.lock().unwrap();
            *decisions += 1;
            let version = ServedVersion {
                secret: secret.clone(),
                version: decisions.to_string(),
                value: Fingerprint::from_report("0123456789ab"),
            };
            witness.record(Served {
                operation,
                identity: Some("tester".into()),
                secret: Some(secret),
                versions: vec![version],
                refusal: None,
            });
            *decisions
        };
        let host = request.headers().get(header::HOST).cloned();
        let mut response = Response::new(buffered(if request.body().is_empty() {
            Bytes::from(format!("decision {decision} {}", request.uri()))
        } else {
            request.into_body()
        }));
        if let Some(host) = host {
            response.headers_mut().insert("seen-host", host);
        }
        response
    }
}

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) gateway: Gateway,
    pub(crate) vault: Arc<TinyVault>,
    pub(crate) dialer: MemoryDialer,
    pub(crate) tasks: TaskGroup,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let config = Config {
            clock: clock.clone(),
            entropy: Entropy::from_seed(1),
        };
        let gateway = Gateway::new(config).unwrap();
        let vault = TinyVault::at(&[HOST, "secretsmanager.*.example", "169.254.169.254"]);
        gateway.attach("tiny", vault.clone()).unwrap();
        let tasks = TaskGroup::new();
        let (dialer, listener) = memory();
        gateway.serve(listener, &tasks);
        Self {
            clock,
            gateway,
            vault,
            dialer,
            tasks,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::builder(self.clock.clone())
            .through_proxy(Arc::new(self.dialer.clone()))
            .trust_pem(self.gateway.ca_pem())
            .build()
            .unwrap()
    }

    pub(crate) fn http2_client(&self) -> Client {
        Client::builder(self.clock.clone())
            .through_proxy(Arc::new(self.dialer.clone()))
            .trust_pem(self.gateway.ca_pem())
            .http2()
            .build()
            .unwrap()
    }
}

pub(crate) fn get(uri: &str) -> Request<Bytes> {
    Request::get(uri).body(Bytes::new()).unwrap()
}

pub(crate) fn post(uri: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(uri).body(body.into()).unwrap()
}

pub(crate) fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// A fault on the tiny vault that hits everything.
pub(crate) fn every(name: &str, kind: impl rotaproof_gateway::Fault) -> FaultSpec {
    FaultSpec {
        name: name.into(),
        vault: "tiny".into(),
        operation: None,
        first: None,
        share: None,
        kind: Arc::new(kind),
    }
}

/// What has to end within a day of virtual time, so that a promise that is broken fails instead of hanging.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    let day = Duration::from_secs(24 * 3600);
    tokio::time::timeout(day, future).await.unwrap()
}
