//! GetSecretValue.

use super::super::error::ApiError;
use super::super::state::CURRENT;
use super::{Answer, Call};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
    version_id: Option<String>,
    version_stage: Option<String>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    let name = call.authorize_live("GetSecretValue", input.secret_id.as_deref())?;
    let secret = call.secret(&name)?;
    let version = match (&input.version_id, &input.version_stage) {
        (Some(id), stage) => {
            let version = secret
                .versions
                .get(id)
                .ok_or_else(|| ApiError::value_not_found(format_args!("VersionId: {id}")))?;
            if stage
                .as_ref()
                .is_some_and(|stage| !version.stages.contains(stage))
            {
                return Err(ApiError::invalid_request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                ));
            }
            id.clone()
        }
        (None, stage) => {
            let stage = stage.as_deref().unwrap_or(CURRENT);
            secret
                .staged(stage)
                .ok_or_else(|| ApiError::value_not_found(format_args!("staging label: {stage}")))?
                .to_owned()
        }
    };
    call.reveal(&name, &version)
}
