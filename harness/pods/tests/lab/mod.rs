//! A cluster of one node in this process.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its part of this"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::runtime::wait::await_condition;
use kube::{Client, Resource};
use rotaproof_apiserver::{ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprint, Fingerprinter, RunId, TaskGroup};
use rotaproof_pods::probe::Report;
use rotaproof_pods::{LogSink, Options, Pods};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::watch;

/// What the containers printed, in order.
pub(crate) struct Logs {
    lines: Mutex<Vec<(String, String)>>,
    changed: watch::Sender<()>,
}

impl LogSink for Logs {
    fn append(&self, namespace: &str, pod: &str, container: &str, line: &str) {
        let at = format!("{namespace}/{pod}/{container}");
        self.lines.lock().unwrap().push((at, line.to_owned()));
        self.changed.send_replace(());
    }
}

impl Logs {
    /// All lines.
    pub(crate) fn all(&self) -> Vec<(String, String)> {
        self.lines.lock().unwrap().clone()
    }

    /// The reports of a container of the namespace `default`.
    pub(crate) fn reports(&self, container: &str) -> Vec<Report> {
        let at = format!("default/{container}");
        let lines = self.lines.lock().unwrap();
        let of_container = lines.iter().filter(|(from, _)| *from == at);
        of_container
            .filter_map(|(_, line)| serde_json::from_str(line).ok())
            .collect()
    }

    /// The report of this number, from 1, once it is there.
    pub(crate) async fn report(&self, container: &str, number: usize) -> Report {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(report) = self.reports(container).get(number - 1) {
                return report.clone();
            }
            // A day at most: without a timer a paused clock would stand still for ever.
            let day = Duration::from_secs(24 * 3600);
            let next = tokio::time::timeout(day, changed.changed()).await;
            next.unwrap_or_else(|_| panic!("{container} never made report {number}"))
                .unwrap();
        }
    }
}

pub(crate) struct Lab {
    pub(crate) client: Client,
    pub(crate) logs: Arc<Logs>,
    pub(crate) fingerprinter: Fingerprinter,
    pub(crate) clock: Clock,
    pub(crate) pods: Pods,
    pub(crate) tasks: TaskGroup,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::with_seed(7).await
    }

    pub(crate) async fn with_seed(seed: u64) -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let entropy = Entropy::from_seed(seed);
        let issuer = Issuer::generate("https://cluster").unwrap();
        let server = ApiServer::new(Config {
            clock: clock.clone(),
            entropy: entropy.fork("api"),
            issuer,
        });
        let tasks = TaskGroup::new();
        server.start(&tasks);
        let client = Client::new(server.service(), "default");
        let logs = Arc::new(Logs {
            lines: Mutex::default(),
            changed: watch::Sender::new(()),
        });
        let fingerprinter = Fingerprinter::from_key([3; 32]);
        let options = Options {
            clock: clock.clone(),
            entropy: entropy.fork("node"),
            fingerprinter: fingerprinter.clone(),
            logs: logs.clone(),
            run_id: RunId::draw(&entropy),
            sync_period: Options::SYNC_PERIOD,
            node_name: "node".into(),
        };
        let pods = rotaproof_pods::start(client.clone(), options, &tasks).unwrap();
        Self {
            client,
            logs,
            fingerprinter,
            clock,
            pods,
            tasks,
        }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::default_namespaced(self.client.clone())
    }

    pub(crate) async fn create<K>(&self, object: Value) -> K
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + serde::Serialize,
    {
        let object: K = serde_json::from_value(object).unwrap();
        self.api()
            .create(&PostParams::default(), &object)
            .await
            .unwrap()
    }

    /// Creates or changes a Secret.
    pub(crate) async fn secret(&self, name: &str, key: &str, value: &str) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name}, "stringData": {key: value},
        });
        let params = PatchParams::apply("test").force();
        self.api::<Secret>()
            .patch(name, &params, &Patch::Apply(secret))
            .await
            .unwrap();
    }

    /// A pod with one container `app`, which never restarts.
    pub(crate) async fn pod(
        &self,
        name: &str,
        annotations: Value,
        container: Value,
        volumes: Value,
    ) {
        let mut container = container;
        container["name"] = json!("app");
        container["image"] = json!("busybox:1");
        let spec = json!({"restartPolicy": "Never", "containers": [container], "volumes": volumes});
        let metadata = json!({"name": name, "annotations": annotations});
        self.create::<Pod>(json!({"metadata": metadata, "spec": spec}))
            .await;
    }

    /// Waits in virtual time until the object's JSON is as wanted; the longest wait is a day.
    pub(crate) async fn until<K>(&self, name: &str, holds: impl Fn(&Value) -> bool) -> Value
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + serde::Serialize
            + Send
            + 'static,
    {
        until_in(self.api::<K>(), name, holds).await
    }

    pub(crate) async fn phase(&self, pod: &str, phase: &str) -> Value {
        self.until::<Pod>(pod, |pod| pod["status"]["phase"] == phase)
            .await
    }

    pub(crate) fn of(&self, value: &str) -> Fingerprint {
        self.fingerprinter.of(value.as_bytes())
    }

    /// The reasons and messages of a pod's events.
    pub(crate) async fn events(&self, object: &str) -> Vec<(String, String)> {
        let all = self.api::<Event>().list(&Default::default()).await.unwrap();
        let mine = all
            .items
            .into_iter()
            .filter(|e| e.involved_object.name.as_deref() == Some(object));
        mine.map(|e| (e.reason.unwrap_or_default(), e.message.unwrap_or_default()))
            .collect()
    }
}

pub(crate) async fn until_in<K>(api: Api<K>, name: &str, holds: impl Fn(&Value) -> bool) -> Value
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + serde::Serialize + Send + 'static,
{
    let condition = |object: Option<&K>| {
        object.is_some_and(|object| holds(&serde_json::to_value(object).unwrap()))
    };
    let found = tokio::time::timeout(
        Duration::from_secs(24 * 3600),
        await_condition(api, name, condition),
    )
    .await;
    let found = found.unwrap_or_else(|_| panic!("{name} never became as wanted"));
    serde_json::to_value(found.unwrap().unwrap()).unwrap()
}

/// An object of a kind that is known by name only.
pub(crate) fn dynamic(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}
