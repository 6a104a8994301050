//! Logging in, in ESO's order of methods (`auth.go`, `auth_token.go`, `auth_kubernetes.go`, `auth_jwt.go`).

use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{
    SecretKeySelector, ServiceAccountSelector, VaultAuth, VaultJwtAuth, VaultKubernetesAuth,
    VaultProvider,
};
use serde_json::json;

use super::super::{ProviderError, StoreContext};
use super::api::Api;

/// How long a service account's token is asked for, in seconds.
const LIFETIME: i64 = 600;

/// Gets a token by the store's method, with the login's own namespace.
pub(super) async fn log_in(
    store: &StoreContext,
    spec: &VaultProvider,
    api: &mut Api,
) -> Result<(), ProviderError> {
    let Some(auth) = &spec.auth else {
        return Ok(());
    };
    let own = api.namespace.clone();
    if let Some(namespace) = &auth.namespace {
        api.namespace = Some(namespace.clone()).filter(|ns| !ns.is_empty());
    }
    let result = token(store, auth, api).await;
    api.namespace = own;
    api.token = Some(result?);
    Ok(())
}

async fn token(
    store: &StoreContext,
    auth: &VaultAuth,
    api: &mut Api,
) -> Result<SecretValue, ProviderError> {
    let absent = |method: &str| {
        Err(ProviderError::Other(format!(
            "vault auth method {method:?} is not supported by the built-in operator"
        )))
    };
    if let Some(selector) = &auth.token_secret_ref {
        return store.secret_key(selector).await;
    }
    if auth.app_role.is_some() {
        return absent("appRole");
    }
    if let Some(kubernetes) = &auth.kubernetes {
        return with_kubernetes(store, kubernetes, api).await;
    }
    if auth.ldap.is_some() {
        return absent("ldap");
    }
    if auth.user_pass.is_some() {
        return absent("userPass");
    }
    if let Some(jwt) = &auth.jwt {
        return with_jwt(store, jwt, api).await;
    }
    if auth.cert.is_some() {
        return absent("cert");
    }
    if auth.iam.is_some() {
        return absent("iam");
    }
    if auth.gcp.is_some() {
        return absent("gcp");
    }
    Err(ProviderError::other(
        "cannot initialize Vault client: no valid auth method specified",
    ))
}

async fn with_kubernetes(
    store: &StoreContext,
    auth: &VaultKubernetesAuth,
    api: &mut Api,
) -> Result<SecretValue, ProviderError> {
    let jwt = match (&auth.service_account_ref, &auth.secret_ref) {
        (Some(account), _) => account_token(store, account).await?,
        (None, Some(selector)) => {
            let mut selector = selector.clone();
            selector.key = selector
                .key
                .filter(|key| !key.is_empty())
                .or_else(|| Some("token".to_owned()));
            store.secret_key(&selector).await?
        }
        // The engine runs in no pod.
        (None, None) => {
            return Err(ProviderError::other(
                "cannot read Kubernetes service account token from file system: \
                 stat /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory",
            ));
        }
    };
    if auth.role.is_empty() {
        return Err(ProviderError::other("no role name was provided"));
    }
    let path = format!("auth/{}/login", auth.mount_path);
    let body = json!({ "jwt": text(&jwt), "role": auth.role });
    let prefix = "unable to log in to auth method: unable to log in with Kubernetes auth: ";
    let secret = api
        .write(&path, Some(&body))
        .await
        .map_err(|e| ProviderError::Other(format!("{prefix}{e}")))?;
    secret
        .and_then(|secret| secret.token)
        .map(SecretValue::new)
        .ok_or_else(|| {
            ProviderError::other(
                "login response from auth method did not return client token, client token not set",
            )
        })
}

/// A service account's token by TokenRequest; where that fails, one from the account's old-style Secrets.
async fn account_token(
    store: &StoreContext,
    account: &ServiceAccountSelector,
) -> Result<SecretValue, ProviderError> {
    let requested = store
        .service_account_token(account, account.audiences.clone(), Some(LIFETIME))
        .await;
    if let Ok(token) = requested
        && !token.expose().is_empty()
    {
        return Ok(token);
    }
    let name = &account.name;
    let failed = |detail: String| {
        ProviderError::Other(format!(
            "cannot request Kubernetes service account token for service account {name:?}: {detail}"
        ))
    };
    let found = store.service_account(account).await.map_err(|error| {
        failed(format!(
            "cannot get Kubernetes service account {name:?}: {error}"
        ))
    })?;
    let secrets = found.secrets.unwrap_or_default();
    if secrets.is_empty() {
        return Err(failed(format!(
            "cannot find secrets bound to service account: {name:?}"
        )));
    }
    let namespace = store.namespace_of(account.namespace.as_deref()).to_owned();
    for secret in secrets {
        let selector = SecretKeySelector {
            name: secret.name,
            namespace: Some(namespace.clone()),
            key: Some("token".to_owned()),
        };
        if let Ok(token) = store.secret_key(&selector).await {
            return Ok(token);
        }
    }
    Err(failed(format!(
        "cannot find token in secrets bound to service account: {name:?}"
    )))
}

async fn with_jwt(
    store: &StoreContext,
    auth: &VaultJwtAuth,
    api: &mut Api,
) -> Result<SecretValue, ProviderError> {
    let jwt = match (&auth.secret_ref, &auth.kubernetes_service_account_token) {
        (Some(selector), _) => store.secret_key(selector).await?,
        (None, Some(source)) => {
            let account = &source.service_account_ref;
            let mut audiences = account.audiences.clone();
            if source.audiences.is_empty() {
                audiences.push("vault".to_owned());
            }
            audiences.extend(source.audiences.iter().cloned());
            let lifetime = source.expiration_seconds.unwrap_or(LIFETIME);
            store
                .service_account_token(account, audiences, Some(lifetime))
                .await
                .map_err(|error| {
                    ProviderError::Other(format!(
                        "cannot request Kubernetes service account token for service account {:?}: {error}",
                        account.name
                    ))
                })?
        }
        (None, None) => {
            return Err(ProviderError::other(
                "neither `secretRef` nor `kubernetesServiceAccountToken` was supplied as token source for jwt authentication",
            ));
        }
    };
    let role = auth.role.as_deref().unwrap_or_default().trim();
    let path = format!("auth/{}/login", auth.path);
    let body = json!({ "jwt": text(&jwt), "role": role });
    let secret = api
        .write(&path, Some(&body))
        .await
        .map_err(ProviderError::Other)?;
    // Vault's client takes an answer without a token for an empty one.
    let token = secret.and_then(|secret| secret.token).unwrap_or_default();
    Ok(SecretValue::new(token))
}

fn text(jwt: &SecretValue) -> String {
    String::from_utf8_lossy(jwt.expose()).into_owned()
}
