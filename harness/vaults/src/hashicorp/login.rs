//! Logging in with a JWT: vault-plugin-auth-kubernetes and vault-plugin-auth-jwt, `path_login.go`.
//!
//! The kubernetes method behaves as one that knows the cluster's public keys and reviews the token as well.

use std::collections::BTreeMap;

use http::StatusCode;
use rotaproof_base::Clock;
use rotaproof_base::jwt::{Claims, JwtError};

use super::answer::Answer;
use super::config::{JwtAuth, KubernetesAuth};
use super::fields::Fields;
use super::token::{DEFAULT_TTL, Grant};

const AUDIENCE: &str =
    "invalid audience (aud) claim: audience claim does not match any expected audience";

/// What hashicorp/cap says of a token that is not valid.
fn reason(error: &JwtError) -> &'static str {
    match error {
        JwtError::Malformed => {
            "error verifying token signature: go-jose/go-jose: compact JWS format must have three parts"
        }
        JwtError::UnknownKey | JwtError::BadSignature | JwtError::Signing(_) => {
            "error verifying token signature: no known key successfully validated the token signature"
        }
        JwtError::Expired => "invalid expiration time (exp) claim: token is expired",
        JwtError::NotYetValid => "invalid not before (nbf) claim: token not yet valid",
    }
}

fn globbed(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(stem) => text.starts_with(stem),
        None => pattern == text,
    }
}

/// Logs a service account in.
pub(super) fn kubernetes(
    auth: &KubernetesAuth,
    fields: &Fields,
    clock: &Clock,
) -> Result<Grant, Answer> {
    let name = required(fields, "role")?;
    let jwt = required(fields, "jwt")?;
    let forbidden = |message: &str| Answer::error(StatusCode::FORBIDDEN, message);
    let role = auth
        .roles
        .iter()
        .find(|role| role.name == name)
        .ok_or_else(|| Answer::bad_request(format!("invalid role name {name:?}")))?;
    let claims = auth.verifier.verify(&jwt, clock).map_err(|e| match e {
        JwtError::Expired | JwtError::NotYetValid => forbidden(reason(&e)),
        _ => forbidden("permission denied"),
    })?;
    if let Some(audience) = &role.audience
        && !claims.audiences().contains(&audience.as_str())
    {
        return Err(forbidden(AUDIENCE));
    }
    let account = ServiceAccount::of(&claims);
    if !role
        .service_accounts
        .iter()
        .any(|(_, pattern)| globbed(pattern, &account.name))
    {
        return Err(forbidden("service account name not authorized"));
    }
    if !role.service_accounts.iter().any(|(namespace, pattern)| {
        globbed(namespace, &account.namespace) && globbed(pattern, &account.name)
    }) {
        return Err(forbidden("namespace not authorized"));
    }
    // The review refuses a token of another issuer or of no service account.
    if claims.text("iss") != Some(auth.verifier.issuer()) || account.uid.is_empty() {
        return Err(forbidden("permission denied"));
    }
    let meta = [
        ("role", role.name.clone()),
        ("service_account_name", account.name.clone()),
        ("service_account_namespace", account.namespace.clone()),
        ("service_account_secret_name", String::new()),
        ("service_account_uid", account.uid.clone()),
    ];
    Ok(Grant {
        identity: format!("{}/{}", auth.mount, role.name),
        policies: role.policies.clone(),
        display_name: format!("{}-{}-{}", auth.mount, account.namespace, account.name),
        path: format!("auth/{}/login", auth.mount),
        meta: Some(meta.map(|(k, v)| (k.to_owned(), v)).into()),
        ttl: Some(role.ttl.unwrap_or(DEFAULT_TTL)),
        renewable: true,
        alias: format!("{}/{}", auth.mount, account.uid),
    })
}

/// Logs the bearer of a JWT in.
pub(super) fn jwt(auth: &JwtAuth, fields: &Fields, clock: &Clock) -> Result<Grant, Answer> {
    let name = required(fields, "role")?;
    let role = auth
        .roles
        .iter()
        .find(|role| role.name == name)
        .ok_or_else(|| Answer::bad_request(format!("role {name:?} could not be found")))?;
    let token = fields.text("jwt")?;
    if token.is_empty() {
        return Err(Answer::bad_request("missing token"));
    }
    let invalid = |reason: &str| Answer::bad_request(format!("error validating token: {reason}"));
    let claims = auth
        .verifier
        .verify(&token, clock)
        .map_err(|e| invalid(reason(&e)))?;
    if claims.text("iss") != Some(auth.verifier.issuer()) {
        return Err(invalid("invalid issuer (iss) claim"));
    }
    let audiences = claims.audiences();
    if role.bound_audiences.is_empty() && !audiences.is_empty() {
        return Err(Answer::bad_request(
            "audience claim found in JWT but no audiences bound to the role",
        ));
    }
    if !role.bound_audiences.is_empty()
        && !role
            .bound_audiences
            .iter()
            .any(|bound| audiences.contains(&bound.as_str()))
    {
        return Err(invalid(AUDIENCE));
    }
    if let Some(subject) = &role.bound_subject
        && claims.text("sub") != Some(subject)
    {
        return Err(invalid("invalid subject (sub) claim"));
    }
    let user = claims.text(&role.user_claim).ok_or_else(|| {
        Answer::bad_request(format!("claim {:?} not found in token", role.user_claim))
    })?;
    Ok(Grant {
        identity: format!("{}/{}", auth.mount, role.name),
        policies: role.policies.clone(),
        display_name: format!("{}-{user}", auth.mount),
        path: format!("auth/{}/login", auth.mount),
        meta: Some(BTreeMap::from([("role".to_owned(), role.name.clone())])),
        ttl: Some(role.ttl.unwrap_or(DEFAULT_TTL)),
        renewable: true,
        alias: format!("{}/{user}", auth.mount),
    })
}

fn required(fields: &Fields, name: &str) -> Result<String, Answer> {
    let text = fields.text(name)?;
    if text.is_empty() {
        return Err(Answer::bad_request(format!("missing {name}")));
    }
    Ok(text)
}

struct ServiceAccount {
    namespace: String,
    name: String,
    uid: String,
}

impl ServiceAccount {
    /// From a projected token's `kubernetes.io` claim, or a legacy token's flat claims.
    fn of(claims: &Claims) -> Self {
        let bound = claims.all().get("kubernetes.io");
        let nested = |pointer: &str| {
            let value = bound.and_then(|b| b.pointer(pointer)?.as_str());
            value.unwrap_or_default().to_owned()
        };
        let flat = |name: &str| {
            let value = claims.text(&format!("kubernetes.io/serviceaccount/{name}"));
            value.unwrap_or_default().to_owned()
        };
        match bound {
            Some(_) => Self {
                namespace: nested("/namespace"),
                name: nested("/serviceaccount/name"),
                uid: nested("/serviceaccount/uid"),
            },
            None => Self {
                namespace: flat("namespace"),
                name: flat("service-account.name"),
                uid: flat("service-account.uid"),
            },
        }
    }
}
