//! `spec.provider.onepassword`: 1Password Connect as ESO 2.9.0 uses it (`providers/v1/onepassword`, with
//! `1Password/connect-sdk-go` 1.5.3).
//!
//! A client is made per reconcile; nothing is cached: one value costs four requests. Requests have no time limit, as
//! ESO gives its client none: an answer that never comes holds up the reconcile for ever. A missing item is an error
//! like any other, so `deletionPolicy` has no effect.

mod api;
mod client;
#[cfg(test)]
mod tests;
mod wire;

use async_trait::async_trait;

use self::api::Api;
use self::client::ConnectClient;
use super::{Provider, ProviderError, SecretsClient, StoreContext};

/// Makes clients of 1Password Connect.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OnePassword;

#[async_trait]
impl Provider for OnePassword {
    async fn new_client(
        &self,
        store: &StoreContext,
    ) -> Result<Box<dyn SecretsClient>, ProviderError> {
        let spec = store.spec.provider.onepassword.as_ref();
        let spec = spec.ok_or_else(|| {
            ProviderError::other(
                "received invalid 1Password SecretStore resource: nil spec.provider.onepassword",
            )
        })?;
        let token = store
            .secret_key(&spec.auth.secret_ref.connect_token_secret_ref)
            .await?;
        let api = Api::new(store, &spec.connect_host, token);
        Ok(Box::new(ConnectClient::new(api, &spec.vaults)))
    }

    fn capabilities(&self) -> &'static str {
        "ReadWrite"
    }
}
