//! `spec.provider.azurekv`: Azure Key Vault as ESO uses it (`pkg/provider/azure/keyvault` of 0.20.4,
//! `providers/v1/azure/keyvault` of 2.9.0). Both releases have the same SDKs.
//!
//! By default through go-autorest (autorest 0.11.30, adal 0.9.24, Key Vault 7.0), whose retries wait 30 s and more;
//! with `useAzureSDK: true` through azcore 1.19.1, azidentity 1.13.0 and azsecrets 1.4 (7.6), which draws a challenge first. Managed
//! identities, service principals with a client secret, and workload identities with a `serviceAccountRef` are here;
//! certificates, keys, client certificates, and clouds of the user's own are refused by name.

mod authentication;
mod autorest;
mod azcore;
mod client;
mod credential;
mod find;
mod imds;
mod metadata;
mod msal;
mod sdk;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::AzureKvProvider;
use tokio::sync::Mutex;

use self::client::AzureClient;
use super::{Provider, ProviderError, SecretsClient, StoreContext};

/// A token and when it ends, in seconds since the Unix epoch.
#[derive(Clone)]
struct Token {
    text: SecretValue,
    expires: i64,
}

impl Token {
    /// Whether it is used as it is: either SDK acquires one with less than five minutes left anew.
    fn is_fresh(&self, now: i64) -> bool {
        const LEFT: i64 = 300;
        self.expires - now > LEFT
    }
}

/// Managed identities' tokens by client id: MSAL keeps them for as long as the process lives.
type ManagedTokens = Arc<Mutex<BTreeMap<String, Token>>>;

/// Makes clients of Azure Key Vault.
#[derive(Clone, Default)]
pub(super) struct AzureKeyVault {
    managed: ManagedTokens,
}

#[async_trait]
impl Provider for AzureKeyVault {
    async fn new_client(
        &self,
        store: &StoreContext,
    ) -> Result<Box<dyn SecretsClient>, ProviderError> {
        let spec = store.spec.provider.azurekv.clone();
        let spec = spec.ok_or_else(|| ProviderError::other("unexpected store spec"))?;
        // A cluster store's references mean the ExternalSecret's namespace, which validation does not know.
        let unknowable =
            store.is_cluster_scoped() && store.namespace.is_empty() && is_referent(&spec);
        let api = match unknowable {
            true => None,
            false => Some(authentication::api(store, &spec, &self.managed).await?),
        };
        Ok(Box::new(AzureClient::new(api, store.release)))
    }

    fn capabilities(&self) -> &'static str {
        "ReadWrite"
    }
}

/// Whether a reference of the store's credentials names no namespace of its own (`isReferentSpec`).
fn is_referent(spec: &AzureKvProvider) -> bool {
    let auth = spec.auth_secret_ref.as_ref();
    let selectors = [
        auth.and_then(|auth| auth.client_id.as_ref()),
        auth.and_then(|auth| auth.client_secret.as_ref()),
    ];
    selectors
        .into_iter()
        .flatten()
        .any(|selector| selector.namespace.is_none())
        || spec
            .service_account_ref
            .as_ref()
            .is_some_and(|account| account.namespace.is_none())
}
