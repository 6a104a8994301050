//! `spec.provider.gcpsm`: GCP Secret Manager as ESO reads it (`pkg/provider/gcp/secretmanager` of 0.20.4,
//! `providers/v1/gcp/secretmanager` of 2.9.0), with Google's libraries for Go: gRPC over HTTP/2, and no endpoint but
//! Google's own.
//!
//! Absent, and refused with a clear error: `workloadIdentityFederation`. A store without `auth` finds no credentials
//! here: Google's default chain ends at a metadata server that has no token for the operator.

mod client;
mod credentials;
mod details;
mod grpc;
mod metadata;
mod retry;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use rotaproof_kinds::external_secrets::{GcpAuth, GcpProvider};
use tokio::sync::Mutex;

use self::client::{Connection, SecretManager};
use self::metadata::Metadata;
use super::{Provider, ProviderError, SecretsClient, StoreContext};

/// Makes clients of GCP Secret Manager.
#[derive(Default)]
pub(super) struct Gcp {
    /// ESO lets one client live at a time, in the whole process: the next one waits for its close.
    use_one: Arc<Mutex<()>>,
    metadata: Metadata,
}

#[async_trait]
impl Provider for Gcp {
    async fn new_client(
        &self,
        store: &StoreContext,
    ) -> Result<Box<dyn SecretsClient>, ProviderError> {
        let spec =
            store.spec.provider.gcpsm.as_ref().ok_or_else(|| {
                ProviderError::other("received invalid GCPSM SecretStore resource")
            })?;
        let turn = self.use_one.clone().lock_owned().await;
        let cluster_project = self.cluster_project(store, spec).await?;
        let project = text(spec.project_id.as_ref()).unwrap_or(&cluster_project);
        let referent = store.is_cluster_scoped() && store.namespace.is_empty() && is_referent(spec);
        let connection = if referent {
            None
        } else {
            let token = credentials::token(store, spec, &self.metadata).await?;
            Some(Connection::new(store, spec, token))
        };
        Ok(Box::new(SecretManager::new(
            spec,
            store.release,
            project,
            connection,
            turn,
        )))
    }

    fn capabilities(&self) -> &'static str {
        "ReadWrite"
    }
}

impl Gcp {
    /// The project of the identity: the cluster's as it is named, else the secrets', else the metadata server's.
    async fn cluster_project(
        &self,
        store: &StoreContext,
        spec: &GcpProvider,
    ) -> Result<String, ProviderError> {
        const NONE: &str = "unable to find ProjectID in storeSpec";
        let auth = spec.auth.as_ref();
        let workload = auth.and_then(|auth| auth.workload_identity.as_ref());
        let named = workload.and_then(|workload| text(workload.cluster_project_id.as_ref()));
        if let Some(project) = named.or_else(|| text(spec.project_id.as_ref())) {
            return Ok(project.to_owned());
        }
        if auth.is_some_and(|auth| auth.secret_ref.is_some()) {
            return Err(ProviderError::other(NONE));
        }
        match self.metadata.project(&store.egress).await {
            Ok(project) if !project.is_empty() => Ok(project),
            _ => Err(ProviderError::other(NONE)),
        }
    }
}

/// Go's empty string is no string.
fn text(field: Option<&String>) -> Option<&str> {
    field.map(String::as_str).filter(|text| !text.is_empty())
}

/// Whether the store's references take the namespace of each ExternalSecret (`isReferentSpec`).
fn is_referent(spec: &GcpProvider) -> bool {
    let Some(GcpAuth {
        secret_ref,
        workload_identity,
        ..
    }) = &spec.auth
    else {
        return false;
    };
    let key = secret_ref.as_ref().is_some_and(|key| {
        let selector = key.secret_access_key_secret_ref.as_ref();
        selector.is_none_or(|selector| selector.namespace.is_none())
    });
    let account = workload_identity.as_ref();
    key || account.is_some_and(|account| account.service_account_ref.namespace.is_none())
}
