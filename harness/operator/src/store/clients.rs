//! The provider clients of one reconcile: at most one per provider at a time, closed at the end
//! (ESO 2.9.0, `client_manager.go`).

use std::collections::BTreeMap;

use rotaproof_kinds::external_secrets::{
    ClusterSecretStore, SecretStore, SecretStoreRef, SecretStoreSpec, StoreKind,
};

use super::object::Store;
use super::{is_ours, namespaces};
use crate::controller::Key;
use crate::engine::Engine;
use crate::provider::{ProviderError, SecretsClient};

/// Which store a client was made for.
#[derive(Clone, PartialEq, Eq)]
struct Origin {
    kind: StoreKind,
    key: Key,
    generation: i64,
}

/// Makes clients on demand and keeps them.
pub(crate) struct Clients<'a> {
    engine: &'a Engine,
    flood_gate: bool,
    open: BTreeMap<String, (Origin, Box<dyn SecretsClient>)>,
}

/// A store's provider by its key, in ESO's words where there is none.
pub(super) fn provider_key(name: &str, spec: &SecretStoreSpec) -> Result<String, String> {
    let provider = &spec.provider;
    let found = provider.count();
    match provider.key() {
        Some(key) if found == 1 => Ok(key.to_owned()),
        _ => Err(format!(
            "store error for {name}: secret stores must only have exactly one backend specified, found {found}"
        )),
    }
}

impl<'a> Clients<'a> {
    pub(crate) fn new(engine: &'a Engine, flood_gate: bool) -> Self {
        Self {
            engine,
            flood_gate,
            open: BTreeMap::new(),
        }
    }

    /// The client of a referenced store, after all that forbids its use.
    pub(crate) async fn get(
        &mut self,
        reference: &SecretStoreRef,
        namespace: &str,
    ) -> Result<&mut dyn SecretsClient, ProviderError> {
        let store = self.find(reference, namespace)?;
        if !is_ours(&store.spec) {
            return Err(ProviderError::other("can not reference unmanaged store"));
        }
        if store.kind == StoreKind::ClusterSecretStore
            && !namespaces::allowed(&self.engine.client, &store.spec, namespace)
                .await
                .map_err(ProviderError::Other)?
        {
            return Err(ProviderError::Other(format!(
                "using cluster store {:?} is not allowed from namespace {namespace:?}: denied by spec.condition",
                store.key.name
            )));
        }
        let ready = store
            .status
            .ready()
            .is_some_and(|condition| condition.status == "True");
        if self.flood_gate && !ready {
            return Err(ProviderError::Other(format!(
                "{} {:?} is not ready",
                store.kind, store.key.name
            )));
        }
        self.get_from_store(&store, namespace).await
    }

    /// The client of a store, whatever its state.
    pub(crate) async fn get_from_store(
        &mut self,
        store: &Store,
        namespace: &str,
    ) -> Result<&mut dyn SecretsClient, ProviderError> {
        let name = &store.key.name;
        let key = provider_key(name, &store.spec).map_err(ProviderError::Other)?;
        let provider = self.engine.options.providers.get(&key).ok_or_else(|| {
            ProviderError::Other(format!(
                "failed to find registered store backend for type: {key}, name: {name}"
            ))
        })?;
        let origin = Origin {
            kind: store.kind,
            key: store.key.clone(),
            generation: store.generation,
        };
        let reusable = self
            .open
            .get(&key)
            .is_some_and(|(known, _)| *known == origin);
        if !reusable {
            if let Some((_, mut other)) = self.open.remove(&key) {
                close(&mut *other).await;
            }
            let context = self.engine.store_context(
                store.kind,
                name,
                namespace,
                store.generation,
                store.spec.clone(),
            );
            let client = provider.new_client(&context).await?;
            self.open.insert(key.clone(), (origin, client));
        }
        match self.open.get_mut(&key) {
            Some((_, client)) => Ok(&mut **client),
            None => Err(ProviderError::other("provider client is gone")),
        }
    }

    /// Closes every client.
    pub(crate) async fn close(self) {
        for (_, (_, mut client)) in self.open {
            close(&mut *client).await;
        }
    }

    fn find(&self, reference: &SecretStoreRef, namespace: &str) -> Result<Store, ProviderError> {
        let name = reference.name.as_deref().unwrap_or_default();
        let kind = reference.kind.unwrap_or_default();
        let found = match kind {
            StoreKind::ClusterSecretStore => {
                Store::cached::<ClusterSecretStore>(self.engine, Key::new("", name))
            }
            StoreKind::SecretStore => {
                Store::cached::<SecretStore>(self.engine, Key::new(namespace, name))
            }
        };
        found.ok_or_else(|| {
            ProviderError::Other(format!(
                "could not get {kind} {name:?}, {kind}.external-secrets.io {name:?} not found"
            ))
        })
    }
}

async fn close(client: &mut dyn SecretsClient) {
    if let Err(error) = client.close().await {
        tracing::debug!(%error, "provider client did not close");
    }
}
