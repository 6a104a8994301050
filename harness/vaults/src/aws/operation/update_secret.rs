//! UpdateSecret: description and key; a new value becomes AWSCURRENT.

use serde_json::json;

use super::super::state::CURRENT;
use super::value::NewValue;
use super::{Answer, Call};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(flatten)]
    value: NewValue,
}

pub(super) fn run(call: &mut Call<'_>, mut input: Input) -> Answer {
    let name = call.authorize_live("UpdateSecret", input.secret_id.as_deref())?;
    let body = input.value.body()?;
    let (fingerprinter, now) = (call.fingerprinter, call.now);
    let secret = call.secret_mut(&name)?;
    let mut answer = json!({"ARN": secret.arn, "Name": secret.name});
    if let Some(body) = body {
        let token = input.value.token()?;
        secret.add_version(token, body, &[CURRENT.into()], fingerprinter, now)?;
        answer["VersionId"] = token.into();
    }
    if input.description.is_some() || input.kms_key_id.is_some() {
        secret.changed = now;
    }
    if let Some(description) = input.description {
        secret.description = Some(description);
    }
    if let Some(key) = input.kms_key_id {
        secret.kms_key = Some(key);
    }
    Ok(answer)
}
