//! TagResource.

use serde_json::json;

use super::super::error::ApiError;
use super::{Answer, Call, Tag};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    let name = call.authorize_live("TagResource", input.secret_id.as_deref())?;
    let now = call.now;
    let secret = call.secret_mut(&name)?;
    let added = input
        .tags
        .iter()
        .filter(|tag| !secret.tags.contains_key(&tag.key));
    let total = secret.tags.len() + added.count();
    check(&input.tags, total.saturating_sub(input.tags.len()))?;
    secret
        .tags
        .extend(input.tags.into_iter().map(|t| (t.key, t.value)));
    secret.changed = now;
    Ok(json!({}))
}

/// Refuses tags that AWS would: more than 50, keys too long, or of AWS's own.
pub(super) fn check(tags: &[Tag], existing: usize) -> Result<(), ApiError> {
    if tags.len() + existing > 50 {
        return Err(ApiError::invalid_parameter(
            "Too many tags: a secret may have 50.",
        ));
    }
    for tag in tags {
        if tag.key.is_empty() || tag.key.chars().count() > 128 || tag.value.chars().count() > 256 {
            return Err(ApiError::validation(
                "tags",
                None,
                "Tag keys must have length between 1 and 128, values less than or equal to 256",
            ));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::invalid_parameter(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
    }
    Ok(())
}
