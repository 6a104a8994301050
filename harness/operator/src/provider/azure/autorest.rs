//! go-autorest, as the Key Vault client of API version 7.0 uses it: tokens from adal, retries, errors as it prints them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use rotaproof_base::{Clock, SecretValue};
use rotaproof_egress::Client;
use rotaproof_kinds::external_secrets::AzureKvProvider;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::{ProviderError, StoreContext};
use super::credential::{Credential, LOGIN, RESOURCE};
use super::{Token, imds, wire};

/// `DefaultRetryAttempts`: three more, 30 s after the first, twice as long after each; the last one is waited after too.
const RETRIES: u32 = 3;
const BACKOFF: Duration = Duration::from_secs(30);

/// A client of one vault.
pub(super) struct Autorest {
    egress: Client,
    clock: Clock,
    /// The vault's URL without a slash at its end.
    base: String,
    credential: Credential,
    token: Option<Token>,
}

/// Why a request did not come to a good answer.
enum Failure {
    /// No token, for good: the identity was refused.
    Refused { status: StatusCode, text: String },
    /// Anything that may pass.
    Passing(String),
}

impl Autorest {
    pub(super) fn new(
        store: &StoreContext,
        spec: &AzureKvProvider,
        credential: Credential,
    ) -> Self {
        Self {
            egress: store.egress.clone(),
            clock: store.clock.clone(),
            base: spec.vault_url.trim_end_matches('/').to_owned(),
            credential,
            token: None,
        }
    }

    /// `BaseClient.GetSecret`; an empty version is the current one.
    pub(super) async fn get_secret(
        &mut self,
        name: &str,
        version: &str,
    ) -> Result<wire::Bundle, ProviderError> {
        let (name, version) = (wire::escape(name), wire::escape(version));
        let url = format!("{}/secrets/{name}/{version}?api-version=7.0", self.base);
        self.call("GetSecret", &url).await
    }

    /// One page of `BaseClient.GetSecrets`, the first one where there is no link.
    pub(super) async fn get_secrets(
        &mut self,
        link: Option<String>,
    ) -> Result<wire::Page, ProviderError> {
        let url = link.unwrap_or_else(|| format!("{}/secrets?api-version=7.0", self.base));
        self.call("GetSecrets", &url).await
    }

    async fn call<T: DeserializeOwned>(
        &mut self,
        operation: &str,
        url: &str,
    ) -> Result<T, ProviderError> {
        let place = format!("keyvault.BaseClient#{operation}");
        let answer = match self.send(url).await {
            Ok(answer) => answer,
            // ESO takes any error of autorest's with a 404 for a missing secret, the identity's too.
            Err(Failure::Refused { status, .. }) if status == StatusCode::NOT_FOUND => {
                return Err(ProviderError::NoSecret);
            }
            Err(Failure::Refused { text, .. }) => return Err(ProviderError::Other(text)),
            // What adal or the authorizer said is an error of autorest's already, and is not wrapped.
            Err(Failure::Passing(text)) if text.starts_with("azure.BearerAuthorizer#") => {
                return Err(ProviderError::Other(text));
            }
            Err(Failure::Passing(text)) => {
                return Err(ProviderError::Other(format!(
                    "{place}: Failure sending request: StatusCode=0 -- Original Error: {text}"
                )));
            }
        };
        let status = answer.status();
        if status == StatusCode::NOT_FOUND {
            return Err(ProviderError::NoSecret);
        }
        let failed = |original: String| {
            ProviderError::Other(format!(
                "{place}: Failure responding to request: StatusCode={} -- Original Error: {original}",
                status.as_u16()
            ))
        };
        if status != StatusCode::OK {
            return Err(failed(service_error(&answer)));
        }
        // Go quotes the character where it stumbled; that would be one of the value.
        serde_json::from_slice(answer.body())
            .map_err(|_| failed("Error occurred unmarshalling JSON".into()))
    }

    /// `DoRetryForStatusCodes` around the authorizer and the request.
    async fn send(&mut self, url: &str) -> Result<Response<Bytes>, Failure> {
        let mut attempt = 0;
        loop {
            let outcome = self.attempt(url).await;
            let settled = match &outcome {
                Ok(answer) => !wire::is_passing(answer.status()),
                Err(failure) => matches!(failure, Failure::Refused { .. }),
            };
            if settled {
                return outcome;
            }
            let named = outcome.as_ref().ok().and_then(wire::retry_after);
            let wait = match named {
                Some(seconds) => Duration::from_secs(seconds),
                None => BACKOFF.saturating_mul(1 << attempt),
            };
            tokio::time::sleep(wait).await;
            if attempt == RETRIES {
                return outcome;
            }
            attempt += 1;
        }
    }

    async fn attempt(&mut self, url: &str) -> Result<Response<Bytes>, Failure> {
        let token = self.authorize(url).await?;
        let request = wire::get(url, Some(&token)).map_err(Failure::Passing)?;
        let sent = self.egress.send(request).await;
        sent.map_err(|error| Failure::Passing(wire::unanswered(&Method::GET, url, &error)))
    }

    /// `BearerAuthorizer.WithAuthorization`.
    async fn authorize(&mut self, url: &str) -> Result<SecretValue, Failure> {
        if let Credential::Acquired(token) = &self.credential {
            return Ok(token.text.clone());
        }
        let now = self.clock.unix_seconds();
        if let Some(token) = &self.token
            && token.is_fresh(now)
        {
            return Ok(token.text.clone());
        }
        let place = |status: u16, original: &str| {
            format!(
                "azure.BearerAuthorizer#WithAuthorization: Failed to refresh the Token for request to {url}: \
                 StatusCode={status} -- Original Error: {original}"
            )
        };
        let (endpoint, answer) = self.refresh().await;
        let answer = answer.map_err(|error| {
            let original =
                format!("adal: Failed to execute the refresh request. Error = '{error}'");
            Failure::Passing(place(0, &original))
        })?;
        let status = answer.status();
        if status != StatusCode::OK {
            let original = format!(
                "adal: Refresh request failed. Status Code = '{}'. Response body: {} Endpoint {endpoint}",
                status.as_u16(),
                String::from_utf8_lossy(answer.body())
            );
            let text = place(status.as_u16(), &original);
            return Err(Failure::Refused { status, text });
        }
        let Some(token) = wire::token(&answer, now) else {
            let original = "adal: Failed to unmarshal the service principal token during refresh.";
            let text = place(status.as_u16(), original);
            return Err(Failure::Refused { status, text });
        };
        let text = token.text.clone();
        self.token = Some(token);
        Ok(text)
    }

    /// adal's request for a token, and its address.
    async fn refresh(&self) -> (String, Result<Response<Bytes>, String>) {
        match &self.credential {
            Credential::Managed(identity) => {
                let url = imds::url(identity.as_deref());
                let answer = imds::adal(&self.egress, &url).await;
                (url, answer)
            }
            Credential::Secret(application) => {
                let url = format!(
                    "{LOGIN}/{}/oauth2/token?api-version=1.0",
                    application.tenant
                );
                let secret = application.secret.expose_str().unwrap_or_default();
                let form = BTreeMap::from([
                    ("client_id", application.client_id.as_str()),
                    ("client_secret", secret),
                    ("grant_type", "client_credentials"),
                    ("resource", RESOURCE),
                ]);
                let answer = match wire::post(&url, &form) {
                    Ok(request) => self
                        .egress
                        .send(request)
                        .await
                        .map_err(|error| wire::unanswered(&Method::POST, &url, &error)),
                    Err(error) => Err(error),
                };
                (url, answer)
            }
            // Neither comes here: go-autorest acquires these with the client.
            Credential::Federated(_) | Credential::Acquired(_) => (
                LOGIN.to_owned(),
                Err("the credential has no refresh".into()),
            ),
        }
    }
}

/// `azure.WithErrorUnlessStatusCode`: the service's error as autorest prints it.
fn service_error(answer: &Response<Bytes>) -> String {
    let status = answer.status().as_u16();
    let parsed: Option<Value> = serde_json::from_slice(answer.body()).ok();
    let Some(body) = parsed else {
        return unreadable(&String::from_utf8_lossy(answer.body()));
    };
    let error = body.get("error").unwrap_or(&body);
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut described = match text("message") {
        "" => r#"Code="Unknown" Message="Unknown service error""#.to_owned(),
        message => format!("Code={} Message={}", quote(text("code")), quote(message)),
    };
    let inner = error.get("innererror").or_else(|| error.get("innerError"));
    if let Some(inner) = inner.filter(|inner| !inner.is_null()) {
        described.push_str(&format!(" InnerError={inner}"));
    }
    format!("autorest/azure: Service returned an error. Status={status} {described}")
}

/// A body that is no JSON, in Go's `%q` of the buffer that holds it, and why the decoder gave up.
fn unreadable(body: &str) -> String {
    let reason = match body.trim_start().chars().next() {
        None => "EOF".to_owned(),
        Some(first) => format!("invalid character {first:?} looking for beginning of value"),
    };
    format!(
        "autorest/azure: error response cannot be parsed: {{{} '\\x00' '\\x00'}} error: {reason}",
        quote(body)
    )
}

/// Go's `%q` of a text that the service wrote.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        403,
        r#"{"error":{"code":"Forbidden","message":"Caller.\r\nAction: 'x'","innererror":{"code":"ForbiddenByRbac"}}}"#,
        r#"autorest/azure: Service returned an error. Status=403 Code="Forbidden" Message="Caller.\r\nAction: 'x'" InnerError={"code":"ForbiddenByRbac"}"#
    )]
    #[case(
        401,
        r#"{"error":{"code":"Unauthorized","message":"AKV10022: Invalid audience."}}"#,
        r#"autorest/azure: Service returned an error. Status=401 Code="Unauthorized" Message="AKV10022: Invalid audience.""#
    )]
    #[case(
        418,
        r#"{"other":1}"#,
        r#"autorest/azure: Service returned an error. Status=418 Code="Unknown" Message="Unknown service error""#
    )]
    #[case(
        502,
        "<html>",
        r#"autorest/azure: error response cannot be parsed: {"<html>" '\x00' '\x00'} error: invalid character '<' looking for beginning of value"#
    )]
    #[case(
        503,
        "",
        r#"autorest/azure: error response cannot be parsed: {"" '\x00' '\x00'} error: EOF"#
    )]
    fn a_refusal_reads_as_autorest_prints_it(
        #[case] status: u16,
        #[case] body: &'static str,
        #[case] expected: &str,
    ) {
        let answer = Response::builder()
            .status(status)
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        assert_eq!(service_error(&answer), expected);
    }
}
