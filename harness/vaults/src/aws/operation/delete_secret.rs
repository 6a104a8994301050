//! DeleteSecret: with a recovery window of 7 to 30 days (30 by default), or at once.

use serde_json::json;

use super::super::error::ApiError;
use super::super::policy::Resource;
use super::super::state::recovery_end;
use super::{Answer, Call, seconds};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
    recovery_window_in_days: Option<i64>,
    force_delete_without_recovery: Option<bool>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    let forced = input.force_delete_without_recovery.unwrap_or(false);
    if forced && input.recovery_window_in_days.is_some() {
        return Err(ApiError::invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = input.recovery_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(ApiError::invalid_parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let id = input.secret_id.as_deref();
    let now = call.now;
    if forced && let Some(absent) = id.filter(|id| !id.is_empty() && call.region.get(id).is_none())
    {
        // "If you forcibly delete an already deleted or nonexistent secret, the operation does not return
        // ResourceNotFoundException" (API reference, DeleteSecret).
        call.served.secret = Some(super::super::secret_name(absent).to_owned());
        call.permit("DeleteSecret", Resource::Named(absent))?;
        let name = super::super::secret_name(absent);
        let arn = call.region.arn_for(name, call.entropy);
        return Ok(json!({"ARN": arn, "Name": name, "DeletionDate": seconds(now)}));
    }
    let name = call.authorize("DeleteSecret", id)?;
    let secret = call.secret_mut(&name)?;
    let arn = secret.arn.clone();
    let date = if forced {
        call.region.remove(&name);
        now
    } else if secret.is_deleted() {
        return Err(ApiError::marked_for_deletion());
    } else {
        let end = recovery_end(now, days);
        secret.deleted = Some((now, end));
        end
    };
    Ok(json!({"ARN": arn, "Name": name, "DeletionDate": seconds(date)}))
}
