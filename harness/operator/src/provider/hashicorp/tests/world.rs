//! A scripted Vault, a scripted API server, and a store between them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rotaproof_base::{Clock, Dial, Entropy, Listen, TaskGroup, memory};
use rotaproof_kinds::external_secrets::{RemoteRef, StoreKind};
use serde_json::{Value, json};

use super::super::super::{ProviderError, Providers, SecretsClient, StoreContext};

/// What the scripted Vault does with a request, which it is given as `METHOD path?query`.
pub(super) type Script = fn(&str) -> Reply;

pub(super) enum Reply {
    Json(u16, Value),
    Text(u16, &'static str),
    Hang,
}

pub(super) struct World {
    pub(super) store: StoreContext,
    seen: Arc<Mutex<Vec<Seen>>>,
    pub(super) asked: Arc<Mutex<Vec<(String, Value)>>>,
    _tasks: TaskGroup,
}

#[derive(Clone)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Value,
}

impl World {
    pub(super) fn new(kind: StoreKind, vault: Value, script: Script) -> Self {
        let (dialer, mut listener) = memory();
        let tasks = TaskGroup::new();
        let handle = tasks.handle();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let log = seen.clone();
        tasks.spawn(async move {
            while let Ok(stream) = listener.accept().await {
                let log = log.clone();
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let log = log.clone();
                    async move { answer(request, &log, script).await }
                });
                handle.spawn(async move {
                    drop(
                        http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
            }
        });
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let asked: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let store = store(
            kind,
            &vault,
            Arc::new(dialer),
            clock,
            asked.clone(),
            "a.b.c",
        );
        Self {
            store,
            seen,
            asked,
            _tasks: tasks,
        }
    }

    pub(super) async fn client(&self) -> Result<Box<dyn SecretsClient>, ProviderError> {
        client(&self.store).await
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|s| s.line.clone())
            .collect()
    }

    pub(super) fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().cloned().unwrap()
    }
}

/// A store with this `spec.provider.vault`, whose service account's token is `jwt`.
pub(super) fn store(
    kind: StoreKind,
    vault: &Value,
    dialer: Arc<dyn Dial>,
    clock: Clock,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    jwt: &str,
) -> StoreContext {
    let egress = rotaproof_egress::Client::builder(clock.clone())
        .direct(dialer)
        .build()
        .unwrap();
    let spec = json!({"provider": {"vault": vault}, "retrySettings": vault.get("retrySettings")});
    StoreContext {
        kind,
        name: "vault".to_owned(),
        namespace: "team".to_owned(),
        generation: 1,
        spec: Arc::new(serde_json::from_value(spec).unwrap()),
        kube: cluster(asked, jwt.to_owned()),
        egress,
        clock,
        entropy: Entropy::from_seed(7),
        release: crate::Release::default(),
    }
}

/// A client of a store.
pub(super) async fn client(store: &StoreContext) -> Result<Box<dyn SecretsClient>, ProviderError> {
    Providers::builtin()
        .get("vault")
        .unwrap()
        .new_client(store)
        .await
}

async fn answer(
    request: Request<hyper::body::Incoming>,
    log: &Mutex<Vec<Seen>>,
    script: Script,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let line = format!("{} {}", parts.method, parts.uri);
    let headers = parts.headers.iter();
    let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
    log.lock().unwrap().push(Seen {
        line: line.clone(),
        headers: headers.collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let (status, text) = match script(&line) {
        Reply::Json(status, value) if value.is_null() => (status, String::new()),
        Reply::Json(status, value) => (status, value.to_string()),
        Reply::Text(status, text) => (status, text.to_owned()),
        Reply::Hang => std::future::pending().await,
    };
    let response = Response::builder()
        .status(status)
        .header("x-vault-index", "v1:abc");
    Ok(response.body(Full::from(text)).unwrap())
}

/// An API server with one Secret and one service account.
fn cluster(asked: Arc<Mutex<Vec<(String, Value)>>>, jwt: String) -> kube::Client {
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let asked = asked.clone();
        let jwt = jwt.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let line = format!("{} {}", parts.method, parts.uri.path());
            let body = serde_json::from_slice(&body).unwrap_or_default();
            asked.lock().unwrap().push((line.clone(), body));
            let meta = |name: &str| json!({"name": name, "namespace": "team"});
            let (status, value) = match line.as_str() {
                "GET /api/v1/namespaces/team/secrets/vault-token" => {
                    let data = json!({"token": "aHZzLnN0YXRpYw=="});
                    (
                        200,
                        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta("vault-token"), "data": data}),
                    )
                }
                "POST /api/v1/namespaces/team/serviceaccounts/eso/token" => {
                    let status =
                        json!({"token": jwt, "expirationTimestamp": "2025-11-08T00:10:00Z"});
                    let spec = json!({"audiences": []});
                    (
                        201,
                        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec, "status": status}),
                    )
                }
                _ => (
                    404,
                    json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "message": "\"it\" not found", "reason": "NotFound", "code": 404}),
                ),
            };
            let response = Response::builder()
                .status(status)
                .header("content-type", "application/json");
            Ok::<_, Infallible>(
                response
                    .body(kube::client::Body::from(value.to_string().into_bytes()))
                    .unwrap(),
            )
        }
    });
    kube::Client::new(service, "default")
}

/// A Vault that knows one secret, one folder and every login.
pub(super) fn vault(line: &str) -> Reply {
    let secret = |data: Value| {
        Reply::Json(
            200,
            json!({"data": {"data": data, "metadata": {"version": 1}}}),
        )
    };
    let keys = |keys: Value| Reply::Json(200, json!({"data": {"keys": keys}}));
    match line {
        "GET /v1/secret/data/git/credentials" => secret(json!({"password": "p", "user": "u"})),
        "GET /v1/secret/data/git/credentials?version=2" => secret(json!({"password": "old"})),
        "GET /v1/secret/data/git/gone" => Reply::Json(
            404,
            json!({"data": {"data": null, "metadata": {"version": 1}}}),
        ),
        "GET /v1/secret/data/git/v1path" => {
            Reply::Json(404, json!({"data": null, "warnings": ["Invalid path"]}))
        }
        "GET /v1/secret/data/git/denied" => Reply::Json(
            403,
            json!({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}),
        ),
        "GET /v1/secret/data/git/hangs" => Reply::Hang,
        "GET /v1/secret/data/git/broken" => Reply::Text(500, "oops"),
        "GET /v1/secret/metadata?list=true" => keys(json!(["git/", "top"])),
        "GET /v1/secret/metadata/git?list=true" => keys(json!(["credentials", "gone"])),
        "GET /v1/secret/metadata/git/credentials" => {
            let custom = json!({"env": "prod"});
            Reply::Json(
                200,
                json!({"data": {"current_version": 3, "created_time": "t", "delete_version_after": "0s", "custom_metadata": custom, "max_versions": 0}}),
            )
        }
        "GET /v1/secret/metadata/git/gone" | "GET /v1/secret/metadata/top" => {
            Reply::Json(200, json!({"data": {"custom_metadata": null}}))
        }
        "GET /v1/auth/token/lookup-self" => Reply::Json(
            200,
            json!({"data": {"type": "service", "ttl": 600, "expire_time": "2025-11-08T00:10:00Z"}}),
        ),
        "PUT /v1/auth/token/revoke-self" => Reply::Json(204, Value::Null),
        "PUT /v1/auth/kubernetes/login" | "PUT /v1/auth/jwt/login" => {
            Reply::Json(200, json!({"auth": {"client_token": "hvs.issued"}}))
        }
        _ => Reply::Json(404, json!({"errors": []})),
    }
}

pub(super) fn with_token(more: Value) -> Value {
    let mut spec = json!({
        "server": "http://vault.example.com:8200", "path": "secret", "version": "v2",
        "auth": {"tokenSecretRef": {"name": "vault-token", "key": "token"}},
    });
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec
}

pub(super) fn with_kubernetes() -> Value {
    let auth = json!({"kubernetes": {"mountPath": "kubernetes", "role": "eso", "serviceAccountRef": {"name": "eso", "audiences": ["a"]}}});
    with_token(json!({"auth": auth}))
}

pub(super) fn remote(key: &str, more: Value) -> RemoteRef {
    let mut value = json!({"key": key});
    for (name, member) in more.as_object().unwrap() {
        value[name] = member.clone();
    }
    serde_json::from_value(value).unwrap()
}

pub(super) async fn read(world: &World, key: &str) -> Result<String, String> {
    let mut client = world.client().await.unwrap();
    let value = client.get_secret(&remote(key, json!({}))).await;
    value
        .map(|v| v.expose_str().unwrap().to_owned())
        .map_err(|e| e.to_string())
}
