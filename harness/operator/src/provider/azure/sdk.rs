//! The new SDK: azcore's pipeline with Key Vault's challenge before every client's first token, azidentity's credentials.

use bytes::Bytes;
use http::{Method, Response, StatusCode, Uri, header};
use rotaproof_base::{Clock, Entropy, SecretValue};
use rotaproof_egress::Client;
use rotaproof_kinds::external_secrets::AzureKvProvider;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::{ProviderError, StoreContext};
use super::azcore::Retries;
use super::credential::Credential;
use super::msal::{Failure, Msal, Proof};
use super::{ManagedTokens, Token, imds, wire};

const RULE: &str =
    "--------------------------------------------------------------------------------";

/// A client of one vault.
pub(super) struct Sdk {
    egress: Client,
    clock: Clock,
    entropy: Entropy,
    base: String,
    credential: Credential,
    managed: ManagedTokens,
    msal: Msal,
    /// The tenant that a challenge named, once one said what tokens are for.
    challenged: Option<String>,
    token: Option<Token>,
}

impl Sdk {
    pub(super) fn new(
        store: &StoreContext,
        spec: &AzureKvProvider,
        credential: Credential,
        managed: ManagedTokens,
    ) -> Self {
        let (egress, clock) = (store.egress.clone(), store.clock.clone());
        let entropy = store.entropy.clone();
        Self {
            msal: Msal::retrying(egress.clone(), clock.clone(), entropy.clone()),
            egress,
            clock,
            entropy,
            base: spec.vault_url.trim_end_matches('/').to_owned(),
            credential,
            managed,
            challenged: None,
            token: None,
        }
    }

    /// `Client.GetSecret`; an empty version is the current one.
    pub(super) async fn get_secret(
        &mut self,
        name: &str,
        version: &str,
    ) -> Result<wire::Bundle, ProviderError> {
        let (name, version) = (wire::escape(name), wire::escape(version));
        let url = format!("{}/secrets/{name}/{version}?api-version=7.6", self.base);
        self.call(&url).await
    }

    /// One page of the properties of all secrets.
    pub(super) async fn list(&mut self, link: Option<String>) -> Result<wire::Page, ProviderError> {
        let url = link.unwrap_or_else(|| format!("{}/secrets?api-version=7.6", self.base));
        self.call(&url).await
    }

    async fn call<T: DeserializeOwned>(&mut self, url: &str) -> Result<T, ProviderError> {
        let answer = self.send(url).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(ProviderError::NoSecret);
        }
        if answer.status() != StatusCode::OK {
            return Err(ProviderError::Other(response_error(url, &answer)));
        }
        serde_json::from_slice(answer.body()).map_err(|_| {
            ProviderError::other("unmarshalling type *azsecrets.Secret: invalid answer")
        })
    }

    async fn send(&mut self, url: &str) -> Result<Response<Bytes>, ProviderError> {
        let mut tried = 0;
        loop {
            let outcome = self.attempt(url).await?;
            tried += 1;
            let Some(wait) = Retries::DEFAULT.wait(tried, &outcome, &self.entropy) else {
                return outcome.map_err(ProviderError::Other);
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// One try: an error of the credential ends the call, one of the connection may pass.
    async fn attempt(
        &mut self,
        url: &str,
    ) -> Result<Result<Response<Bytes>, String>, ProviderError> {
        let token = match self.challenged.clone() {
            Some(tenant) => {
                let token = self.authorize(&tenant).await;
                Some(token.map_err(ProviderError::Other)?)
            }
            None => None,
        };
        let answer = match self.get(url, token.as_ref()).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(Ok(answer));
        }
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
        let Some(challenge) = challenge.and_then(|value| value.to_str().ok()) else {
            return Ok(Ok(answer));
        };
        let tenant = check_challenge(challenge, url).map_err(ProviderError::Other)?;
        // The policy's own token is let go; MSAL holds the same one, and gives it again while it is fresh.
        self.token = None;
        self.challenged = (!tenant.is_empty()).then(|| tenant.clone());
        let token = self.authorize(&tenant).await;
        let token = token.map_err(ProviderError::Other)?;
        // A second refusal is the answer: the policy meets a challenge once per request.
        let answer = self.get(url, Some(&token)).await;
        if matches!(&answer, Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED) {
            self.token = None;
        }
        Ok(answer)
    }

    async fn get(&self, url: &str, token: Option<&SecretValue>) -> Result<Response<Bytes>, String> {
        let request = wire::get(url, token)?;
        let sent = self.egress.send(request).await;
        sent.map_err(|error| wire::unanswered(&Method::GET, url, &error))
    }

    /// The bearer token policy's token, or the credential's (`confidentialClient.GetToken`).
    async fn authorize(&mut self, tenant: &str) -> Result<SecretValue, String> {
        let now = self.clock.unix_seconds();
        if let Some(token) = self.token.as_ref().filter(|token| token.is_fresh(now)) {
            return Ok(token.text.clone());
        }
        let acquired = match &self.credential {
            Credential::Managed(identity) => {
                let id = identity.clone().unwrap_or_default();
                let mut held = self.managed.lock().await;
                let known = held.get(&id).filter(|token| token.is_fresh(now)).cloned();
                match known {
                    Some(token) => token,
                    None => {
                        let token = managed(&self.egress, &self.entropy, now, &id).await?;
                        held.insert(id, token.clone());
                        token
                    }
                }
            }
            Credential::Secret(application) => {
                let name = ("ClientSecretCredential", "client-secret");
                confidential(&mut self.msal, name, tenant, Proof::Secret(application)).await?
            }
            Credential::Federated(assertion) => {
                let name = ("ClientAssertionCredential", "");
                confidential(&mut self.msal, name, tenant, Proof::Assertion(assertion)).await?
            }
            Credential::Acquired(token) => token.clone(),
        };
        let text = acquired.text.clone();
        self.token = Some(acquired);
        Ok(text)
    }
}

/// A token of the tenant that the vault named, which must be the credential's own, letter by letter (`resolveTenant`).
async fn confidential(
    msal: &mut Msal,
    name: (&str, &str),
    tenant: &str,
    proof: Proof<'_>,
) -> Result<Token, String> {
    let own = proof.tenant();
    if !tenant.is_empty() && tenant != own {
        return Err(format!(
            "{} isn't configured to acquire tokens for tenant {tenant:?}. To enable acquiring tokens for this tenant add \
             it to the AdditionallyAllowedTenants on the credential options, or add \"*\" to allow acquiring tokens for \
             any tenant",
            name.0
        ));
    }
    if let Some(token) = msal.silent(own).await {
        return Ok(token);
    }
    let token = msal.by_credential(proof).await;
    token.map_err(|failure| authentication_failed(name, "", failure))
}

async fn managed(
    egress: &Client,
    entropy: &Entropy,
    now: i64,
    identity: &str,
) -> Result<Token, String> {
    const NAME: (&str, &str) = ("ManagedIdentityCredential", "managed-id");
    let url = imds::url(Some(identity));
    let answer = imds::azidentity(egress, entropy, &url)
        .await
        .map_err(|error| authentication_failed(NAME, "", Failure::plain(error)))?;
    let message = match answer.status() {
        StatusCode::OK => "",
        StatusCode::BAD_REQUEST => "the requested identity isn't assigned to this resource",
        _ => "authentication failed",
    };
    wire::token(&answer, now)
        .filter(|_| answer.status() == StatusCode::OK)
        .ok_or_else(|| {
            let failure = Failure {
                text: String::new(),
                answer: Some((Method::GET, url, answer)),
            };
            authentication_failed(NAME, message, failure)
        })
}

/// The tenant that a challenge names. It must name a resource whose host the vault's own ends in.
fn check_challenge(challenge: &str, url: &str) -> Result<String, String> {
    let challenge = challenge.replace("Bearer ", "");
    let value = |wanted: &str| {
        challenge.split(' ').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            (name == wanted).then(|| value.replace('"', "").trim_end_matches(',').to_owned())
        })
    };
    let resource = value("scope").or_else(|| value("resource"));
    let resource = resource.ok_or_else(|| {
        "could not find a valid resource in the WWW-Authenticate header".to_owned()
    })?;
    let authority = |url: &str| {
        let uri: Option<Uri> = url.parse().ok();
        uri.and_then(|uri| Some(uri.authority()?.as_str().to_owned()))
    };
    let matching = authority(&resource)
        .zip(authority(url))
        .is_some_and(|(resource, vault)| vault.ends_with(&format!(".{resource}")));
    match matching {
        true => {
            let authority = value("authorization").unwrap_or_default();
            Ok(authority.split('/').nth(3).unwrap_or_default().to_owned())
        }
        false => Err(format!(
            "challenge resource {resource:?} doesn't match the requested domain. Set DisableChallengeResourceVerification \
             to true in your client options to disable. See https://aka.ms/azsdk/blog/vault-uri for more information"
        )),
    }
}

/// An `azidentity.AuthenticationFailedError`: a credential's name, its section of the help, and the answer.
fn authentication_failed((name, help): (&str, &str), message: &str, failure: Failure) -> String {
    let Some((method, url, answer)) = failure.answer else {
        return format!("{name}: {}", failure.text);
    };
    let (path, _) = url.split_once('?').unwrap_or((url.as_str(), ""));
    let status = answer.status();
    let (code, line) = (status.as_u16(), wire::status_line(status));
    let body = indented(answer.body());
    let mut text = format!(
        "{name} authentication failed. {message}\n{method} {path}\n{RULE}\nRESPONSE {code}: {line}\n{RULE}\n{body}\n{RULE}\n"
    );
    if !help.is_empty() {
        text.push_str("To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#");
        text.push_str(help);
    }
    text
}

/// An `azcore.ResponseError`.
fn response_error(url: &str, answer: &Response<Bytes>) -> String {
    let (path, _) = url.split_once('?').unwrap_or((url, ""));
    let status = answer.status();
    let (number, line) = (status.as_u16(), wire::status_line(status));
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    let code = body.as_ref().and_then(|body| {
        let error = body.get("error").unwrap_or(body);
        error.get("code")?.as_str().map(str::to_owned)
    });
    let code = match code {
        Some(code) => format!("ERROR CODE: {code}"),
        None => "ERROR CODE UNAVAILABLE".to_owned(),
    };
    let body = indented(answer.body());
    format!("GET {path}\n{RULE}\nRESPONSE {number}: {line}\n{code}\n{RULE}\n{body}\n{RULE}\n")
}

fn indented(body: &Bytes) -> String {
    if body.is_empty() {
        return "Response contained no body".to_owned();
    }
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    parsed
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://vault.azure.net", "https://my.vault.azure.net/secrets", true)]
    #[case(
        "https://vault.azure.net",
        "https://my.vault.azure.net:8443/secrets",
        false
    )]
    #[case(
        "https://vault.azure.net",
        "https://vault.azure.net.evil.example/",
        false
    )]
    #[case("https://management.azure.com", "https://my.vault.azure.net/", false)]
    fn a_challenge_must_be_for_the_domain_that_was_asked(
        #[case] resource: &str,
        #[case] url: &str,
        #[case] accepted: bool,
    ) {
        let challenge = format!(
            r#"Bearer authorization="https://login.microsoftonline.com/t", resource="{resource}""#
        );
        let tenant = check_challenge(&challenge, url).ok();
        assert_eq!(tenant.as_deref(), accepted.then_some("t"));
    }

    #[test]
    fn a_refusal_reads_as_azcore_prints_it() {
        let body = r#"{"error":{"code":"Forbidden","message":"no"}}"#;
        let answer = Response::builder()
            .status(403)
            .body(Bytes::from(body))
            .unwrap();
        let expected = format!(
            "GET https://v/secrets/x/\n{RULE}\nRESPONSE 403: 403 Forbidden\nERROR CODE: Forbidden\n{RULE}\n{{\n  \"error\": \
             {{\n    \"code\": \"Forbidden\",\n    \"message\": \"no\"\n  }}\n}}\n{RULE}\n"
        );
        assert_eq!(
            response_error("https://v/secrets/x/?api-version=7.6", &answer),
            expected
        );
    }
}
