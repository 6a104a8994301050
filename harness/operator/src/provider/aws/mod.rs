//! AWS Secrets Manager, as ESO 2.9.0 reads it (`providers/v1/aws`) with the AWS SDK for Go v2 (1.41).
//!
//! Absent, and refused with a clear error: the services ParameterStore and CertificateManager. A store without `auth`
//! finds no credentials here: the SDK's default chain ends at a metadata service that is not there.

mod api;
mod client;
mod credentials;
mod failure;
mod find;
mod session;
mod sts;

use async_trait::async_trait;
use rotaproof_kinds::external_secrets::{AwsAuth, AwsProvider, AwsService};

use super::{Provider, ProviderError, SecretsClient, StoreContext};
use client::SecretsManager;
use session::Session;

/// `spec.provider.aws`.
pub(super) struct Aws;

#[async_trait]
impl Provider for Aws {
    async fn new_client(
        &self,
        store: &StoreContext,
    ) -> Result<Box<dyn SecretsClient>, ProviderError> {
        let spec = store
            .spec
            .provider
            .aws
            .as_ref()
            .ok_or_else(|| ProviderError::other("storeSpec is missing provider"))?;
        if spec.service != AwsService::SecretsManager {
            return Err(ProviderError::other(format!(
                "AWS Provider Service {:?} is not part of the built-in engine",
                spec.service
            )));
        }
        // While a ClusterSecretStore is validated, references without a namespace cannot be followed.
        let referent = store.is_cluster_scoped() && store.namespace.is_empty() && is_referent(spec);
        let session = if referent {
            None
        } else {
            let session = Session::open(store, spec).await;
            Some(session.map_err(|error| {
                ProviderError::other(format!("unable to create session: {error}"))
            })?)
        };
        Ok(Box::new(SecretsManager::new(store, spec, session)?))
    }

    fn capabilities(&self) -> &'static str {
        "ReadWrite"
    }
}

/// Whether the store's references take the namespace of each ExternalSecret (`awsutil.IsReferentSpec`).
fn is_referent(spec: &AwsProvider) -> bool {
    let Some(AwsAuth { secret_ref, jwt }) = &spec.auth else {
        return false;
    };
    let account = jwt
        .as_ref()
        .and_then(|jwt| jwt.service_account_ref.as_ref());
    if account.is_some_and(|account| account.namespace.is_none()) {
        return true;
    }
    secret_ref.as_ref().is_some_and(|keys| {
        let lacks = |selector: Option<&_>| {
            selector.is_none_or(
                |selector: &rotaproof_kinds::external_secrets::SecretKeySelector| {
                    selector.namespace.is_none()
                },
            )
        };
        lacks(keys.access_key_id_secret_ref.as_ref())
            || lacks(keys.secret_access_key_secret_ref.as_ref())
            || keys
                .session_token_secret_ref
                .as_ref()
                .is_some_and(|token| token.namespace.is_none())
    })
}
