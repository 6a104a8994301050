//! What a provider may know and ask while it makes a client.

use std::sync::Arc;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use kube::api::{Api, PostParams};
use rotaproof_base::{Clock, Entropy, SecretValue};
use rotaproof_kinds::external_secrets::{
    SecretKeySelector, SecretStoreSpec, ServiceAccountSelector, StoreKind,
};

use super::ProviderError;
use crate::{Release, kube_error};

/// A store, and the world as its provider may see it.
#[derive(Clone)]
pub struct StoreContext {
    /// Which kind of store it is.
    pub kind: StoreKind,
    /// The store's name.
    pub name: String,
    /// The namespace of the ExternalSecret; a SecretStore's own namespace while it is validated, and empty while a
    /// ClusterSecretStore is.
    pub namespace: String,
    /// The store's generation.
    pub generation: i64,
    /// The store's spec.
    pub spec: Arc<SecretStoreSpec>,
    /// The Kubernetes API. Every read goes to the server, as ESO's reads of credentials do.
    pub kube: kube::Client,
    /// The way to the vault.
    pub egress: rotaproof_egress::Client,
    /// Wall time.
    pub clock: Clock,
    /// Randomness of this store's clients.
    pub entropy: Entropy,
    /// The ESO that its provider behaves as, where releases differ.
    pub release: Release,
}

impl StoreContext {
    /// Whether the store is for the whole cluster.
    pub fn is_cluster_scoped(&self) -> bool {
        self.kind == StoreKind::ClusterSecretStore
    }

    /// The namespace that a reference of the store means: its own one counts only in a ClusterSecretStore
    /// (ESO 2.9.0, `runtime/esutils/resolvers/secret_ref.go`).
    pub fn namespace_of<'a>(&'a self, named: Option<&'a str>) -> &'a str {
        named
            .filter(|_| self.is_cluster_scoped())
            .unwrap_or(&self.namespace)
    }

    /// The value under a key of a Secret.
    pub async fn secret_key(
        &self,
        selector: &SecretKeySelector,
    ) -> Result<SecretValue, ProviderError> {
        let name = selector.name.as_deref().unwrap_or_default();
        let namespace = self.namespace_of(selector.namespace.as_deref());
        let secret = Api::<Secret>::namespaced(self.kube.clone(), namespace)
            .get(name)
            .await
            .map_err(|error| {
                ProviderError::Other(format!(
                    "cannot get Kubernetes secret {name:?} from namespace {namespace:?}: {}",
                    kube_error::text(&error)
                ))
            })?;
        let key = selector.key.as_deref().unwrap_or_default();
        secret
            .data
            .and_then(|mut data| data.remove(key))
            .map(|value| SecretValue::new(value.0))
            .ok_or_else(|| {
                ProviderError::Other(format!("cannot find secret data for key: {key:?}"))
            })
    }

    /// A ConfigMap. The error is the API server's own text.
    pub async fn config_map(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<ConfigMap, ProviderError> {
        let namespace = self.namespace_of(namespace);
        Api::<ConfigMap>::namespaced(self.kube.clone(), namespace)
            .get(name)
            .await
            .map_err(|error| ProviderError::Other(kube_error::text(&error)))
    }

    /// A service account, for its annotations. The error is the API server's own text.
    pub async fn service_account(
        &self,
        selector: &ServiceAccountSelector,
    ) -> Result<ServiceAccount, ProviderError> {
        let namespace = self.namespace_of(selector.namespace.as_deref());
        Api::<ServiceAccount>::namespaced(self.kube.clone(), namespace)
            .get(&selector.name)
            .await
            .map_err(|error| ProviderError::Other(kube_error::text(&error)))
    }

    /// A token of a service account, by TokenRequest. The error is the API server's own text.
    pub async fn service_account_token(
        &self,
        selector: &ServiceAccountSelector,
        audiences: Vec<String>,
        expiration_seconds: Option<i64>,
    ) -> Result<SecretValue, ProviderError> {
        let namespace = self.namespace_of(selector.namespace.as_deref());
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                audiences: Some(audiences),
                expiration_seconds,
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let answer: TokenRequest = Api::<ServiceAccount>::namespaced(self.kube.clone(), namespace)
            .create_token_request(&selector.name, &PostParams::default(), &request)
            .await
            .map_err(|error| ProviderError::Other(kube_error::text(&error)))?;
        Ok(SecretValue::new(
            answer
                .status
                .and_then(|status| status.token)
                .unwrap_or_default(),
        ))
    }
}
