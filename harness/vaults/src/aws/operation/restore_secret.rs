//! RestoreSecret. Restoring what was not deleted succeeds, as in AWS.

use serde_json::json;

use super::{Answer, Call};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    let name = call.authorize("RestoreSecret", input.secret_id.as_deref())?;
    let secret = call.secret_mut(&name)?;
    secret.deleted = None;
    Ok(json!({"ARN": secret.arn, "Name": secret.name}))
}
