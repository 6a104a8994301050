//! AssumeRoleWithWebIdentity: a service account's token against the role's trust policy.
//!
//! The token is judged first and the role last, and a role that does not exist is refused like one that does not
//! trust the caller, as STS does.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rotaproof_base::jwt::{Claims, JwtError};

use super::super::error::ApiError;
use super::super::xml::escape;
use super::{StsCall, session};

pub(super) fn run(call: &mut StsCall<'_>) -> Result<String, ApiError> {
    let arn = session::role_arn(call)?.to_owned();
    let name = session::name(call)?.to_owned();
    let seconds = session::seconds(call)?;
    let token = call.required("WebIdentityToken", "webIdentityToken")?;
    if token.len() < 4 {
        return Err(ApiError {
            code: "ValidationError",
            ..ApiError::validation_of_sensitive(
                "webIdentityToken",
                "Member must have length greater than or equal to 4",
            )
        });
    }
    let claims = verify(call, token)?;
    let known = |audience: &&str| call.identities.knows_audience(audience);
    let Some(audience) = claims
        .audiences()
        .into_iter()
        .find(known)
        .map(str::to_owned)
    else {
        return Err(invalid("Incorrect token audience"));
    };
    let denied = || {
        ApiError::forbidden(
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        )
    };
    let subject = claims.text("sub").unwrap_or_default().to_owned();
    let role = call.identities.role(&arn).ok_or_else(denied)?;
    let trusted = role
        .trusts
        .iter()
        .any(|(namespace, name)| subject == format!("system:serviceaccount:{namespace}:{name}"));
    if !trusted || !claims.audiences().contains(&role.audience.as_str()) {
        return Err(denied());
    }
    let issued = call.identities.issue(&role, &name, seconds, call.now);
    call.served.identity = Some(issued.principal.arn.to_string());
    let provider = call.verifier.issuer().trim_start_matches("https://");
    Ok(format!(
        "<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Audience>{}</Audience>{}\
         <Provider>arn:aws:iam::{}:oidc-provider/{}</Provider>",
        escape(&subject),
        escape(&audience),
        session::parts(&issued),
        call.account,
        escape(provider),
    ))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad_request("InvalidIdentityToken", message)
}

fn verify(call: &StsCall<'_>, token: &str) -> Result<Claims, ApiError> {
    let not_a_jwt = || {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    };
    let payload = payload(token).ok_or_else(not_a_jwt)?;
    let issuer = payload.get("iss").and_then(serde_json::Value::as_str);
    if issuer != Some(call.verifier.issuer()) {
        return Err(invalid(format!(
            "No OpenIDConnect provider found in your account for {}",
            issuer.unwrap_or_default()
        )));
    }
    call.verifier.verify(token, call.clock).map_err(|error| match error {
        JwtError::Expired => ApiError::bad_request(
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {} must be before the expiration date/time {}",
                call.now.as_second(),
                payload.get("exp").map(ToString::to_string).unwrap_or_default()
            ),
        ),
        JwtError::UnknownKey => invalid(
            "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
        ),
        JwtError::NotYetValid => invalid("Token is not yet valid"),
        JwtError::BadSignature | JwtError::Signing(_) => {
            invalid("The provided identity token's signature is not valid")
        }
        JwtError::Malformed => not_a_jwt(),
    })
}

/// The claims before anything is verified, for the issuer and the words of an error.
fn payload(token: &str) -> Option<serde_json::Value> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1)?)
        .ok()?;
    serde_json::from_slice(&bytes).ok()
}
