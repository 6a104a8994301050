//! The built-in Connect server with what may go wrong before it, an API server with one Secret, and a store between them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rotaproof_base::{Clock, Entropy, Fingerprinter, Listen, SecretValue, TaskGroup, memory};
use rotaproof_kinds::external_secrets::{RemoteRef, StoreKind};
use rotaproof_vaults::onepassword::{
    Access, ConnectToken, ConnectVault, Document, OnePasswordConfig, OnePasswordConnect,
    OnePasswordWriter,
};
use rotaproof_vaults::{Served, Vault, Witness};
use serde_json::{Value, json};

use super::super::super::{ProviderError, Providers, SecretsClient, StoreContext};

/// What comes in place of the server's answer to a request, which it is given as `METHOD path?query`.
pub(super) type InStead = fn(&str) -> Option<Reply>;

pub(super) enum Reply {
    /// As often as this; then the server answers.
    Times(usize, u16, &'static str),
    Hang,
}

#[derive(Default)]
struct Notes(Mutex<Vec<Served>>);

impl Witness for Notes {
    fn record(&self, served: Served) {
        self.0.lock().unwrap().push(served);
    }
}

pub(super) struct World {
    pub(super) store: StoreContext,
    connect: Arc<OnePasswordConnect>,
    pub(super) writer: OnePasswordWriter,
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: TaskGroup,
}

const HOST: &str = "http://connect.example.com:8080";

impl World {
    /// A store that searches `production` before `shared`.
    pub(super) fn new() -> Self {
        Self::with(json!({"production": 1, "shared": 2}), |_| None)
    }

    pub(super) fn with(vaults: Value, in_stead: InStead) -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let connect = Arc::new(connect(&clock));
        let (dialer, mut listener) = memory();
        let dialer = Arc::new(dialer);
        let tasks = TaskGroup::new();
        let handle = tasks.handle();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (served, log) = (connect.clone(), seen.clone());
        tasks.spawn(async move {
            while let Ok(stream) = listener.accept().await {
                let (connect, log) = (served.clone(), log.clone());
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (connect, log) = (connect.clone(), log.clone());
                    async move { answer(request, &connect, &log, in_stead).await }
                });
                handle.spawn(async move {
                    let io = TokioIo::new(stream);
                    drop(http1::Builder::new().serve_connection(io, service).await);
                });
            }
        });
        let egress = rotaproof_egress::Client::builder(clock.clone())
            .direct(dialer)
            .build()
            .unwrap();
        let writer = OnePasswordWriter::new(
            egress.clone(),
            "http://writer.example.com",
            connect.administrator(),
            clock.clone(),
        );
        let token = json!({"name": "connect-token", "namespace": "eso", "key": "token"});
        let provider = json!({
            "connectHost": HOST, "vaults": vaults,
            "auth": {"secretRef": {"connectTokenSecretRef": token}},
        });
        let spec = json!({"provider": {"onepassword": provider}});
        let store = StoreContext {
            kind: StoreKind::ClusterSecretStore,
            name: "onepassword".to_owned(),
            namespace: "team".to_owned(),
            generation: 1,
            spec: Arc::new(serde_json::from_value(spec).unwrap()),
            kube: cluster("reader"),
            egress,
            clock,
            entropy: Entropy::from_seed(7),
            release: crate::Release::default(),
        };
        Self {
            store,
            connect,
            writer,
            seen,
            _tasks: tasks,
        }
    }

    /// With the token of another bearer in the Secret.
    pub(super) fn bearing(mut self, token: &str) -> Self {
        self.store.kube = cluster(token);
        self
    }

    pub(super) async fn client(&self) -> Result<Box<dyn SecretsClient>, ProviderError> {
        let provider = Providers::builtin().get("onepassword").unwrap();
        provider.new_client(&self.store).await
    }

    /// Reads as one entry of `data` does; the error is its text.
    pub(super) async fn read(&self, key: &str, more: Value) -> Result<String, String> {
        let mut client = self.client().await.map_err(|error| error.to_string())?;
        let value = client.get_secret(&remote(key, more)).await;
        value
            .map(|value| value.expose_str().unwrap().to_owned())
            .map_err(|error| error.to_string())
    }

    /// The id of the vault that was asked for an item first.
    pub(super) fn vault_id(&self) -> String {
        let seen = self.seen.lock().unwrap();
        let mut paths = seen
            .iter()
            .filter_map(|line| line.strip_prefix("GET /v1/vaults/"));
        paths.next().unwrap().split('/').next().unwrap().to_owned()
    }

    /// Sets the tags of an item, as somebody does in 1Password's own app.
    pub(super) async fn tag(&self, item: &str, tags: &[&str]) {
        let (vault, title) = item.split_once('/').unwrap();
        let vault = self.one("/v1/vaults", "name", vault).await;
        let item = self.one(&format!("{vault}/items"), "title", title).await;
        let patch = json!([{"op": "add", "path": "/tags", "value": tags}]);
        self.administer("PATCH", &item, patch.to_string()).await;
    }

    async fn one(&self, collection: &str, attribute: &str, name: &str) -> String {
        let path = format!("{collection}?filter={attribute}+eq+%22{name}%22");
        let found = self.administer("GET", &path, String::new()).await;
        format!("{collection}/{}", found[0]["id"].as_str().unwrap())
    }

    async fn administer(&self, method: &str, path: &str, body: String) -> Value {
        let token = self.connect.administrator();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(
                "authorization",
                format!("Bearer {}", token.expose_str().unwrap()),
            )
            .body(Bytes::from(body))
            .unwrap();
        let answer = self.connect.serve(request, &Notes::default()).await;
        assert_eq!(answer.status(), 200);
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// What the operator asked, without the ids.
    pub(super) fn lines(&self) -> Vec<String> {
        let id = regex::Regex::new("[a-z2-7]{26}").unwrap();
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|line| id.replace_all(line, "ID").into_owned())
            .collect()
    }
}

pub(super) fn remote(key: &str, more: Value) -> RemoteRef {
    let mut value = json!({"key": key});
    for (name, member) in more.as_object().unwrap() {
        value[name] = member.clone();
    }
    serde_json::from_value(value).unwrap()
}

fn connect(clock: &Clock) -> OnePasswordConnect {
    let vault = |name: &str, documents| ConnectVault {
        name: name.to_owned(),
        documents,
    };
    let document = Document {
        title: "ca".to_owned(),
        file: "ca.pem".to_owned(),
        content: SecretValue::new("-----BEGIN-----"),
    };
    let access = Access {
        read: true,
        write: false,
    };
    let token = |name: &str, vaults: &[&str]| ConnectToken {
        name: name.to_owned(),
        token: SecretValue::new(name),
        vaults: vaults.iter().map(|v| ((*v).to_owned(), access)).collect(),
        ttl: None,
    };
    OnePasswordConnect::new(OnePasswordConfig {
        address: "connect.example.com".to_owned(),
        clock: clock.clone(),
        entropy: Entropy::from_seed(7),
        fingerprinter: Fingerprinter::from_key([7; 32]),
        vaults: vec![
            vault("production", vec![document]),
            vault("shared", Vec::new()),
        ],
        tokens: vec![
            token("reader", &["production", "shared"]),
            token("scoped", &["shared"]),
        ],
    })
}

async fn answer(
    request: Request<hyper::body::Incoming>,
    connect: &OnePasswordConnect,
    seen: &Mutex<Vec<String>>,
    in_stead: InStead,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let from_operator = parts
        .headers
        .get("user-agent")
        .is_some_and(|a| a == "external-secrets");
    if from_operator {
        let line = format!("{} {}", parts.method, parts.uri);
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push(line.clone());
            seen.iter().filter(|one| **one == line).count()
        };
        match in_stead(&line) {
            Some(Reply::Hang) => std::future::pending().await,
            Some(Reply::Times(times, status, text)) if before <= times => {
                let mut response = Response::new(Full::from(text).boxed_unsync());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                return Ok(response);
            }
            _ => {}
        }
    }
    let request = Request::from_parts(parts, body);
    Ok(connect.serve(request, &Notes::default()).await)
}

/// An API server with one Secret, whose `token` is this.
fn cluster(token: &str) -> kube::Client {
    let token = k8s_openapi::ByteString(token.as_bytes().to_vec());
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let token = token.clone();
        async move {
            let (status, value) = match request.uri().path() {
                "/api/v1/namespaces/eso/secrets/connect-token" => (
                    200,
                    json!({
                        "apiVersion": "v1", "kind": "Secret", "data": {"token": token},
                        "metadata": {"name": "connect-token", "namespace": "eso"},
                    }),
                ),
                _ => (
                    404,
                    json!({
                        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
                        "message": "\"it\" not found", "reason": "NotFound", "code": 404,
                    }),
                ),
            };
            let response = Response::builder()
                .status(status)
                .header("content-type", "application/json");
            let body = kube::client::Body::from(value.to_string().into_bytes());
            Ok::<_, Infallible>(response.body(body).unwrap())
        }
    });
    kube::Client::new(service, "default")
}
