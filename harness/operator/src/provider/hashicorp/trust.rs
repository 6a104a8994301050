//! The store's own certificates: with `caBundle` or `caProvider`, a server is trusted by them alone, as ESO makes them
//! the `RootCAs` of the client (`client.go`, `FetchCACertFromSource`).

use rotaproof_base::SecretValue;
use rotaproof_egress::Client;
use rotaproof_kinds::external_secrets::{CaProvider, SecretKeySelector, VaultProvider};

use super::super::{ProviderError, StoreContext};
use crate::value;

/// The way to the store's server. ESO makes a transport per client: no connection outlives a reconcile.
pub(super) async fn client(
    store: &StoreContext,
    spec: &VaultProvider,
) -> Result<Client, ProviderError> {
    if let Some(tls) = &spec.tls
        && (tls.cert_secret_ref.is_some() || tls.key_secret_ref.is_some())
    {
        return Err(ProviderError::other(
            "client certificates (`tls`) are not supported by the built-in operator",
        ));
    }
    let bundle = spec.ca_bundle.as_ref().filter(|b| !b.0.is_empty());
    let (pem, unusable) = match (bundle, &spec.ca_provider) {
        (Some(bundle), _) => (
            decoded(&bundle.0)?,
            "failed to decode ca bundle: failed to validate certificate: x509: malformed certificate",
        ),
        (None, Some(provider)) => (
            fetch(store, provider).await?,
            "cannot set Vault CA certificate: failed to parse certificates from CertPool",
        ),
        (None, None) => return Ok(store.egress.fresh()),
    };
    store
        .egress
        .trusting(&pem)
        .map_err(|_| ProviderError::other(unusable))
}

/// PEM as it is, or in base64 once more (`base64decode`).
fn decoded(bundle: &[u8]) -> Result<String, ProviderError> {
    let pem = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.contains("-----BEGIN ").then(|| text.into_owned())
    };
    if let Some(text) = pem(bundle) {
        return Ok(text);
    }
    let failed = |why: &str| ProviderError::Other(format!("failed to decode ca bundle: {why}"));
    let plain = value::decode("Auto", &SecretValue::new(bundle.to_vec()))
        .map_err(|error| failed(&error.to_string()))?;
    pem(plain.expose())
        .ok_or_else(|| failed("failed to parse the new certificate, not valid pem data"))
}

async fn fetch(store: &StoreContext, provider: &CaProvider) -> Result<String, ProviderError> {
    match (&provider.namespace, store.is_cluster_scoped()) {
        (Some(namespace), false) if *namespace != store.namespace => {
            return Err(ProviderError::other(
                "namespace should either be empty or match the namespace of the SecretStore for a namespaced SecretStore",
            ));
        }
        (None, true) => {
            return Err(ProviderError::other(
                "missing namespace on caProvider secret",
            ));
        }
        _ => {}
    }
    let (name, key) = (&provider.name, provider.key.as_deref().unwrap_or_default());
    let namespace = provider.namespace.clone();
    match provider.type_.as_str() {
        "Secret" => {
            let selector = SecretKeySelector {
                name: Some(name.clone()),
                namespace,
                key: Some(key.to_owned()),
            };
            let value = store.secret_key(&selector).await.map_err(|error| {
                ProviderError::Other(format!(
                    "failed to get cert from secret: failed to resolve secret key ref: {error}"
                ))
            })?;
            Ok(String::from_utf8_lossy(value.expose()).into_owned())
        }
        "ConfigMap" => {
            let failed = |why: String| {
                ProviderError::Other(format!("failed to get cert from configmap: {why}"))
            };
            let found = store.config_map(namespace.as_deref(), name).await;
            // ESO calls it a secret.
            let found = found.map_err(|error| {
                failed(format!("failed to get caProvider secret {name}: {error}"))
            })?;
            found
                .data
                .and_then(|mut data| data.remove(key))
                .ok_or_else(|| {
                    failed(format!(
                        "failed to get caProvider configMap {name} -> {key}"
                    ))
                })
        }
        other => Err(ProviderError::Other(format!(
            "unsupported CA provider type: {other}"
        ))),
    }
}
