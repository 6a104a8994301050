//! MSAL for Go 1.5.0's confidential client: what it knows of its authority, then a token by the client's credential.
//!
//! ESO makes one per client of a store, through either SDK: authority, endpoints and token are known for as long as a
//! reconcile lasts, and asked for again in the next one.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use rotaproof_base::{Clock, Entropy};
use rotaproof_egress::Client;
use serde_json::Value;

use super::azcore::Retries;
use super::credential::{Application, Assertion, LOGIN, RESOURCE};
use super::{Token, wire};

/// Why there is no token: MSAL's words, and the answer that was none, with its address.
pub(super) struct Failure {
    pub(super) text: String,
    pub(super) answer: Option<(Method, String, Response<Bytes>)>,
}

impl Failure {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            answer: None,
        }
    }

    fn within(mut self, context: &str) -> Self {
        self.text = format!("{context}{}", self.text);
        self
    }
}

const SCOPE: &str = "https://vault.azure.net/.default openid offline_access profile";
/// How long one of its calls may take, with all its tries (`comm.go`).
const TIMEOUT: Duration = Duration::from_secs(30);

/// Who a client is, and how it proves it.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    Secret(&'a Application),
    Assertion(&'a Assertion),
}

impl Proof<'_> {
    pub(super) fn tenant(&self) -> &str {
        match self {
            Self::Secret(application) => &application.tenant,
            Self::Assertion(assertion) => &assertion.tenant,
        }
    }

    fn form(&self) -> BTreeMap<&str, &str> {
        let mut form = BTreeMap::from([("grant_type", "client_credentials"), ("scope", SCOPE)]);
        match self {
            Self::Secret(application) => {
                let secret = application.secret.expose_str().unwrap_or_default();
                form.insert("client_id", &application.client_id);
                form.insert("client_secret", secret);
            }
            Self::Assertion(assertion) => {
                let token = assertion.token.expose_str().unwrap_or_default();
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.insert("client_assertion", token);
                form.insert("client_assertion_type", kind);
                form.insert("client_id", &assertion.client_id);
                form.insert("client_info", "1");
            }
        }
        form
    }
}

/// A confidential client.
pub(super) struct Msal {
    egress: Client,
    clock: Clock,
    /// azidentity sends through azcore, which tries again; without, every call has one try.
    retries: Option<Entropy>,
    /// Whether instance discovery told who answers for the authority.
    discovered: bool,
    endpoint: Option<String>,
    token: Option<Token>,
}

impl Msal {
    /// One whose calls go out straight, as ESO's own beside go-autorest.
    pub(super) fn new(egress: Client, clock: Clock) -> Self {
        Self {
            egress,
            clock,
            retries: None,
            discovered: false,
            endpoint: None,
            token: None,
        }
    }

    /// azidentity's.
    pub(super) fn retrying(egress: Client, clock: Clock, entropy: Entropy) -> Self {
        Self {
            retries: Some(entropy),
            ..Self::new(egress, clock)
        }
    }

    /// `AcquireTokenSilent`: the token that the client holds, if it is fresh. Its cache is kept by authority, whose
    /// other names are asked for first; where nobody tells them there is no cache either.
    pub(super) async fn silent(&mut self, tenant: &str) -> Option<Token> {
        if !self.discovered {
            self.discovered = self.discover(tenant).await.is_ok();
        }
        let now = self.clock.unix_seconds();
        let held = self.token.as_ref().filter(|_| self.discovered);
        held.filter(|token| token.is_fresh(now)).cloned()
    }

    /// `AcquireTokenByCredential`: a new token, whatever the client holds.
    pub(super) async fn by_credential(&mut self, proof: Proof<'_>) -> Result<Token, Failure> {
        let endpoint = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => self.resolve(proof.tenant()).await?,
        };
        self.endpoint = Some(endpoint.clone());
        let request = || wire::post(&endpoint, &proof.form());
        let answer = self.call(&endpoint, request).await?;
        let token = wire::token(&answer, self.clock.unix_seconds());
        let token = token.ok_or_else(|| {
            Failure::plain(format!(
                "the answer of the identity platform for {RESOURCE} has no token"
            ))
        })?;
        self.token = Some(token.clone());
        Ok(token)
    }

    /// `AADInstanceDiscovery`.
    async fn discover(&self, tenant: &str) -> Result<(), Failure> {
        let authority = format!("{LOGIN}/{tenant}/oauth2/v2.0/authorize");
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("api-version", "1.1")
            .append_pair("authorization_endpoint", &authority)
            .finish();
        let url = format!("{LOGIN}/common/discovery/instance?{query}");
        let answer = self.call(&url, || wire::get(&url, None)).await?;
        let told: Result<Value, _> = serde_json::from_slice(answer.body());
        told.map(drop)
            .map_err(|_| Failure::plain("json decode error"))
    }

    /// `ResolveEndpoints`: the token endpoint. The host is one that MSAL knows: where its configuration is, is known.
    async fn resolve(&self, tenant: &str) -> Result<String, Failure> {
        const CONTEXT: &str = "unable to resolve an endpoint: ";
        // With the mark of a query that has nothing in it.
        let url = format!("{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration?");
        let answer = self
            .call(&url, || wire::get(&url, None))
            .await
            .map_err(|failure| failure.within(CONTEXT))?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let endpoint = body.get("token_endpoint").and_then(Value::as_str);
        let endpoint = endpoint.filter(|endpoint| endpoint.starts_with("https://"));
        endpoint.map(str::to_owned).ok_or_else(|| {
            Failure::plain(format!(
                "{CONTEXT}ResolveEndpoints(): authorize endpoint was not found in the openid configuration"
            ))
        })
    }

    /// `comm.Client.do`.
    async fn call(
        &self,
        url: &str,
        request: impl Fn() -> Result<Request<Bytes>, String>,
    ) -> Result<Response<Bytes>, Failure> {
        let method = request().map_err(Failure::plain)?.method().clone();
        let unanswered = |cause: &str| Failure::plain(format!("server response error:\n {cause}"));
        let answer = match tokio::time::timeout(TIMEOUT, self.send(&method, url, request)).await {
            Ok(sent) => sent.map_err(|cause| unanswered(&cause))?,
            Err(_) => {
                let exceeded = "context deadline exceeded";
                // azcore gives the context's error alone, net/http its own around it.
                return Err(unanswered(&match self.retries {
                    Some(_) => exceeded.to_owned(),
                    None => wire::url_error(&method, url, exceeded),
                }));
            }
        };
        let status = answer.status().as_u16();
        if matches!(status, 200 | 201) {
            return Ok(answer);
        }
        let mut text = format!("http call({url})({method}) error: reply status code was {status}");
        let body = String::from_utf8_lossy(answer.body());
        if !body.trim().is_empty() {
            text.push_str(":\n");
            text.push_str(body.trim());
        }
        Err(Failure {
            text,
            answer: Some((method, url.to_owned(), answer)),
        })
    }

    async fn send(
        &self,
        method: &Method,
        url: &str,
        request: impl Fn() -> Result<Request<Bytes>, String>,
    ) -> Result<Response<Bytes>, String> {
        let mut tried = 0;
        loop {
            let outcome = self.egress.send(request()?).await;
            tried += 1;
            let entropy = self.retries.as_ref();
            let wait = entropy.and_then(|entropy| Retries::DEFAULT.wait(tried, &outcome, entropy));
            let Some(wait) = wait else {
                return outcome.map_err(|error| wire::unanswered(method, url, &error));
            };
            tokio::time::sleep(wait).await;
        }
    }
}
