//! The server: what its parts share, and the public handle.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, TaskGroup};
use serde_json::{Value, json};

use crate::expiry::Sweep;
use crate::http::ApiService;
use crate::logs::PodLogs;
use crate::openapi::OpenApi;
use crate::registry::Registry;
use crate::resource::Resource;
use crate::store::{Object, Store};
use crate::write::{Target, WriteOptions};
use crate::{builtin, controllers, crd};

/// What a server needs from its surroundings.
pub struct Config {
    /// Wall time: creation timestamps, token lifetimes.
    pub clock: Clock,
    /// Uids and generated names.
    pub entropy: Entropy,
    /// Signs service account tokens; its URL is their `iss` and their default audience.
    pub issuer: Issuer,
}

/// An in-process Kubernetes API. Clones share their state.
#[derive(Clone)]
pub struct ApiServer {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    pub(crate) uids: Entropy,
    pub(crate) names: Entropy,
    pub(crate) issuer: Issuer,
    pub(crate) logs: PodLogs,
    pub(crate) sweep: Sweep,
    /// How often a watch that allows bookmarks gets one.
    pub(crate) bookmarks: OnceLock<Duration>,
    pub(crate) openapi: OpenApi,
}

impl ApiServer {
    /// A server with the built-in resources and the namespaces `default` and `kube-system`.
    pub fn new(config: Config) -> Self {
        Self::with_store(config, Store::new())
    }

    /// As [`ApiServer::new`], with event logs of `events` entries per resource (10,000 by default): a watch
    /// that falls further behind, and a list that continues after more changes, end with 410 Expired.
    pub fn with_window(config: Config, events: usize) -> Self {
        Self::with_store(config, Store::with_window(events))
    }

    fn with_store(config: Config, store: Store) -> Self {
        let inner = Inner {
            store,
            registry: Registry::default(),
            logs: PodLogs::new(config.clock.clone()),
            sweep: Sweep::new(config.clock.now()),
            bookmarks: OnceLock::new(),
            openapi: OpenApi::default(),
            clock: config.clock,
            uids: config.entropy.fork("uids"),
            names: config.entropy.fork("names"),
            issuer: config.issuer,
        };
        let server = Self {
            inner: Arc::new(inner),
        };
        for resource in builtin::resources() {
            server.register(resource);
        }
        for name in ["default", "kube-system"] {
            server.inner.create_namespace(name);
        }
        server
    }

    /// The API as a service of HTTP requests.
    pub fn service(&self) -> ApiService {
        ApiService::new(self.inner.clone())
    }

    /// Starts the background controllers: the garbage collector of owner references, the emptying of deleted
    /// namespaces and CustomResourceDefinitions, and the `default` ServiceAccount of every namespace.
    pub fn start(&self, tasks: &TaskGroup) {
        tasks.spawn(controllers::run(self.inner.clone()));
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// Sends bookmarks at this interval, as a kube-apiserver does every minute, to watches that allow them and begin
    /// from now on. Without it they get one as they end: in virtual time nothing then wakes for an idle watch. The
    /// first interval stays.
    pub fn send_bookmarks_every(&self, interval: Duration) {
        let _ = self.inner.bookmarks.set(interval);
    }

    /// Where the logs of pods are written.
    pub fn pod_logs(&self) -> PodLogs {
        self.inner.logs.clone()
    }

    /// Serves a resource from now on; one of the same group and plural is redefined and keeps its objects.
    pub fn register(&self, resource: Resource) {
        self.inner.register(resource);
    }

    /// The revision of the last change.
    pub fn revision(&self) -> u64 {
        self.inner.store.revision()
    }

    /// When a revision was committed, among the last ones: by it an observer in this process measures its own lag.
    pub fn committed_at(&self, revision: u64) -> Option<tokio::time::Instant> {
        self.inner.store.committed_at(revision)
    }
}

impl Inner {
    pub(crate) fn register(&self, resource: Resource) {
        let resource = self.registry.insert(resource);
        self.store.add_table(resource.id());
    }

    /// Now, as objects carry it.
    pub(crate) fn now(&self) -> String {
        seconds(self.clock.now())
    }

    /// The resource with its storage version, for the server's own writes.
    pub(crate) fn stored_target(&self, resource: &Arc<Resource>) -> Option<Target> {
        let version = resource.versions.iter().find(|version| version.storage)?;
        Some(Target {
            resource: resource.clone(),
            version: version.clone(),
        })
    }

    pub(crate) fn own_options() -> WriteOptions {
        WriteOptions {
            manager: "kube-apiserver".to_owned(),
            ..WriteOptions::default()
        }
    }

    fn create_namespace(&self, name: &str) {
        let target = self
            .registry
            .get("", "namespaces")
            .and_then(|resource| self.stored_target(&resource));
        if let Some(target) = target {
            let namespace: Value = json!({"metadata": {"name": name}});
            // The names are valid and the table is new.
            let _ = self.create(&target, "", namespace, &Self::own_options());
        }
    }

    /// Follows a committed create or update with what depends on it at once.
    pub(crate) fn committed(&self, resource: &Resource, object: &Object) {
        match resource.qualified() {
            crd::RESOURCE => crd::serve(self, object),
            "events" => self.expire_events(),
            _ => {}
        }
    }

    /// Follows a removal with what depends on it at once.
    pub(crate) fn removed(&self, resource: &Resource, object: &Object) {
        match resource.qualified() {
            crd::RESOURCE => crd::withdraw(self, &object.value),
            "pods" => {
                let text = |field| crate::object::meta_text(&object.value, field);
                self.logs.forget(text("namespace"), text("name"));
            }
            _ => {}
        }
    }
}

/// RFC 3339 in whole seconds, as `metav1.Time` is written.
pub(crate) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
