//! The embedded lane: everything in this process, in memory, in virtual time.
//!
//! Each lab has a current-thread runtime whose clock is paused: tokio moves it to the next timer exactly when no task
//! can run. That is exact because no task ever waits on a socket (every connection is an in-memory stream, with the
//! real hyper, rustls and SDKs on top), and deterministic because one thread runs everything.

mod credentials;
mod vaults;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use jiff::Timestamp;
use rotaproof_apiserver::{ApiServer, PodLogs};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, RunId, TaskGroup, memory};
use rotaproof_gateway::Gateway;
use rotaproof_operator::Operator;
use rotaproof_pods::Pods;
use rotaproof_scenario::model::Eso;
use tokio::sync::Mutex;

use crate::{Cluster, Error, Lab, Lane, Present, Wanted};

/// When every virtual day begins: the record's date.
const EPOCH: &str = "2025-11-08T00:00:00Z";
/// The cluster's `--service-account-issuer`.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Removes the folders of pods whose process is gone, and says how many there were.
pub fn sweep() -> usize {
    rotaproof_pods::sweep()
}

/// The embedded lane.
pub struct Embedded;

#[async_trait]
impl Lane for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn sweep(&self) {
        let swept = sweep();
        if swept > 0 {
            tracing::info!(swept, "folders of runs that were killed");
        }
    }

    fn runtime(&self) -> Result<tokio::runtime::Runtime, Error> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .map_err(Error::starting("the runtime"))
    }

    fn present(&self) -> Present {
        Present::Virtual(Duration::from_millis(1))
    }

    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error> {
        let epoch: Timestamp = EPOCH.parse().map_err(Error::starting("the clock"))?;
        let clock = Clock::starting_at(epoch);
        let interactive = Interactive::start(wanted, entropy, clock, None).await?;
        Ok(interactive.lab)
    }
}

/// An embedded lab on whatever clock, whose parts can be served to people's own tools.
pub struct Interactive {
    /// The lab.
    pub lab: Lab,
    /// Its Kubernetes API, for a listener.
    pub api: ApiServer,
    /// What serves it belongs here: it ends when the lab's cluster is stopped.
    pub tasks: TaskGroup,
}

impl Interactive {
    /// Starts the lab's parts. Must be called inside a tokio runtime whose clock `clock` follows. The operator takes
    /// `refresh` in place of every interval of an ExternalSecret.
    ///
    /// # Errors
    /// Where a part cannot start.
    pub async fn start(
        wanted: &Wanted<'_>,
        entropy: &Entropy,
        clock: Clock,
        refresh: Option<Duration>,
    ) -> Result<Self, Error> {
        let fingerprinter = Fingerprinter::draw(&entropy.fork("fingerprints"));
        let tasks = TaskGroup::new();

        let issuer = Issuer::generate(ISSUER).map_err(Error::starting("the token issuer"))?;
        let verifier = issuer.verifier();
        let api = ApiServer::new(rotaproof_apiserver::Config {
            clock: clock.clone(),
            entropy: entropy.fork("apiserver"),
            issuer,
        });
        api.start(&tasks);
        let client = kube::Client::new(api.service(), "default");
        credentials::install_kinds(&client, wanted.eso).await?;

        let gateway = Gateway::new(rotaproof_gateway::Config {
            clock: clock.clone(),
            entropy: entropy.fork("gateway"),
        })
        .map_err(Error::starting("the gateway"))?;
        let setting = vaults::Setting {
            clock: &clock,
            entropy: &entropy.fork("vaults"),
            fingerprinter: &fingerprinter,
            verifier: &verifier,
            gateway: &gateway,
            tasks: &tasks,
        };
        let (vaults, deliveries) = vaults::start(wanted.vaults, &setting)?;
        credentials::deliver(&client, deliveries).await?;

        let (proxy, listener) = memory();
        gateway.serve(listener, &tasks);
        let egress = rotaproof_egress::Client::builder(clock.clone())
            .through_proxy(Arc::new(proxy))
            .trust_pem(gateway.ca_pem())
            .build()
            .map_err(Error::starting("the operator's HTTP client"))?;
        let pods = rotaproof_pods::start(
            client.clone(),
            rotaproof_pods::Options {
                clock: clock.clone(),
                entropy: entropy.fork("pods"),
                fingerprinter: fingerprinter.clone(),
                logs: Arc::new(Logs(api.pod_logs())),
                run_id: RunId::draw(&entropy.fork("run")),
                sync_period: rotaproof_pods::Options::SYNC_PERIOD,
                node_name: "embedded".into(),
            },
            &tasks,
        )
        .map_err(Error::starting("the kubelet"))?;
        let cluster = Running {
            client: client.clone(),
            egress,
            clock: clock.clone(),
            entropy: entropy.fork("operator"),
            refresh,
            eso: wanted.eso.clone(),
            tasks: tasks.clone(),
            pods: Mutex::new(Some(pods)),
            operator: Mutex::new(None),
        };
        cluster.restart_operator().await?;
        let mut writers = IndexMap::new();
        let mut accesses = IndexMap::new();
        for (name, vault) in vaults {
            writers.insert(name.clone(), vault.writer);
            accesses.insert(name, vault.access);
        }
        let lab = Lab {
            client,
            clock,
            fingerprinter,
            gateway,
            writers,
            accesses,
            cluster: Box::new(cluster),
        };
        Ok(Self { lab, api, tasks })
    }
}

/// The kubelet's way into the API's pod logs.
struct Logs(PodLogs);

impl rotaproof_pods::LogSink for Logs {
    fn append(&self, namespace: &str, pod: &str, container: &str, line: &str) {
        self.0.append(namespace, pod, container, line);
    }
}

struct Running {
    client: kube::Client,
    egress: rotaproof_egress::Client,
    clock: Clock,
    entropy: Entropy,
    refresh: Option<Duration>,
    eso: Eso,
    tasks: TaskGroup,
    pods: Mutex<Option<Pods>>,
    operator: Mutex<Option<Operator>>,
}

#[async_trait]
impl Cluster for Running {
    async fn restart_operator(&self) -> Result<(), Error> {
        let mut operator = self.operator.lock().await;
        if let Some(running) = operator.take() {
            running.stop().await;
        }
        let mut options =
            rotaproof_operator::Options::new(self.clock.clone(), self.entropy.clone());
        options.refresh = self.refresh;
        if let Some(concurrent) = self.eso.concurrent {
            options.concurrent = concurrent.get().into();
        }
        if let Some(interval) = self.eso.store_requeue_interval {
            options.store_requeue = interval.0;
        }
        let client = self.client.clone();
        *operator = Some(rotaproof_operator::start(
            client,
            self.egress.clone(),
            options,
            &self.tasks,
        ));
        Ok(())
    }

    async fn stop(&self) {
        if let Some(operator) = self.operator.lock().await.take() {
            operator.stop().await;
        }
        if let Some(pods) = self.pods.lock().await.take() {
            pods.stop().await;
        }
        self.tasks.shutdown().await;
    }
}
