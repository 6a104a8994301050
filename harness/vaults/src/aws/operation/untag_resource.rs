//! UntagResource.

use serde_json::json;

use super::{Answer, Call};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    let name = call.authorize_live("UntagResource", input.secret_id.as_deref())?;
    let now = call.now;
    let secret = call.secret_mut(&name)?;
    secret.tags.retain(|key, _| !input.tag_keys.contains(key));
    secret.changed = now;
    Ok(json!({}))
}
