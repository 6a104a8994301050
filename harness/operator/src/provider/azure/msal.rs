//! MSAL for Go 1.5: the tenant's configuration, then its token endpoint.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response};
use rotaproof_base::Clock;
use rotaproof_egress::Client;
use serde_json::Value;

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

/// `AcquireTokenByCredential` with an assertion.
pub(super) async fn federated(
    egress: &Client,
    clock: &Clock,
    assertion: &Assertion,
) -> Result<Token, Failure> {
    let endpoint = endpoint(egress, &assertion.tenant).await?;
    let token = assertion.token.expose_str().unwrap_or_default();
    let form = BTreeMap::from([
        ("client_assertion", token),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_id", assertion.client_id.as_str()),
        ("client_info", "1"),
        ("grant_type", "client_credentials"),
        ("scope", SCOPE),
    ]);
    let acquired = acquire(egress, clock, &endpoint, &form).await;
    acquired.map_err(|failure| failure.within("FromAssertion(): "))
}

/// `AcquireTokenByCredential` with a client secret.
pub(super) async fn client_secret(
    egress: &Client,
    clock: &Clock,
    application: &Application,
) -> Result<Token, Failure> {
    let endpoint = endpoint(egress, &application.tenant).await?;
    let secret = application.secret.expose_str().unwrap_or_default();
    let form = BTreeMap::from([
        ("client_id", application.client_id.as_str()),
        ("client_info", "1"),
        ("client_secret", secret),
        ("grant_type", "client_credentials"),
        ("scope", SCOPE),
    ]);
    acquire(egress, clock, &endpoint, &form).await
}

/// `ResolveEndpoints`. The host is one that MSAL knows: there is no instance discovery.
async fn endpoint(egress: &Client, tenant: &str) -> Result<String, Failure> {
    const CONTEXT: &str = "unable to resolve an endpoint: ";
    let url = format!("{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration");
    let request = wire::get(&url, None).map_err(Failure::plain)?;
    let answer = call(egress, &url, request)
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

async fn acquire(
    egress: &Client,
    clock: &Clock,
    endpoint: &str,
    form: &BTreeMap<&str, &str>,
) -> Result<Token, Failure> {
    let request = wire::post(endpoint, form).map_err(Failure::plain)?;
    let answer = call(egress, endpoint, request).await?;
    let token = wire::token(&answer, clock.unix_seconds());
    token.ok_or_else(|| {
        Failure::plain(format!(
            "the answer of the identity platform for {RESOURCE} has no token"
        ))
    })
}

async fn call(
    egress: &Client,
    url: &str,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Failure> {
    let method = request.method().clone();
    let answer = egress.send(request).await.map_err(|error| {
        Failure::plain(format!(
            "server response error:\n {}",
            wire::unanswered(&method, url, &error)
        ))
    })?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    Err(Failure {
        text: format!(
            "http call({url})({method}) error: reply status code was {}:\n{}",
            answer.status().as_u16(),
            String::from_utf8_lossy(answer.body())
        ),
        answer: Some((method, url.to_owned(), answer)),
    })
}
