//! `iamcredentials.googleapis.com`: GenerateAccessToken, for who holds `roles/iam.workloadIdentityUser`.

use http::HeaderMap;
use jiff::Timestamp;

use super::error::ApiError;
use super::identities::{Identities, LIFETIME, covers};
use super::operation::to_wire;
use super::proto;
use crate::Served;

pub(super) const HOST: &str = "iamcredentials.googleapis.com";
pub(super) const SERVICE: &str = "google.iam.credentials.v1.IAMCredentials";
pub(super) const OPERATION: &str = "GenerateAccessToken";

pub(super) fn generate_access_token(
    request: &proto::GenerateAccessToken,
    headers: &HeaderMap,
    identities: &mut Identities,
    now: Timestamp,
    served: &mut Served,
) -> Result<proto::GenerateAccessTokenResponse, ApiError> {
    let (caller, workload) = identities.impersonator(headers, HOST, now)?;
    served.identity = Some(caller.member.to_string());
    let email = request
        .name
        .strip_prefix("projects/-/serviceAccounts/")
        .filter(|email| !email.is_empty() && !email.contains('/'))
        .ok_or_else(|| {
            ApiError::invalid("Invalid form of account ID. Should be [Gaia ID |Email |Unique ID |] of the account")
        })?;
    if !request.scope.iter().any(|scope| covers(scope)) {
        return Err(ApiError::invalid("Scope required."));
    }
    let seconds = match &request.lifetime {
        None => LIFETIME,
        Some(lifetime) if (1..=LIFETIME).contains(&lifetime.seconds) => lifetime.seconds,
        Some(_) => return Err(ApiError::invalid("The lifetime must be at most 3600s.")),
    };
    // An account that does not exist is refused like one that does not trust the caller.
    let trusted = workload.is_some_and(|workload| identities.trusts(email, &workload));
    if !trusted {
        return Err(ApiError::no_access_token());
    }
    let issued = identities
        .issue(email, seconds, now)
        .ok_or_else(ApiError::no_access_token)?;
    Ok(proto::GenerateAccessTokenResponse {
        access_token: issued.token.expose_str().unwrap_or_default().to_owned(),
        expire_time: Some(to_wire(issued.expires)),
    })
}
