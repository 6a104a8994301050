//! `spec.provider.vault`: HashiCorp Vault as ESO 2.9.0 uses it (`providers/v1/vault`).
//!
//! A client is made per reconcile: it logs in anew, reads each entry without a cache, and gives its token back when it
//! is closed. Logins with a token, a Kubernetes service account and a JWT are here; the others fail by name.

mod api;
mod auth;
mod client;
mod keys;
mod reading;
#[cfg(test)]
mod tests;
mod trust;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use rotaproof_kinds::external_secrets::VaultProvider;

use self::api::Api;
use self::client::VaultClient;
use super::{Provider, ProviderError, SecretsClient, StoreContext};

/// Makes clients of HashiCorp Vault.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HashicorpVault;

#[async_trait]
impl Provider for HashicorpVault {
    async fn new_client(
        &self,
        store: &StoreContext,
    ) -> Result<Box<dyn SecretsClient>, ProviderError> {
        let spec = store.spec.provider.vault.clone();
        let spec = Arc::new(spec.ok_or_else(|| {
            ProviderError::other("received invalid Vault SecretStore resource: %!w(<nil>)")
        })?);
        let egress = trust::client(store, &spec).await?;
        let mut api = Api::new(store, &spec, egress)?;
        // A cluster store's references mean the ExternalSecret's namespace, which validation does not know.
        let unknowable =
            store.is_cluster_scoped() && store.namespace.is_empty() && is_referent(&spec);
        if !unknowable {
            auth::log_in(store, &spec, &mut api).await?;
        }
        Ok(Box::new(VaultClient::new(
            spec,
            api,
            store.is_cluster_scoped(),
        )))
    }

    fn capabilities(&self) -> &'static str {
        "ReadWrite"
    }
}

/// Whether a reference of the store's credentials names no namespace of its own (`isReferentSpec`).
fn is_referent(spec: &VaultProvider) -> bool {
    let Some(auth) = &spec.auth else {
        return false;
    };
    let secrets = [
        auth.token_secret_ref.as_ref(),
        auth.app_role.as_ref().map(|a| &a.secret_ref),
        auth.kubernetes.as_ref().and_then(|a| a.secret_ref.as_ref()),
        auth.jwt.as_ref().and_then(|a| a.secret_ref.as_ref()),
        auth.cert.as_ref().and_then(|a| a.secret_ref.as_ref()),
    ];
    let kubernetes = auth.kubernetes.as_ref();
    let jwt = auth
        .jwt
        .as_ref()
        .and_then(|a| a.kubernetes_service_account_token.as_ref());
    let accounts = [
        kubernetes.and_then(|a| a.service_account_ref.as_ref()),
        jwt.map(|a| &a.service_account_ref),
    ];
    let password = |auth: &Option<rotaproof_kinds::external_secrets::VaultPasswordAuth>| {
        let secret = auth.as_ref().map(|a| a.secret_ref.as_ref());
        secret.is_some_and(|s| s.is_none_or(|s| s.namespace.is_none()))
    };
    secrets.into_iter().flatten().any(|s| s.namespace.is_none())
        || accounts
            .into_iter()
            .flatten()
            .any(|a| a.namespace.is_none())
        || password(&auth.ldap)
        || password(&auth.user_pass)
}
