//! AssumeRole: the caller's own statements decide, since each role trusts its account.

use super::super::error::ApiError;
use super::super::policy::{Principal, Resource};
use super::{StsCall, session};

pub(super) fn run(call: &mut StsCall<'_>) -> Result<String, ApiError> {
    let signer = call.signer()?;
    let arn = session::role_arn(call)?.to_owned();
    let name = session::name(call)?.to_owned();
    let seconds = session::seconds(call)?;
    let role = call.identities.role(&arn);
    permit(&signer, "sts:AssumeRole", &arn, role.is_some())?;
    if call.form.keys().any(|key| key.starts_with("Tags.")) {
        permit(&signer, "sts:TagSession", &arn, true)?;
    }
    let role = role.ok_or_else(|| denied(&signer, "sts:AssumeRole", &arn))?;
    // Role chaining ends after an hour, which is also the longest that our roles allow.
    let issued = call.identities.issue(&role, &name, seconds, call.now);
    Ok(session::parts(&issued))
}

/// A role that does not exist is refused in the same words as one that may not be assumed.
fn permit(signer: &Principal, action: &str, role: &str, exists: bool) -> Result<(), ApiError> {
    if exists && signer.may(action, Resource::Named(role)) {
        return Ok(());
    }
    Err(denied(signer, action, role))
}

fn denied(signer: &Principal, action: &str, role: &str) -> ApiError {
    ApiError::forbidden(
        "AccessDenied",
        format!(
            "User: {} is not authorized to perform: {action} on resource: {role}",
            signer.arn
        ),
    )
}
