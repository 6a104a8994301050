//! The token services: OAuth 2 for service-account keys, and the exchange of a cluster's tokens.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use rotaproof_base::Clock;
use rotaproof_base::jwt::Verifier;
use serde_json::{Value, json};

use super::answer;
use super::config::GkeCluster;
use super::identities::{self, BadAssertion, Identities, LIFETIME};
use crate::{Body, Served};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The path of the token endpoint.
pub(super) const TOKEN: &str = "/token";
/// The path of the exchange.
pub(super) const EXCHANGE: &str = "/v1/identitybindingtoken";

/// An error as OAuth 2 writes it (RFC 6749, section 5.2).
struct OAuthError(StatusCode, &'static str, String);

fn refuse(error: &'static str, description: impl Into<String>) -> OAuthError {
    OAuthError(StatusCode::BAD_REQUEST, error, description.into())
}

fn finish(result: Result<Value, OAuthError>, served: &mut Served) -> Response<Body> {
    match result {
        Ok(body) => answer::json(StatusCode::OK, &body),
        Err(OAuthError(status, error, description)) => {
            served.refusal = Some(error.to_owned());
            let body = json!({"error": error, "error_description": description});
            answer::json(status, &body)
        }
    }
}

/// `https://oauth2.googleapis.com/token`: a JWT that a service account's key signed, for an access token (RFC 7523).
pub(super) fn oauth(
    request: &Request<Bytes>,
    host: &str,
    identities: &mut Identities,
    now: Timestamp,
    served: &mut Served,
) -> Response<Body> {
    let result = grant(request, host, identities, now, served);
    finish(result, served)
}

fn grant(
    request: &Request<Bytes>,
    host: &str,
    identities: &mut Identities,
    now: Timestamp,
    served: &mut Served,
) -> Result<Value, OAuthError> {
    if request.method() != Method::POST {
        return Err(OAuthError(
            StatusCode::METHOD_NOT_ALLOWED,
            "invalid_request",
            "Request must be POST.".into(),
        ));
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(request.body())
        .into_owned()
        .collect();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    match field("grant_type") {
        JWT_BEARER => {}
        "" => return Err(refuse("invalid_request", "Missing grant type.")),
        other => {
            let description = format!("Invalid grant_type: {other}");
            return Err(refuse("unsupported_grant_type", description));
        }
    }
    let invalid = |description: &str| refuse("invalid_grant", description);
    let (account, claims) = identities
        .signer(field("assertion"))
        .map_err(|error| match error {
            BadAssertion::Malformed => refuse("invalid_request", "Bad Request"),
            BadAssertion::Signature => invalid("Invalid JWT Signature."),
        })?;
    let email = account.email.clone();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&email) {
        return Err(invalid("Invalid grant: account not found"));
    }
    let audience = text("aud").unwrap_or_default();
    let own = ["https", "http"].map(|scheme| format!("{scheme}://{host}{TOKEN}"));
    let google = "https://oauth2.googleapis.com/token";
    if audience != google && !own.iter().any(|own| own == audience) {
        return Err(invalid(&format!(
            "Invalid JWT: Failed audience check. The right audience is {google}"
        )));
    }
    if !identities::in_time(&claims, now) {
        return Err(invalid(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
        ));
    }
    if !text("scope").is_some_and(identities::covers) {
        return Err(refuse(
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        ));
    }
    let issued = identities
        .issue(&email, LIFETIME, now)
        .ok_or_else(|| invalid("Invalid grant: account not found"))?;
    served.identity = Some(issued.member.to_string());
    Ok(json!({
        "access_token": issued.token.expose_str().unwrap_or_default(),
        "expires_in": LIFETIME - 1,
        "token_type": "Bearer",
    }))
}

/// What a cluster's token is judged by.
pub(super) struct Pool<'a> {
    pub(super) project: &'a str,
    pub(super) cluster: &'a GkeCluster,
    pub(super) verifier: &'a Verifier,
    pub(super) clock: &'a Clock,
}

impl Pool<'_> {
    fn id(&self) -> String {
        format!("{}.svc.id.goog", self.project)
    }

    fn provider(&self) -> String {
        format!(
            "https://container.googleapis.com/v1/projects/{}/locations/{}/clusters/{}",
            self.project, self.cluster.location, self.cluster.name
        )
    }
}

/// `https://securetoken.googleapis.com/v1/identitybindingtoken`: a Kubernetes service account's token for a federated
/// one, the way GKE's metadata server goes.
pub(super) fn exchange(
    request: &Request<Bytes>,
    pool: &Pool<'_>,
    identities: &mut Identities,
    now: Timestamp,
    served: &mut Served,
) -> Response<Body> {
    if request.method() != Method::POST {
        return answer::no_such_route();
    }
    let result = federate(request, pool, identities, now, served);
    finish(result, served)
}

fn federate(
    request: &Request<Bytes>,
    pool: &Pool<'_>,
    identities: &mut Identities,
    now: Timestamp,
    served: &mut Served,
) -> Result<Value, OAuthError> {
    let body: Value = serde_json::from_slice(request.body())
        .map_err(|_| refuse("invalid_request", "The request is not JSON."))?;
    // gRPC's JSON takes either spelling of a field.
    let field = |snake: &str, camel: &str| {
        let found = body.get(snake).or_else(|| body.get(camel));
        found.and_then(Value::as_str).unwrap_or_default()
    };
    for (snake, camel, wanted) in [
        ("grant_type", "grantType", TOKEN_EXCHANGE),
        ("subject_token_type", "subjectTokenType", JWT),
        ("requested_token_type", "requestedTokenType", ACCESS_TOKEN),
    ] {
        if field(snake, camel) != wanted {
            let description = format!("Invalid value for \"{snake}\".");
            return Err(refuse("invalid_request", description));
        }
    }
    if !identities::covers(field("scope", "scope")) {
        return Err(refuse("invalid_scope", "Invalid value for \"scope\"."));
    }
    let audience = field("audience", "audience");
    if audience != format!("identitynamespace:{}:{}", pool.id(), pool.provider()) {
        return Err(refuse(
            "invalid_target",
            "The target service indicated by the \"audience\" parameters is invalid. This might either be because the pool or provider is disabled or deleted or because it doesn't exist.",
        ));
    }
    let invalid = |what: &str| refuse("invalid_grant", what);
    let claims = pool
        .verifier
        .verify(field("subject_token", "subjectToken"), pool.clock)
        .map_err(|error| invalid(&format!("Error verifying the ID token: {error}.")))?;
    if claims.text("iss") != Some(pool.verifier.issuer()) {
        return Err(invalid("The issuer of the ID token is not the provider's."));
    }
    if !claims.audiences().contains(&pool.id().as_str()) {
        return Err(invalid(
            "The audience in ID Token does not match the expected audience.",
        ));
    }
    let subject = claims.text("sub").unwrap_or_default();
    let account = subject
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'));
    let Some((namespace, name)) = account else {
        return Err(invalid(
            "The subject of the ID token is no service account.",
        ));
    };
    let issued = identities.federate(namespace, name, now);
    served.identity = Some(issued.member.to_string());
    Ok(json!({
        "access_token": issued.token.expose_str().unwrap_or_default(),
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": LIFETIME,
    }))
}
