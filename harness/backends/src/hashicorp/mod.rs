//! HashiCorp Vault on a dev server of Vault or OpenBao.

mod answer;
mod bearers;
mod keys;
mod seed;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use rotaproof_base::{Fingerprinter, SecretValue};
use rotaproof_vaults::hashicorp::{HashicorpConfig, HashicorpVault};
use rotaproof_vaults::{Body, HostPattern, Vault, VaultKind, Witness, buffered};
use serde_json::{Value, json};

use crate::Error;
use crate::container::Container;
use crate::forward::{self, Order, Testimony, Upstream};
use bearers::Bearers;

/// The cluster whose service accounts log in: what a server needs to have their tokens reviewed, and to verify them.
#[derive(Clone)]
pub struct ClusterIdentity {
    /// The API server as the container reaches it: `https://172.18.0.2:6443`.
    pub host: String,
    /// The certificate authority of that address.
    pub ca_pem: String,
    /// The token of a service account that may create TokenReviews (`system:auth-delegator`). Without it the server
    /// reviews each token with that token itself.
    pub reviewer_token: Option<SecretValue>,
    /// The issuer of service account tokens, which jwt auth binds; any where `None`.
    pub issuer: Option<String>,
    /// The issuer's keys, as served at `/openid/v1/jwks`, for jwt auth.
    pub jwks: Value,
}

/// One Vault whose state lies in a dev server of its own, which goes with it.
pub struct DevServerVault {
    /// Tells operations and secrets from the form of a request; it serves none.
    forms: HashicorpVault,
    fingerprinter: Fingerprinter,
    bearers: Bearers,
    root: SecretValue,
    tokens: BTreeMap<String, SecretValue>,
    upstream: Upstream,
    order: Order,
    container: Container,
}

impl DevServerVault {
    pub(crate) async fn start(
        container: Container,
        root: SecretValue,
        config: HashicorpConfig,
        cluster: Option<&ClusterIdentity>,
        answer_within: Duration,
    ) -> Result<Self, Error> {
        let upstream = Upstream::new(&container, &config.clock, answer_within)?;
        let tokens = seed::Seed::new(&upstream, &root)?
            .plant(&config, cluster)
            .await?;
        let fingerprinter = config.fingerprinter.clone();
        let bearers = Bearers::new(fingerprinter.clone());
        bearers.learn(&root, "root");
        for (name, token) in &tokens {
            bearers.learn(token, name);
        }
        Ok(Self {
            forms: HashicorpVault::new(config),
            fingerprinter,
            bearers,
            root,
            tokens,
            upstream,
            order: Order::default(),
            container,
        })
    }

    /// A token that may do everything, for the harness's writer.
    pub fn root_token(&self) -> SecretValue {
        self.root.clone()
    }

    /// A declared token by its bearer's name, as the server drew it.
    pub fn token(&self, name: &str) -> Option<SecretValue> {
        self.tokens.get(name).cloned()
    }

    /// Nothing where its container runs; else why not, with its last lines.
    pub async fn check(&self) -> Result<(), Error> {
        self.container.check().await
    }
}

/// What the built-in vault answers without asking who it is.
const OPEN: [&str; 4] = ["sys health", "sys seal-status", "sys init", "sys leader"];

#[async_trait]
impl Vault for DevServerVault {
    fn kind(&self) -> VaultKind {
        VaultKind::HashicorpVault
    }

    fn hosts(&self) -> Vec<HostPattern> {
        self.forms.hosts()
    }

    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>) {
        self.forms.describe(request)
    }

    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let (operation, secret) = self.forms.describe(&request);
        let login = operation.ends_with(" login");
        let identity = match login || OPEN.contains(&operation.as_str()) {
            true => None,
            false => self.bearers.of(&request),
        };
        let new_bearer = bearers::named_by(&request, &operation);
        let reads = login || matches!(request.method().as_str(), "GET" | "LIST" | "HEAD");
        let mut testimony = Testimony::begin(witness, operation.clone(), secret.clone(), identity);
        let _turn = self.order.turn(reads).await;
        match self.upstream.forward(request).await {
            Ok(answer) => {
                let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
                let refusal = answer::refusal(answer.status(), &body);
                if refusal.as_deref() == Some(answer::UNKNOWN_TOKEN) {
                    testimony.served.identity = None;
                }
                if let Some(name) = new_bearer
                    && let Some(token) = body.pointer("/auth/client_token").and_then(Value::as_str)
                {
                    self.bearers.learn(&SecretValue::new(token), &name);
                    if login {
                        testimony.served.identity = Some(name);
                    }
                }
                let versions = match (&refusal, secret) {
                    (None, Some(secret)) => {
                        answer::versions(&operation, secret, body, &self.fingerprinter)
                    }
                    _ => Vec::new(),
                };
                testimony.give(versions, refusal);
                forward::answer(answer)
            }
            Err(error) => {
                let text = error.to_string();
                testimony.give(Vec::new(), Some(text.clone()));
                no_answer(&text)
            }
        }
    }
}

/// As Vault answers where something of its own is broken.
fn no_answer(message: &str) -> Response<Body> {
    let body = json!({ "errors": [message] });
    let mut response = Response::new(buffered(body.to_string()));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
