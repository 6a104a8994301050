//! A cluster, a provider that does as it is told, and the engine between them, all in virtual time.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used)]

mod vault;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use http_body_util::{BodyStream, StreamBody};
use k8s_openapi::api::core::v1::{Event, Namespace, Secret};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use rotaproof_apiserver::{ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, TaskGroup};
use rotaproof_kinds::external_secrets::{ClusterSecretStore, ExternalSecret, SecretStore};
use rotaproof_operator::provider::Providers;
use rotaproof_operator::{Operator, Options, Release};
use serde_json::{Value, json};
use vault::Fake;

pub(crate) struct World {
    pub(crate) client: kube::Client,
    pub(crate) vault: Fake,
    pub(crate) clock: Clock,
    /// How late the engine's watch of whole Secrets is.
    pub(crate) secret_lag: Arc<Mutex<Duration>>,
    /// Requests of the engine that are no watch, in order: `PUT /path 200`.
    pub(crate) calls: Arc<Mutex<Vec<String>>>,
    api: ApiServer,
    operator: Option<Operator>,
    tasks: TaskGroup,
    _listener: rotaproof_base::MemoryListener,
    /// The engine's way to the vaults: nowhere, unless a test sets it before it starts the engine.
    pub(crate) egress: rotaproof_egress::Client,
}

impl World {
    /// A cluster with ESO's kinds, namespace `ns`, a ready ClusterSecretStore `vault`, and the running engine.
    pub(crate) async fn start() -> Self {
        Self::start_changed(|_| {}).await
    }

    /// The same without store and engine.
    pub(crate) async fn without_store() -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let api = ApiServer::new(Config {
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            issuer: Issuer::generate("https://kubernetes.default.svc").unwrap(),
        });
        let tasks = TaskGroup::new();
        api.start(&tasks);
        let client = kube::Client::new(api.service(), "default");
        let crd = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
        ));
        let crds: Api<DynamicObject> = Api::all_with(client.clone(), &crd);
        for object in rotaproof_kinds::crds() {
            crds.create(
                &PostParams::default(),
                &serde_json::from_value(object).unwrap(),
            )
            .await
            .unwrap();
        }
        let (dialer, listener) = rotaproof_base::memory();
        let egress = rotaproof_egress::Client::builder(clock.clone())
            .direct(Arc::new(dialer))
            .build()
            .unwrap();
        let world = Self {
            client,
            vault: Fake::default(),
            clock,
            calls: Arc::default(),
            secret_lag: Arc::default(),
            api,
            operator: None,
            tasks,
            _listener: listener,
            egress,
        };
        for name in ["ns", "other"] {
            let namespace = json!({"metadata": {"name": name}});
            Api::<Namespace>::all(world.client.clone())
                .create(
                    &PostParams::default(),
                    &serde_json::from_value(namespace).unwrap(),
                )
                .await
                .unwrap();
        }
        world.settle().await;
        world
    }

    pub(crate) fn start_operator(&mut self) {
        self.start_workers(1);
    }

    pub(crate) fn start_workers(&mut self, concurrent: usize) {
        self.start_with(|options| options.concurrent = concurrent);
    }

    /// The engine of a release, a ready ClusterSecretStore `vault`, and as `start` otherwise.
    pub(crate) async fn start_as(release: Release) -> Self {
        Self::start_changed(|options| options.release = release).await
    }

    /// As `start`, with changed options.
    pub(crate) async fn start_changed(change: impl FnOnce(&mut Options)) -> Self {
        let mut world = Self::without_store().await;
        world.start_with(change);
        world.create_store(json!({"metadata": {"name": "vault"}, "spec": {"provider": {"fake": {"data": []}}}})).await;
        world.settle().await;
        world
    }

    pub(crate) fn start_with(&mut self, change: impl FnOnce(&mut Options)) {
        let mut options = Options::new(self.clock.clone(), Entropy::from_seed(11));
        change(&mut options);
        options.providers = Providers::builtin().with("fake", Arc::new(self.vault.clone()));
        let (api, calls) = (self.api.clone(), self.calls.clone());
        let secret_lag = self.secret_lag.clone();
        let recorded = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (service, calls) = (api.service(), calls.clone());
            let secret_lag = secret_lag.clone();
            async move {
                let query = request.uri().query().unwrap_or_default().to_owned();
                let metadata = request.headers().get("accept").is_some_and(|accept| {
                    accept.to_str().unwrap().contains("PartialObjectMetadata")
                });
                let line = format!(
                    "{} {}{}",
                    request.method(),
                    request.uri().path(),
                    if metadata { " (metadata)" } else { "" }
                );
                let answer = tower::ServiceExt::oneshot(service, request).await.unwrap();
                if !query.contains("watch=true") {
                    let line = format!("{line} {}", answer.status().as_u16());
                    calls.lock().unwrap().push(line);
                }
                let late = query.contains("watch=true") && query.contains("labelSelector");
                let (head, body) = answer.into_parts();
                let frames = BodyStream::new(body).then(move |frame| {
                    let lag = *secret_lag.lock().unwrap();
                    async move {
                        if late {
                            tokio::time::sleep(lag).await;
                        }
                        frame
                    }
                });
                Ok::<_, std::convert::Infallible>(http::Response::from_parts(
                    head,
                    StreamBody::new(frames),
                ))
            }
        });
        self.operator = Some(rotaproof_operator::start(
            kube::Client::new(recorded, "default"),
            self.egress.clone(),
            options,
            &self.tasks,
        ));
    }

    pub(crate) async fn stop_operator(&mut self) {
        self.operator.take().unwrap().stop().await;
    }

    /// Lets everything happen that needs no more than a moment.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(900)).await;
    }

    pub(crate) async fn wait(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub(crate) async fn create_store(&self, object: Value) {
        let object = with_kind(object, "ClusterSecretStore");
        Api::<ClusterSecretStore>::all(self.client.clone())
            .create(
                &PostParams::default(),
                &serde_json::from_value(object).unwrap(),
            )
            .await
            .unwrap();
    }

    pub(crate) async fn create_namespaced_store(&self, namespace: &str, name: &str) {
        let object = with_kind(
            json!({"metadata": {"name": name}, "spec": {"provider": {"fake": {"data": []}}}}),
            "SecretStore",
        );
        Api::<SecretStore>::namespaced(self.client.clone(), namespace)
            .create(
                &PostParams::default(),
                &serde_json::from_value(object).unwrap(),
            )
            .await
            .unwrap();
    }

    pub(crate) async fn store(&self, name: &str) -> ClusterSecretStore {
        Api::<ClusterSecretStore>::all(self.client.clone())
            .get(name)
            .await
            .unwrap()
    }

    pub(crate) fn external_secrets(&self) -> Api<ExternalSecret> {
        Api::namespaced(self.client.clone(), "ns")
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), "ns")
    }

    /// Creates an ExternalSecret in `ns` that maps `key` of the vault's `app`, with changes to its spec.
    pub(crate) async fn create(&self, name: &str, changes: Value) -> ExternalSecret {
        let mut spec = json!({
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
            "data": [{"secretKey": "key", "remoteRef": {"key": "app"}}],
        });
        merge(&mut spec, changes);
        let object = with_kind(
            json!({"metadata": {"name": name}, "spec": spec}),
            "ExternalSecret",
        );
        self.external_secrets()
            .create(
                &PostParams::default(),
                &serde_json::from_value(object).unwrap(),
            )
            .await
            .unwrap()
    }

    pub(crate) async fn external(&self, name: &str) -> ExternalSecret {
        self.external_secrets().get(name).await.unwrap()
    }

    pub(crate) async fn patch(&self, name: &str, patch: Value) {
        self.external_secrets()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .unwrap();
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.external_secrets()
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }

    /// `status/reason/message` of the Ready condition.
    pub(crate) async fn ready(&self, name: &str) -> String {
        let status = self.external(name).await.status.unwrap_or_default();
        status.ready().map_or("none".to_owned(), |c| {
            format!(
                "{}/{}/{}",
                c.status,
                c.reason.as_deref().unwrap_or_default(),
                c.message.as_deref().unwrap_or_default()
            )
        })
    }

    pub(crate) async fn refreshed(&self, name: &str) -> String {
        let status = self.external(name).await.status.unwrap_or_default();
        status
            .refresh_time
            .map(|time| time.0.to_string())
            .unwrap_or_default()
    }

    pub(crate) async fn secret(&self, name: &str) -> Option<Secret> {
        self.secrets().get_opt(name).await.unwrap()
    }

    /// The value of a key of a Secret.
    pub(crate) async fn value(&self, name: &str, key: &str) -> Option<String> {
        let data = self.secret(name).await?.data?;
        data.get(key)
            .map(|value| String::from_utf8(value.0.clone()).unwrap())
    }

    /// `type reason xcount message` of every event of a namespace, sorted.
    pub(crate) async fn events(&self, namespace: &str) -> Vec<String> {
        let list = Api::<Event>::namespaced(self.client.clone(), namespace)
            .list(&ListParams::default())
            .await
            .unwrap();
        let mut lines: Vec<String> = list
            .into_iter()
            .filter(|event| {
                event.involved_object.api_version.as_deref() == Some("external-secrets.io/v1")
            })
            .map(|event| {
                format!(
                    "{} {} x{} {}",
                    event.type_.unwrap_or_default(),
                    event.reason.unwrap_or_default(),
                    event.count.unwrap_or_default(),
                    event.message.unwrap_or_default()
                )
            })
            .collect();
        lines.sort();
        lines
    }
}

fn with_kind(mut object: Value, kind: &str) -> Value {
    object["apiVersion"] = json!("external-secrets.io/v1");
    object["kind"] = json!(kind);
    object
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
