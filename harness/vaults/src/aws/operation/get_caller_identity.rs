//! GetCallerIdentity: needs a valid signature and no permission.

use super::super::error::ApiError;
use super::super::xml::escape;
use super::StsCall;

pub(super) fn run(call: &mut StsCall<'_>) -> Result<String, ApiError> {
    let signer = call.signer()?;
    Ok(format!(
        "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
        escape(&signer.arn),
        escape(&signer.id),
        call.account
    ))
}
