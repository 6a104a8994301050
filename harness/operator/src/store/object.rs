//! The two kinds of store, as the code for both of them sees them.

use std::fmt::Debug;
use std::sync::Arc;

use kube::api::Api;
use rotaproof_kinds::external_secrets::{
    ClusterSecretStore, SecretStore, SecretStoreSpec, SecretStoreStatus, StoreKind,
};
use serde::de::DeserializeOwned;

use crate::controller::{Cache, Key};
use crate::engine::Engine;

/// A kind of store.
pub(crate) trait StoreObject:
    kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
    const KIND: StoreKind;
    /// Who its controller's events are from.
    const COMPONENT: &'static str;

    fn spec(&self) -> &SecretStoreSpec;
    fn status(&self) -> Option<&SecretStoreStatus>;
    fn cache(engine: &Engine) -> &Arc<Cache<Self>>;
    /// The API of the objects in this namespace, which is empty for cluster-scoped ones.
    fn api(client: kube::Client, namespace: &str) -> Api<Self>;
}

impl StoreObject for SecretStore {
    const KIND: StoreKind = StoreKind::SecretStore;
    const COMPONENT: &'static str = "secret-store";

    fn spec(&self) -> &SecretStoreSpec {
        &self.spec
    }

    fn status(&self) -> Option<&SecretStoreStatus> {
        self.status.as_ref()
    }

    fn cache(engine: &Engine) -> &Arc<Cache<Self>> {
        &engine.stores
    }

    fn api(client: kube::Client, namespace: &str) -> Api<Self> {
        Api::namespaced(client, namespace)
    }
}

impl StoreObject for ClusterSecretStore {
    const KIND: StoreKind = StoreKind::ClusterSecretStore;
    const COMPONENT: &'static str = "cluster-secret-store";

    fn spec(&self) -> &SecretStoreSpec {
        &self.spec
    }

    fn status(&self) -> Option<&SecretStoreStatus> {
        self.status.as_ref()
    }

    fn cache(engine: &Engine) -> &Arc<Cache<Self>> {
        &engine.cluster_stores
    }

    fn api(client: kube::Client, _namespace: &str) -> Api<Self> {
        Api::all(client)
    }
}

/// A store of either kind, as far as its clients and its validation need it.
pub(crate) struct Store {
    pub(crate) kind: StoreKind,
    pub(crate) key: Key,
    pub(crate) generation: i64,
    pub(crate) spec: Arc<SecretStoreSpec>,
    pub(crate) status: SecretStoreStatus,
}

impl Store {
    pub(crate) fn of<K: StoreObject>(object: &K, key: Key) -> Self {
        Self {
            kind: K::KIND,
            key,
            generation: object.meta().generation.unwrap_or(0),
            spec: Arc::new(object.spec().clone()),
            status: object.status().cloned().unwrap_or_default(),
        }
    }

    /// The store that the cache has under a key.
    pub(crate) fn cached<K: StoreObject>(engine: &Engine, key: Key) -> Option<Self> {
        let object = K::cache(engine).get(&key)?;
        Some(Self::of(&*object, key))
    }
}
