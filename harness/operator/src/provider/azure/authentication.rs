//! From a store's `authType` to a client that can authenticate (`keyvault.go`, `keyvault_new_sdk.go`).

use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{
    AzureAuthType, AzureEnvironmentType, AzureKvProvider, ServiceAccountSelector,
};

use super::super::{ProviderError, StoreContext};
use super::ManagedTokens;
use super::autorest::Autorest;
use super::client::Api;
use super::credential::{Application, Assertion, Credential};
use super::msal::{Msal, Proof};
use super::sdk::Sdk;

const CLIENT_ID: &str = "azure.workload.identity/client-id";
const TENANT_ID: &str = "azure.workload.identity/tenant-id";
const MISSING_TENANT: &str = "missing tenantID in store config";
const MISSING_CREDENTIALS: &str = "missing accessKeyID/secretAccessKey in store config";

/// Makes the client of a store. Only workload identity through go-autorest asks for a token here; all else is asked
/// for with the first read, so that a store with a broken identity is valid.
pub(super) async fn api(
    store: &StoreContext,
    spec: &AzureKvProvider,
    managed: &ManagedTokens,
) -> Result<Api, ProviderError> {
    let new_sdk = spec.use_azure_sdk == Some(true);
    check_cloud(spec)?;
    let kind = spec.auth_type.unwrap_or_default();
    if new_sdk {
        let credential = match kind {
            AzureAuthType::ManagedIdentity => Credential::Managed(spec.identity_id.clone()),
            AzureAuthType::ServicePrincipal => {
                Credential::Secret(service_principal(store, spec, true).await?)
            }
            AzureAuthType::WorkloadIdentity => Credential::Federated(federated(store, spec).await?),
        };
        let sdk = Sdk::new(store, spec, credential, managed.clone());
        return Ok(Api::New(Box::new(sdk)));
    }
    let credential = match kind {
        AzureAuthType::ManagedIdentity => Credential::Managed(spec.identity_id.clone()),
        AzureAuthType::ServicePrincipal => {
            let application = service_principal(store, spec, false).await?;
            for (name, empty) in [
                ("clientID", application.client_id.is_empty()),
                ("secret", application.secret.expose().is_empty()),
            ] {
                if empty {
                    return Err(ProviderError::Other(format!(
                        "failed to get SPT from client credentials: parameter '{name}' cannot be empty"
                    )));
                }
            }
            Credential::Secret(application)
        }
        AzureAuthType::WorkloadIdentity => {
            let assertion = legacy_federated(store, spec).await?;
            let mut msal = Msal::new(store.egress.clone(), store.clock.clone());
            let token = msal.by_credential(Proof::Assertion(&assertion)).await;
            let token = token.map_err(|failure| ProviderError::Other(failure.text))?;
            Credential::Acquired(token)
        }
    };
    let client = Autorest::new(store, spec, credential);
    Ok(Api::Legacy(Box::new(client)))
}

fn check_cloud(spec: &AzureKvProvider) -> Result<(), ProviderError> {
    let cloud = spec.environment_type.unwrap_or_default();
    if cloud == AzureEnvironmentType::PublicCloud && spec.custom_cloud_config.is_none() {
        return Ok(());
    }
    Err(ProviderError::Other(format!(
        "environment type {cloud:?} with endpoints of its own is not supported by the built-in operator",
        cloud = cloud.as_str()
    )))
}

async fn service_principal(
    store: &StoreContext,
    spec: &AzureKvProvider,
    new_sdk: bool,
) -> Result<Application, ProviderError> {
    let tenant = spec.tenant_id.clone();
    let tenant = tenant.ok_or_else(|| ProviderError::other(MISSING_TENANT))?;
    let auth = spec.auth_secret_ref.as_ref();
    let auth = auth.ok_or_else(|| ProviderError::other("missing secretRef in provider config"))?;
    let missing = || ProviderError::other(MISSING_CREDENTIALS);
    let client_id = auth.client_id.as_ref().ok_or_else(missing)?;
    let secret = match (&auth.client_secret, &auth.client_certificate) {
        (Some(_), Some(_)) => {
            let text = "both clientSecret and clientCredentials set";
            return Err(ProviderError::other(text));
        }
        (Some(secret), None) => secret,
        (None, Some(_)) => {
            let text = "client certificates are not supported by the built-in operator";
            return Err(ProviderError::other(text));
        }
        (None, None) => return Err(missing()),
    };
    // Only the new SDK's path says which of the two it could not get.
    let named = |what: &'static str| {
        move |error: ProviderError| match new_sdk {
            true => ProviderError::Other(format!("failed to get {what}: {error}")),
            false => error,
        }
    };
    let client_id = store
        .secret_key(client_id)
        .await
        .map_err(named("clientID"))?;
    let secret = store
        .secret_key(secret)
        .await
        .map_err(named("clientSecret"))?;
    Ok(Application {
        tenant,
        client_id: text(&client_id),
        secret,
    })
}

/// Who a service account's token is exchanged for, through go-autorest: several places may say it, only one at a time.
async fn legacy_federated(
    store: &StoreContext,
    spec: &AzureKvProvider,
) -> Result<Assertion, ProviderError> {
    let account = spec.service_account_ref.as_ref().ok_or_else(|| {
        ProviderError::other(
            "missing environment variables. AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE must be set",
        )
    })?;
    let annotations = annotations(store, account).await?;
    let mut client_id = String::new();
    let mut tenant = String::new();
    if let Some(auth) = &spec.auth_secret_ref {
        let selector = auth.client_id.as_ref();
        let selector = selector.ok_or_else(|| ProviderError::other(MISSING_CREDENTIALS))?;
        client_id = text(&store.secret_key(selector).await?);
        if let Some(selector) = &auth.tenant_id {
            tenant = text(&store.secret_key(selector).await?);
        }
    }
    if let Some(annotated) = annotations.get(CLIENT_ID) {
        if !client_id.is_empty() {
            let text = "multiple clientID found. Check secretRef and serviceAccountRef";
            return Err(ProviderError::other(text));
        }
        client_id.clone_from(annotated);
    }
    if client_id.is_empty() {
        return Err(missing_client_id());
    }
    if tenant.is_empty() {
        tenant = spec.tenant_id.clone().unwrap_or_default();
    }
    if let Some(annotated) = annotations.get(TENANT_ID) {
        if !tenant.is_empty() {
            return Err(ProviderError::other(
                "multiple tenantID found. Check secretRef, 'spec.provider.azurekv.tenantId', and serviceAccountRef",
            ));
        }
        tenant.clone_from(annotated);
    }
    if tenant.is_empty() {
        return Err(ProviderError::other(MISSING_TENANT));
    }
    let token = token(store, account).await?;
    Ok(Assertion {
        tenant,
        client_id,
        token,
    })
}

/// The same through the new SDK, which knows the annotations alone, and asks for the token when one is needed. Ours
/// asks for it here: what the cluster answers is the same.
async fn federated(
    store: &StoreContext,
    spec: &AzureKvProvider,
) -> Result<Assertion, ProviderError> {
    let account = spec.service_account_ref.as_ref().ok_or_else(|| {
        ProviderError::other(
            "no client ID specified. Check pod configuration or set ClientID in the options",
        )
    })?;
    let annotations = annotations(store, account)
        .await
        .map_err(|error| ProviderError::Other(format!("failed to get service account: {error}")))?;
    let client_id = annotations.get(CLIENT_ID).ok_or_else(missing_client_id)?;
    let tenant = spec
        .tenant_id
        .as_ref()
        .or_else(|| annotations.get(TENANT_ID));
    let tenant = tenant.ok_or_else(|| ProviderError::other(MISSING_TENANT))?;
    let token = token(store, account).await.map_err(|error| {
        ProviderError::Other(format!("failed to fetch service account token: {error}"))
    })?;
    Ok(Assertion {
        tenant: tenant.clone(),
        client_id: client_id.clone(),
        token,
    })
}

async fn annotations(
    store: &StoreContext,
    account: &ServiceAccountSelector,
) -> Result<std::collections::BTreeMap<String, String>, ProviderError> {
    let account = store.service_account(account).await?;
    Ok(account.metadata.annotations.unwrap_or_default())
}

async fn token(
    store: &StoreContext,
    account: &ServiceAccountSelector,
) -> Result<SecretValue, ProviderError> {
    let mut audiences = vec!["api://AzureADTokenExchange".to_owned()];
    audiences.extend(account.audiences.iter().cloned());
    store.service_account_token(account, audiences, None).await
}

fn missing_client_id() -> ProviderError {
    ProviderError::Other(format!(
        "missing clientID: either serviceAccountRef or service account annotation '{CLIENT_ID}' is missing"
    ))
}

fn text(value: &SecretValue) -> String {
    String::from_utf8_lossy(value.expose()).into_owned()
}
