//! UpdateSecretVersionStage: moves, attaches or removes one staging label.

use serde_json::json;

use super::super::error::ApiError;
use super::super::state::CURRENT;
use super::{Answer, Call};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
    version_stage: Option<String>,
    move_to_version_id: Option<String>,
    remove_from_version_id: Option<String>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    let stage = input
        .version_stage
        .filter(|stage| !stage.is_empty())
        .ok_or_else(|| ApiError::validation("versionStage", None, "Member must not be null"))?;
    let name = call.authorize_live("UpdateSecretVersionStage", input.secret_id.as_deref())?;
    let now = call.now;
    let secret = call.secret_mut(&name)?;
    let (to, from) = (input.move_to_version_id, input.remove_from_version_id);
    for id in to.iter().chain(&from) {
        if !secret.versions.contains_key(id) {
            return Err(ApiError::version_not_found());
        }
    }
    let holder = secret.staged(&stage).map(str::to_owned);
    if let Some(from) = &from
        && holder.as_ref() != Some(from)
    {
        return Err(ApiError::invalid_parameter(format!(
            "The parameter RemoveFromVersionId is invalid. Staging label {stage} isn't attached to version {from}."
        )));
    }
    match (to, from, holder) {
        (None, None, _) => {
            return Err(ApiError::invalid_parameter(
                "You must specify MoveToVersionId, RemoveFromVersionId, or both.",
            ));
        }
        (None, Some(_), _) if stage == CURRENT => {
            return Err(ApiError::invalid_parameter(
                "You can only move staging label AWSCURRENT to a different secret version. It can\u{2019}t be completely removed.",
            ));
        }
        (None, Some(_), _) => secret.detach(&stage),
        (Some(to), None, Some(holder)) if to != holder => {
            return Err(ApiError::invalid_parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )));
        }
        (Some(to), _, _) => secret.attach(&stage, &to),
    }
    secret.changed = now;
    Ok(json!({"ARN": secret.arn, "Name": secret.name}))
}
