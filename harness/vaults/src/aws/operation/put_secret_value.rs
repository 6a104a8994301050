//! PutSecretValue.

use serde_json::json;

use super::super::error::ApiError;
use super::super::state::CURRENT;
use super::value::NewValue;
use super::{Answer, Call};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
    version_stages: Option<Vec<String>>,
    #[serde(flatten)]
    value: NewValue,
}

pub(super) fn run(call: &mut Call<'_>, mut input: Input) -> Answer {
    let stages = input.version_stages.unwrap_or_else(|| vec![CURRENT.into()]);
    if stages.is_empty() || stages.len() > 20 {
        return Err(ApiError::validation(
            "versionStages",
            Some(&format!("[{}]", stages.join(", "))),
            "Member must have length between 1 and 20",
        ));
    }
    let name = call.authorize_live("PutSecretValue", input.secret_id.as_deref())?;
    let body = input.value.body()?.ok_or_else(|| {
        ApiError::invalid_request("You must provide either SecretString or SecretBinary.")
    })?;
    let token = input.value.token()?;
    let (fingerprinter, now) = (call.fingerprinter, call.now);
    let secret = call.secret_mut(&name)?;
    secret.add_version(token, body, &stages, fingerprinter, now)?;
    let labels = secret
        .versions
        .get(token)
        .map(|v| v.stages.clone())
        .unwrap_or_default();
    Ok(json!({
        "ARN": secret.arn, "Name": secret.name, "VersionId": token, "VersionStages": labels,
    }))
}
