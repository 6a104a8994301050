//! The identity platform at `login.microsoftonline.com`: discovery and the two token endpoints, in AADSTS's words
//! (Microsoft Entra authentication error codes).

use std::sync::Arc;

use http::{Method, StatusCode};
use indexmap::IndexMap;
use rotaproof_base::jwt::{JwtError, Verifier};
use rotaproof_base::{Clock, Entropy};
use serde_json::{Value, json};

use super::LOGIN_HOST;
use super::directory::{Directory, Member, is_key_vault, unverified_claims};

/// What is answered, and what the journal learns.
pub(super) struct Reply {
    pub(super) operation: &'static str,
    pub(super) status: StatusCode,
    pub(super) body: Value,
    pub(super) identity: Option<String>,
    pub(super) refusal: Option<String>,
}

impl Reply {
    pub(super) fn ok(operation: &'static str, body: Value) -> Self {
        Self {
            operation,
            status: StatusCode::OK,
            body,
            identity: None,
            refusal: None,
        }
    }
}

/// How long an application's token lives, in seconds.
const LIFETIME: i64 = 3599;
const FEDERATION: &str =
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// A refusal: status, OAuth's error, AADSTS code and words.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    code: u32,
    message: String,
}

impl Refusal {
    fn bad_request(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            code,
            message: message.into(),
        }
    }

    fn invalid_client(code: u32, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_client",
            code,
            message: message.into(),
        }
    }

    fn missing(parameter: &str) -> Self {
        let message =
            format!("The request body must contain the following parameter: '{parameter}'.");
        Self::bad_request("invalid_request", 900_144, message)
    }
}

/// The platform as it sees one request.
pub(super) struct Entra<'a> {
    pub(super) directory: &'a Directory,
    /// The cluster's token issuer.
    pub(super) federation: &'a Verifier,
    pub(super) clock: &'a Clock,
    pub(super) traces: &'a Entropy,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    V1,
    V2,
}

/// What a request to the platform asks for, by its form alone.
pub(super) fn operation(path: &str) -> &'static str {
    match parts(path).as_slice() {
        ["common", "discovery", "instance"] => "discovery",
        [_, ".well-known", "openid-configuration"]
        | [_, "v2.0", ".well-known", "openid-configuration"] => "openid-configuration",
        [_, "discovery", "keys"] | [_, "discovery", "v2.0", "keys"] => "keys",
        [_, "oauth2", "token"] | [_, "oauth2", "v2.0", "token"] => "token",
        _ => "unknown",
    }
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

impl Entra<'_> {
    pub(super) fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Reply {
        let operation = operation(path);
        let parts = parts(path);
        let tenant = parts.first().copied().unwrap_or_default();
        let wanted = match operation {
            "unknown" => {
                return Reply {
                    status: StatusCode::NOT_FOUND,
                    refusal: Some("not found".into()),
                    ..Reply::ok(operation, Value::Null)
                };
            }
            "token" => Method::POST,
            _ => Method::GET,
        };
        if *method != wanted {
            let message =
                format!("Endpoint only accepts {wanted} requests. Received a {method} request.");
            let refusal = Refusal::bad_request("invalid_request", 900_561, message);
            return self.refused(operation, &refusal);
        }
        if operation == "discovery" {
            return Reply::ok(operation, self.instance());
        }
        let shared = operation == "keys" && tenant == "common";
        if !shared && !tenant.eq_ignore_ascii_case(&self.directory.tenant) {
            let message = format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into \
                 the correct cloud. Check with your subscription administrator, this may happen if there are no active \
                 subscriptions for the tenant."
            );
            let refusal = Refusal::bad_request("invalid_request", 90_002, message);
            return self.refused(operation, &refusal);
        }
        match operation {
            "openid-configuration" => Reply::ok(operation, self.configuration()),
            "keys" => Reply::ok(operation, self.directory.jwks().clone()),
            _ => {
                let endpoint = match parts.as_slice() {
                    [_, _, "v2.0", _] => Endpoint::V2,
                    _ => Endpoint::V1,
                };
                match self.token(endpoint, body) {
                    Ok((member, body)) => Reply {
                        identity: Some(member.principal.name.clone()),
                        ..Reply::ok(operation, body)
                    },
                    Err(refusal) => self.refused(operation, &refusal),
                }
            }
        }
    }

    fn token(&self, endpoint: Endpoint, body: &[u8]) -> Result<(Arc<Member>, Value), Refusal> {
        let form: IndexMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let given = |name: &str| {
            let value = form.get(name).map(String::as_str);
            value.filter(|value| !value.is_empty())
        };
        let grant = given("grant_type").ok_or_else(|| Refusal::missing("grant_type"))?;
        if grant != "client_credentials" {
            let message = format!("The app requested an unsupported grant type '{grant}'.");
            return Err(Refusal::bad_request(
                "unsupported_grant_type",
                70_003,
                message,
            ));
        }
        let client_id = given("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
        let member = self.directory.by_client_id(client_id).ok_or_else(|| {
            Refusal::bad_request(
                "unauthorized_client",
                700_016,
                format!(
                    "Application with identifier '{client_id}' was not found in the directory '{}'. This can happen if \
                     the application has not been installed by the administrator of the tenant or consented to by any \
                     user in the tenant. You may have sent your authentication request to the wrong tenant.",
                    self.directory.tenant
                ),
            )
        })?;
        match (given("client_secret"), given("client_assertion")) {
            (Some(secret), _) => check_secret(member, secret)?,
            (None, Some(assertion)) => {
                const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                if given("client_assertion_type") != Some(KIND) {
                    return Err(Refusal::missing("client_assertion_type"));
                }
                self.check_assertion(member, assertion)?;
            }
            (None, None) => {
                return Err(Refusal::invalid_client(
                    7_000_216,
                    "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant \
                     type.",
                ));
            }
        }
        let resource = match endpoint {
            Endpoint::V1 => given("resource").ok_or_else(|| Refusal::missing("resource"))?,
            Endpoint::V2 => {
                let scope = given("scope").ok_or_else(|| Refusal::missing("scope"))?;
                // MSAL adds its own scopes beside the one for the resource.
                let default = scope
                    .split(' ')
                    .find_map(|one| one.strip_suffix("/.default"));
                default.ok_or_else(|| {
                    let message = format!(
                        "The provided value for scope {scope} is not valid. Client credential flows must have a scope \
                         value with /.default suffixed to the resource identifier (application ID URI)."
                    );
                    Refusal::bad_request("invalid_scope", 1_002_012, message)
                })?
            }
        };
        let audience = self.audience(resource)?;
        let issued = self
            .directory
            .issue(member, audience, LIFETIME)
            .map_err(|error| Refusal::bad_request("server_error", 90_033, error.to_string()))?;
        let body = match endpoint {
            Endpoint::V1 => json!({
                "token_type": "Bearer",
                "expires_in": issued.expires_in.to_string(),
                "ext_expires_in": issued.expires_in.to_string(),
                "expires_on": issued.expires_on.to_string(),
                "not_before": issued.not_before.to_string(),
                "resource": audience,
                "access_token": issued.token,
            }),
            Endpoint::V2 => json!({
                "token_type": "Bearer",
                "expires_in": issued.expires_in,
                "ext_expires_in": issued.expires_in,
                "access_token": issued.token,
            }),
        };
        Ok((member.clone(), body))
    }

    /// The audience of a token for a resource: a few that every tenant knows, of which only Key Vault's opens a vault.
    fn audience<'a>(&self, resource: &'a str) -> Result<&'a str, Refusal> {
        known_resource(resource).ok_or_else(|| {
            Refusal::bad_request(
                "invalid_resource",
                500_011,
                format!(
                    "The resource principal named {resource} was not found in the tenant named {}. This can happen if \
                     the application has not been installed by the administrator of the tenant or consented to by any \
                     user in the tenant. You might have sent your authentication request to the wrong tenant.",
                    self.directory.tenant
                ),
            )
        })
    }

    /// A federated token: one credential must have its issuer, subject and audience; then the signature and the time.
    fn check_assertion(&self, member: &Member, assertion: &str) -> Result<(), Refusal> {
        let Some(claims) = unverified_claims(assertion) else {
            let message = "JWT token is invalid or malformed.";
            return Err(Refusal::bad_request("invalid_request", 50_027, message));
        };
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let (issuer, subject) = (text("iss"), text("sub"));
        let audiences: Vec<&str> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let unmatched = |code, what: &str, found: &str| {
            Refusal::invalid_client(
                code,
                format!(
                    "No matching federated identity record found for presented assertion {what} '{found}'. Check your \
                     federated identity credential Subject, Audience and Issuer against the presented assertion. \
                     {FEDERATION}"
                ),
            )
        };
        let mut left: Vec<_> = member.principal.federated.iter().collect();
        left.retain(|held| held.issuer == issuer);
        if left.is_empty() {
            return Err(unmatched(700_211, "issuer", issuer));
        }
        left.retain(|held| held.subject == subject);
        if left.is_empty() {
            return Err(unmatched(700_213, "subject", subject));
        }
        left.retain(|held| audiences.contains(&held.audience.as_str()));
        if left.is_empty() {
            return Err(unmatched(700_212, "audience", &audiences.join(", ")));
        }
        match self.federation.verify(assertion, self.clock) {
            Ok(_) if self.federation.issuer() == issuer => Ok(()),
            Err(JwtError::Expired | JwtError::NotYetValid) => Err(Refusal::invalid_client(
                700_024,
                format!(
                    "Client assertion is not within its valid time range. Current time: {}.",
                    self.clock.now()
                ),
            )),
            Err(JwtError::Malformed) => {
                let message = "JWT token is invalid or malformed.";
                Err(Refusal::bad_request("invalid_request", 50_027, message))
            }
            _ => Err(Refusal::invalid_client(
                50_013,
                "Assertion failed signature validation.",
            )),
        }
    }

    fn instance(&self) -> Value {
        let tenant = &self.directory.tenant;
        json!({
            "tenant_discovery_endpoint":
                format!("https://{LOGIN_HOST}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{
                "preferred_network": LOGIN_HOST,
                "preferred_cache": "login.windows.net",
                "aliases": [LOGIN_HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net"],
            }],
        })
    }

    fn configuration(&self) -> Value {
        let base = format!("https://{LOGIN_HOST}/{}", self.directory.tenant);
        json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{base}/v2.0"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        })
    }

    fn refused(&self, operation: &'static str, refusal: &Refusal) -> Reply {
        let Refusal {
            status,
            error,
            code,
            message,
        } = refusal;
        let (trace, correlation) = (self.traces.uuid(), self.traces.uuid());
        let at = self.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        Reply {
            status: *status,
            refusal: Some(format!("AADSTS{code}")),
            ..Reply::ok(
                operation,
                json!({
                    "error": error,
                    "error_description": format!(
                        "AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
                    ),
                    "error_codes": [code],
                    "timestamp": at,
                    "trace_id": trace.to_string(),
                    "correlation_id": correlation.to_string(),
                    "error_uri": format!("https://{LOGIN_HOST}/error?code={code}"),
                }),
            )
        }
    }
}

/// The audience for a resource that every tenant knows; `None` for any other.
pub(super) fn known_resource(resource: &str) -> Option<&str> {
    const OTHERS: [&str; 4] = [
        "https://management.azure.com",
        "https://management.core.windows.net",
        "https://graph.microsoft.com",
        "https://storage.azure.com",
    ];
    let bare = resource.trim_end_matches('/');
    // A slash at its end stays in the audience, and Key Vault then refuses the token.
    let known = is_key_vault(bare) || OTHERS.contains(&bare);
    known.then_some(resource)
}

fn check_secret(member: &Member, secret: &str) -> Result<(), Refusal> {
    let held = member.principal.client_secret.as_ref();
    if held.is_some_and(|held| held.expose() == secret.as_bytes()) {
        return Ok(());
    }
    Err(Refusal::invalid_client(
        7_000_215,
        format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{}'.",
            member.principal.client_id
        ),
    ))
}
