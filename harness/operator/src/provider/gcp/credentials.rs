//! Where the access token of a store comes from (`auth.go`, `workload_identity.go`): asked for anew by every client.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{GcpAuthSecretRef, GcpProvider, GcpWorkloadIdentity};
use serde_json::{Value, json};

use super::super::{ProviderError, StoreContext, transport};
use super::grpc::{self, Method};
use super::metadata::Metadata;
use super::wire::{AccessToken, GenerateAccessToken};
use super::{retry, text};

const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
const ANNOTATION: &str = "iam.gke.io/gcp-service-account";
const EXCHANGE: &str = "https://securetoken.googleapis.com/v1/identitybindingtoken";
/// The life of a Kubernetes token, in seconds.
const LIFETIME: i64 = 15 * 60;
/// `golang.org/x/oauth2/jws`: an assertion begins a little before now and lives an hour, in seconds.
const EARLY: i64 = 10;
const ASSERTION: i64 = 3600;

/// An access token for a store, as `NewTokenSource` and its first `Token` get it.
pub(super) async fn token(
    store: &StoreContext,
    spec: &GcpProvider,
    metadata: &Metadata,
) -> Result<SecretValue, ProviderError> {
    let unable = |error: ProviderError| {
        ProviderError::other(format!(
            "failed to create GCP secretmanager client: {error}"
        ))
    };
    let auth = spec.auth.clone().unwrap_or_default();
    if let Some(key) = &auth.secret_ref {
        let key = key_file(store, key).await.map_err(unable)?;
        return jwt_bearer(store, &key)
            .await
            .map_err(|error| ProviderError::other(format!("unable to get credentials: {error}")));
    }
    if let Some(workload) = &auth.workload_identity {
        return workload_identity(store, workload, metadata)
            .await
            .map_err(unable);
    }
    if auth.workload_identity_federation.is_some() {
        return Err(ProviderError::other(
            "GCP workloadIdentityFederation is not part of the built-in engine",
        ));
    }
    Err(unable(ProviderError::other(
        "google: could not find default credentials. See https://cloud.google.com/docs/authentication/external/set-up-adc for more information",
    )))
}

/// What is read of a key file.
#[derive(serde::Deserialize)]
struct KeyFile {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    client_email: String,
    #[serde(default)]
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    #[serde(default)]
    token_uri: String,
}

async fn key_file(store: &StoreContext, auth: &GcpAuthSecretRef) -> Result<KeyFile, ProviderError> {
    let selector = auth
        .secret_access_key_secret_ref
        .clone()
        .unwrap_or_default();
    let file = store.secret_key(&selector).await?;
    let unable = |what: String| {
        ProviderError::other(format!(
            "failed to process the provided JSON credentials: {what}"
        ))
    };
    // serde's own words could repeat a part of the key.
    let mut key: KeyFile = serde_json::from_slice(file.expose())
        .map_err(|_| unable("invalid character in the key file".to_owned()))?;
    if key.kind != "service_account" {
        return Err(unable(format!(
            "google: read JWT from JSON credentials: 'type' field is {:?} (expected \"service_account\")",
            key.kind
        )));
    }
    if key.token_uri.is_empty() {
        key.token_uri = "https://oauth2.googleapis.com/token".to_owned();
    }
    Ok(key)
}

/// `golang.org/x/oauth2/jwt`: an assertion that the key signs, for an access token. Errors are Go's.
async fn jwt_bearer(store: &StoreContext, key: &KeyFile) -> Result<SecretValue, String> {
    let assertion = sign(store, key)?;
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("assertion", &assertion)
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .finish();
    let uri = &key.token_uri;
    let answer = post(store, uri, "application/x-www-form-urlencoded", body)
        .await
        .map_err(|error| format!("oauth2: cannot fetch token: {error}"))?;
    let text = String::from_utf8_lossy(answer.body());
    if !answer.status().is_success() {
        let status = answer.status();
        return Err(format!(
            "oauth2: cannot fetch token: {} {}\nResponse: {text}",
            status.as_u16(),
            status.canonical_reason().unwrap_or_default()
        ));
    }
    access_token(&answer)
        .ok_or_else(|| "oauth2: cannot fetch token: no token in the answer".to_owned())
}

fn sign(store: &StoreContext, key: &KeyFile) -> Result<String, String> {
    let unusable = |what: &str| {
        format!("private key should be a PEM or plain PKCS1 or PKCS8; parse error: {what}")
    };
    let body: String = key
        .private_key
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = BASE64_STANDARD
        .decode(body.trim())
        .map_err(|_| unusable("not base64"))?;
    let pair = RsaKeyPair::from_pkcs8(&der)
        .or_else(|_| RsaKeyPair::from_der(&der))
        .map_err(|error| unusable(&error.to_string()))?;
    let issued = store.clock.unix_seconds() - EARLY;
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.private_key_id});
    let claims = json!({
        "iss": key.client_email, "scope": CLOUD_PLATFORM, "aud": key.token_uri,
        "iat": issued, "exp": issued + ASSERTION,
    });
    let signed = [header, claims]
        .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()))
        .join(".");
    let mut signature = vec![0; pair.public().modulus_len()];
    // The signature of RS256 takes no randomness; ring blinds its arithmetic with it.
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "the key cannot sign".to_owned())?;
    Ok(format!(
        "{signed}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(signature)
    ))
}

/// GKE's workload identity: a Kubernetes token for a federated one, and that one for the token of a Google service
/// account where the Kubernetes one names it.
async fn workload_identity(
    store: &StoreContext,
    workload: &GcpWorkloadIdentity,
    metadata: &Metadata,
) -> Result<SecretValue, ProviderError> {
    let other = ProviderError::Other;
    let account = &workload.service_account_ref;
    let found = store.service_account(account).await.map_err(|error| {
        // ESO reads service accounts from its cache, which names the kind and not the resource.
        match error.to_string().strip_prefix("serviceaccounts ") {
            Some(rest) => ProviderError::other(format!("ServiceAccount {rest}")),
            None => error,
        }
    })?;
    let (pool, provider) = identity_pool(store, workload, metadata)
        .await
        .map_err(|error| other(format!("unable to lookup workload identity: {error}")))?;
    let mut audiences = vec![pool.clone()];
    audiences.extend(account.audiences.iter().cloned());
    let pod = store
        .service_account_token(account, audiences, Some(LIFETIME))
        .await
        .map_err(|error| other(format!("unable to fetch pod token: {error}")))?;
    let federated = exchange(store, &pod, &pool, &provider)
        .await
        .map_err(|error| other(format!("unable to fetch identitybindingtoken: {error}")))?;
    let annotations = found.metadata.annotations.unwrap_or_default();
    let Some(email) = text(annotations.get(ANNOTATION)) else {
        return Ok(federated);
    };
    let request = GenerateAccessToken {
        name: format!("projects/-/serviceAccounts/{email}"),
        scope: vec![CLOUD_PLATFORM.to_owned()],
    };
    let method = Method {
        host: "iamcredentials.googleapis.com",
        service: "google.iam.credentials.v1.IAMCredentials",
        name: "GenerateAccessToken",
    };
    let client = store.egress.only_http2();
    let answer: AccessToken = retry::invoke(retry::GENERATE, &store.entropy, || {
        grpc::call(&client, method, &federated, &request)
    })
    .await
    .map_err(|error| other(format!("unable to generate gcp access token: {error}")))?;
    Ok(SecretValue::new(answer.access_token))
}

/// The pool and the provider that stand for the cluster, asked of the metadata server where the store does not say.
async fn identity_pool(
    store: &StoreContext,
    workload: &GcpWorkloadIdentity,
    metadata: &Metadata,
) -> Result<(String, String), String> {
    let project = match text(workload.cluster_project_id.as_ref()) {
        Some(project) => project.to_owned(),
        None => metadata
            .project(&store.egress)
            .await
            .map_err(|error| format!("unable to get project id: {error}"))?,
    };
    let location = match text(workload.cluster_location.as_ref()) {
        Some(location) => location.to_owned(),
        None => metadata
            .attribute(&store.egress, "cluster-location")
            .await
            .map_err(|error| format!("unable to determine cluster location: {error}"))?,
    };
    let name = match text(workload.cluster_name.as_ref()) {
        Some(name) => name.to_owned(),
        None => metadata
            .attribute(&store.egress, "cluster-name")
            .await
            .map_err(|error| format!("unable to determine cluster name: {error}"))?,
    };
    Ok((
        format!("{project}.svc.id.goog"),
        format!(
            "https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}"
        ),
    ))
}

async fn exchange(
    store: &StoreContext,
    pod: &SecretValue,
    pool: &str,
    provider: &str,
) -> Result<SecretValue, String> {
    let body = json!({
        "audience": format!("identitynamespace:{pool}:{provider}"),
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": CLOUD_PLATFORM,
        "subject_token": pod.expose_str().unwrap_or_default(),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    });
    let answer = post(store, EXCHANGE, "application/json", body.to_string()).await?;
    if answer.status() != StatusCode::OK {
        return Err(format!(
            "could not get idbindtoken token, status: {}",
            answer.status().as_u16()
        ));
    }
    access_token(&answer).ok_or_else(|| "unexpected end of JSON input".to_owned())
}

fn access_token(answer: &Response<Bytes>) -> Option<SecretValue> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let token = body.get("access_token")?.as_str()?;
    Some(SecretValue::new(token))
}

/// A POST of Go's default client; its failure is a `url.Error`.
async fn post(
    store: &StoreContext,
    url: &str,
    kind: &str,
    body: String,
) -> Result<Response<Bytes>, String> {
    let request = Request::post(url)
        .header(header::CONTENT_TYPE, kind)
        .header(header::USER_AGENT, "Go-http-client/1.1")
        .body(Bytes::from(body))
        .map_err(|error| format!("parse {url:?}: {error}"))?;
    store
        .egress
        .send(request)
        .await
        .map_err(|error| format!("Post {url:?}: {}", transport::cause(&error)))
}
