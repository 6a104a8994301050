//! A project with a few service accounts, and ways to call it.

use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};
use rotaproof_vaults::gcp::{
    GcpConfig, GcpVault, GkeCluster, Grant, ServiceAccount, ServiceAccountKey, WorkloadIdentity,
};
use rotaproof_vaults::{Served, Vault, Witness};
use serde_json::{Value, json};

pub(crate) const START: &str = "2025-11-08T00:00:00Z";
pub(crate) const READER: &str = "reader@my-project-id.iam.gserviceaccount.com";
pub(crate) const HOST: &str = "secretmanager.googleapis.com";
pub(crate) const CLOUD: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Keeps what the vault reports.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<Served>>);

impl Witness for Notes {
    fn record(&self, served: Served) {
        self.0.lock().unwrap().push(served);
    }
}

pub(crate) struct Lab {
    pub(crate) vault: Arc<GcpVault>,
    pub(crate) notes: Notes,
    pub(crate) issuer: Issuer,
    pub(crate) clock: Clock,
    pub(crate) administrator: String,
}

/// The reader's key file and another project's; a key takes long to make.
static KEY_FILES: LazyLock<[SecretValue; 2]> = LazyLock::new(|| {
    [key(1), key(2)].map(|k| {
        k.file(
            "my-project-id",
            READER,
            "https://oauth2.googleapis.com/token",
        )
    })
});

fn key(seed: u64) -> ServiceAccountKey {
    ServiceAccountKey::generate(&Entropy::from_seed(seed)).unwrap()
}

fn grant(role: &str, secret: &str) -> Grant {
    Grant {
        role: role.to_owned(),
        secrets: vec![secret.to_owned()],
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with_keys(Vec::new())
    }

    /// The same, with a key of the reader's.
    pub(crate) fn with_key() -> Self {
        Self::with_keys(vec![key(1)])
    }

    fn with_keys(keys: Vec<ServiceAccountKey>) -> Self {
        let clock = Clock::starting_at(START.parse().unwrap());
        let issuer = Issuer::generate("https://cluster").unwrap();
        let vault = GcpVault::new(GcpConfig {
            project: "my-project-id".to_owned(),
            cluster: GkeCluster {
                location: "us-central1".to_owned(),
                name: "my-cluster".to_owned(),
            },
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            fingerprinter: Fingerprinter::from_key([7; 32]),
            verifier: issuer.verifier(),
            service_accounts: vec![ServiceAccount {
                email: READER.to_owned(),
                workload_identity_users: vec![("team".to_owned(), "eso".to_owned())],
                grants: vec![grant("roles/secretmanager.secretAccessor", "api-*")],
                keys,
            }],
            workload_identities: vec![WorkloadIdentity {
                namespace: "team".to_owned(),
                name: "direct".to_owned(),
                grants: vec![grant("roles/secretmanager.secretAccessor", "*")],
            }],
        });
        let administrator = vault.administrator().expose_str().unwrap().to_owned();
        Self {
            vault: Arc::new(vault),
            notes: Notes::default(),
            issuer,
            clock,
            administrator,
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        let answer = self.vault.serve(request, &self.notes).await;
        let (mut parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap();
        if let Some(trailers) = body.trailers() {
            parts.headers.extend(trailers.clone());
        }
        Response::from_parts(parts, body.to_bytes())
    }

    /// A REST request with a token, which may be empty; status and JSON.
    pub(crate) async fn rest(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://{HOST}/v1/projects/my-project-id{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self.send(request.body(Bytes::from(body)).unwrap()).await;
        let json = serde_json::from_slice(answer.body()).unwrap_or_default();
        (answer.status().as_u16(), json)
    }

    /// As the administrator.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.rest(method, path, &self.administrator, &body).await
    }

    /// As the administrator, of what must succeed.
    pub(crate) async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.admin(method, path, body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// A secret with versions of these payloads.
    pub(crate) async fn secret(&self, id: &str, payloads: &[&str]) {
        let automatic = json!({"replication": {"automatic": {}}});
        self.done("POST", &format!("/secrets?secretId={id}"), automatic)
            .await;
        for payload in payloads {
            self.add(id, payload).await;
        }
    }

    pub(crate) async fn add(&self, id: &str, payload: &str) -> Value {
        let body = json!({"payload": {"data": BASE64_STANDARD.encode(payload)}});
        self.done("POST", &format!("/secrets/{id}:addVersion"), body)
            .await
    }

    /// What a version holds, or the error's status and message.
    pub(crate) async fn access(&self, id: &str, version: &str) -> Result<String, (String, String)> {
        self.access_as(&self.administrator, id, version).await
    }

    pub(crate) async fn access_as(
        &self,
        token: &str,
        id: &str,
        version: &str,
    ) -> Result<String, (String, String)> {
        let path = format!("/secrets/{id}/versions/{version}:access");
        let (status, answer) = self.rest("GET", &path, token, &Value::Null).await;
        if status == 200 {
            let data = answer["payload"]["data"].as_str().unwrap();
            return Ok(String::from_utf8(BASE64_STANDARD.decode(data).unwrap()).unwrap());
        }
        let text = |name: &str| answer["error"][name].as_str().unwrap().to_owned();
        Err((text("status"), text("message")))
    }

    /// A unary gRPC call with a token; its status, message and answer.
    pub(crate) async fn grpc(
        &self,
        path: &str,
        token: &str,
        message: &impl prost::Message,
    ) -> Reply {
        let mut body = vec![0];
        body.extend(u32::try_from(message.encoded_len()).unwrap().to_be_bytes());
        body.extend(message.encode_to_vec());
        let mut request = Request::post(format!("https://{HOST}{path}"))
            .header("content-type", "application/grpc");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Reply::of(self.send(request.body(Bytes::from(body)).unwrap()).await)
    }

    /// A Kubernetes token of a service account, with changes to its claims.
    pub(crate) fn service_account(&self, account: &str, changes: Value) -> String {
        let now = self.clock.unix_seconds();
        let mut claims = json!({
            "iss": "https://cluster", "sub": format!("system:serviceaccount:{account}"),
            "aud": ["my-project-id.svc.id.goog"], "iat": now, "nbf": now, "exp": now + 900,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.issuer.sign(&claims).unwrap()
    }

    /// Exchanges a Kubernetes token, with changes to the request; status and JSON.
    pub(crate) async fn exchange(&self, token: &str, changes: Value) -> (u16, Value) {
        let mut body = json!({
            "audience": "identitynamespace:my-project-id.svc.id.goog:https://container.googleapis.com/v1/projects/my-project-id/locations/us-central1/clusters/my-cluster",
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "scope": CLOUD,
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let request = Request::post("https://securetoken.googleapis.com/v1/identitybindingtoken")
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()));
        let answer = self.send(request.unwrap()).await;
        let json = serde_json::from_slice(answer.body()).unwrap_or_default();
        (answer.status().as_u16(), json)
    }

    /// A federated token of a Kubernetes service account.
    pub(crate) async fn federated(&self, account: &str) -> String {
        let token = self.service_account(account, json!({}));
        let (status, answer) = self.exchange(&token, json!({})).await;
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Asks the token endpoint; status and JSON.
    pub(crate) async fn oauth(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post("https://oauth2.googleapis.com/token").body(Bytes::from(body));
        let answer = self.send(request.unwrap()).await;
        let json = serde_json::from_slice(answer.body()).unwrap_or_default();
        (answer.status().as_u16(), json)
    }

    /// Claims signed with the reader's key (0) or with another one that says it is the reader's (1).
    pub(crate) fn signed(&self, which: usize, changes: Value) -> String {
        let now = self.clock.unix_seconds();
        let mut claims = json!({
            "iss": READER, "sub": READER, "scope": CLOUD, "iat": now, "exp": now + 3600,
            "aud": "https://oauth2.googleapis.com/token",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let file = |n: usize| -> Value { serde_json::from_slice(KEY_FILES[n].expose()).unwrap() };
        let pem = file(which)["private_key"].as_str().unwrap().to_owned();
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let pair = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(der).unwrap()).unwrap();
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": file(0)["private_key_id"]});
        let signed = [header, claims]
            .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let mut signature = vec![0; pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        pair.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// The last thing that the vault reported.
    pub(crate) fn last(&self) -> Served {
        self.notes.0.lock().unwrap().last().cloned().unwrap()
    }

    pub(crate) fn count(&self) -> usize {
        self.notes.0.lock().unwrap().len()
    }

    /// A text without the project's number, which is drawn.
    pub(crate) fn plain(&self, text: &str) -> String {
        text.replace(self.vault.project_number(), "NUMBER")
    }
}

/// The answer of a gRPC call.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) http: u16,
    pub(crate) status: Option<i32>,
    pub(crate) message: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn of(answer: Response<Bytes>) -> Self {
        let text = |name: &str| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            Some(value.into_owned())
        };
        Self {
            http: answer.status().as_u16(),
            status: text("grpc-status").and_then(|status| status.parse().ok()),
            message: text("grpc-message").unwrap_or_default(),
            headers: answer.headers().clone(),
            body: answer.body().clone(),
        }
    }

    pub(crate) fn decode<T: prost::Message + Default>(&self) -> T {
        assert_eq!((self.http, self.status), (200, Some(0)), "{self:?}");
        T::decode(self.body.slice(5..)).unwrap()
    }
}
