//! The store's own certificates. Their source is checked as ESO does; connections go through the gateway, whose
//! authority the egress client trusts, so they do not change whom it trusts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rotaproof_kinds::external_secrets::{CaProvider, SecretKeySelector, VaultProvider};

use super::super::{ProviderError, StoreContext};

/// Reads `caBundle` or `caProvider` and refuses what ESO would (`FetchCACertFromSource`).
pub(super) async fn check(store: &StoreContext, spec: &VaultProvider) -> Result<(), ProviderError> {
    if let Some(tls) = &spec.tls
        && (tls.cert_secret_ref.is_some() || tls.key_secret_ref.is_some())
    {
        return Err(ProviderError::other(
            "client certificates (`tls`) are not supported by the built-in operator",
        ));
    }
    let bundle = spec.ca_bundle.as_ref().filter(|b| !b.0.is_empty());
    let pem = match (bundle, &spec.ca_provider) {
        (Some(bundle), _) => decoded(&bundle.0)?,
        (None, Some(provider)) => fetch(store, provider).await?,
        (None, None) => return Ok(()),
    };
    let text = String::from_utf8_lossy(&pem);
    if text.contains("-----BEGIN CERTIFICATE-----") && text.contains("-----END CERTIFICATE-----") {
        Ok(())
    } else {
        Err(ProviderError::other(
            "cannot set Vault CA certificate: failed to parse certificates from CertPool",
        ))
    }
}

/// PEM as it is, or in base64 once more.
fn decoded(bundle: &[u8]) -> Result<Vec<u8>, ProviderError> {
    if String::from_utf8_lossy(bundle).contains("-----BEGIN") {
        return Ok(bundle.to_vec());
    }
    let compact: Vec<u8> = bundle
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    BASE64_STANDARD
        .decode(compact)
        .map_err(|e| ProviderError::Other(format!("failed to decode ca bundle: {e}")))
}

async fn fetch(store: &StoreContext, provider: &CaProvider) -> Result<Vec<u8>, ProviderError> {
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
    let wrapped = |kind: &str, error: ProviderError| match error {
        ProviderError::NoSecret => ProviderError::NoSecret,
        ProviderError::Other(text) => {
            ProviderError::Other(format!("failed to get cert from {kind}: {text}"))
        }
    };
    let namespace = provider.namespace.clone();
    match provider.type_.as_str() {
        "Secret" => {
            let selector = SecretKeySelector {
                name: Some(provider.name.clone()),
                namespace,
                key: provider.key.clone(),
            };
            let value = store.secret_key(&selector).await;
            let value = value.map_err(|e| wrapped("secret", e))?;
            Ok(value.expose().to_vec())
        }
        "ConfigMap" => {
            let key = provider.key.as_deref().unwrap_or_default();
            let text = store
                .config_map_key(namespace.as_deref(), &provider.name, key)
                .await;
            Ok(text.map_err(|e| wrapped("configmap", e))?.into_bytes())
        }
        other => Err(ProviderError::Other(format!(
            "unsupported CA provider type: {other}"
        ))),
    }
}
