//! What lanes have in common that have their cluster in this process: the Kubernetes API, the vaults behind the gateway,
//! and the node. An operator is the lane's own.

mod credentials;
mod front;
mod kinds;
mod vaults;

use std::sync::Arc;
use std::time::Duration;

use rotaproof_apiserver::{ApiServer, PodLogs};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, RunFolder, RunId, SecretValue, TaskGroup};
use rotaproof_gateway::Gateway;
use rotaproof_pods::Pods;
use serde_json::Value;

pub(crate) use credentials::OWNER;
pub(crate) use front::{Front, Ground};
pub(crate) use vaults::Servers;

use crate::{Cluster, Error, Lab, Wanted};

/// The cluster's `--service-account-issuer`.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Threads that serve the API, the gateway and the pods of a scenario.
const THREADS: usize = 2;

/// Removes the folders of runs whose process is gone, and says how many there were.
pub fn sweep() -> usize {
    RunFolder::sweep()
}

/// As [`sweep`], for a lane: its log is told.
pub(crate) fn sweep_and_tell() {
    let swept = sweep();
    if swept > 0 {
        tracing::info!(swept, "folders of runs that were killed");
    }
}

/// A runtime on the machine's clock, for a scenario's own parts.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(Error::starting("the runtime"))
}

/// How a lane wants them.
pub(crate) struct Plan<'a> {
    /// The vaults.
    pub(crate) wanted: &'a Wanted<'a>,
    /// What is drawn, is drawn from this.
    pub(crate) entropy: &'a Entropy,
    /// The time of everything.
    pub(crate) clock: Clock,
    /// The CustomResourceDefinitions.
    pub(crate) kinds: &'a [Value],
    /// How far apart the kubelet looks at mounted Secrets.
    pub(crate) sync_period: Duration,
}

/// The parts of a lab, up to its operator.
pub(crate) struct Parts {
    pub(crate) client: kube::Client,
    pub(crate) api: ApiServer,
    pub(crate) gateway: Gateway,
    pub(crate) tasks: TaskGroup,
    pub(crate) clock: Clock,
    /// What the cluster was given of the vaults' credentials.
    pub(crate) credentials: Vec<SecretValue>,
    pub(crate) run_id: RunId,
    front: Front,
}

impl Parts {
    /// Starts them. Must be called inside a tokio runtime whose clock the plan's follows.
    pub(crate) async fn start(plan: Plan<'_>) -> Result<(Self, Pods), Error> {
        let Plan {
            wanted,
            entropy,
            clock,
            kinds,
            sync_period,
        } = plan;
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
        kinds::install(&client, kinds).await?;

        let front = Front::start(&Ground {
            wanted,
            entropy,
            clock: &clock,
            authority: None,
            verifier: &verifier,
            client: &client,
            owner: None,
            servers: None,
            tasks: &tasks,
        })
        .await?;

        let run_id = RunId::draw(&entropy.fork("run"));
        let pods = rotaproof_pods::start(
            client.clone(),
            rotaproof_pods::Options {
                clock: clock.clone(),
                entropy: entropy.fork("pods"),
                fingerprinter: front.fingerprinter.clone(),
                logs: Arc::new(Logs(api.pod_logs())),
                run_id: run_id.clone(),
                sync_period,
                node_name: "embedded".into(),
            },
            &tasks,
        )
        .map_err(Error::starting("the kubelet"))?;
        let parts = Self {
            client,
            api,
            gateway: front.gateway.clone(),
            tasks,
            clock,
            credentials: front.credentials.clone(),
            run_id,
            front,
        };
        Ok((parts, pods))
    }

    /// The lab of these parts and an operator.
    pub(crate) fn into_lab(self, cluster: Box<dyn Cluster>) -> Lab {
        let api = self.api;
        let committed = Arc::new(move |revision| api.committed_at(revision));
        self.front
            .into_lab(self.client, self.clock, committed, cluster)
    }
}

/// The kubelet's way into the API's pod logs.
struct Logs(PodLogs);

impl rotaproof_pods::LogSink for Logs {
    fn append(&self, namespace: &str, pod: &str, container: &str, line: &str) {
        self.0.append(namespace, pod, container, line);
    }
}
