//! CreateSecret.

use serde_json::json;

use super::super::error::ApiError;
use super::super::policy::Resource;
use super::super::state::CURRENT;
use super::value::NewValue;
use super::{Answer, Call, Tag, tag_resource};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    name: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(flatten)]
    value: NewValue,
}

pub(super) fn run(call: &mut Call<'_>, mut input: Input) -> Answer {
    let name = input
        .name
        .ok_or_else(|| ApiError::validation("name", None, "Member must not be null"))?;
    call.served.secret = Some(name.clone());
    check_name(&name)?;
    call.permit("CreateSecret", Resource::Named(&name))?;
    let body = input.value.body()?;
    let token = match body {
        Some(_) => Some(input.value.token()?.to_owned()),
        None => None,
    };
    if let Some(existing) = call.region.get(&name) {
        if existing.is_deleted() {
            return Err(ApiError::invalid_request(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        let repeats = token
            .as_ref()
            .zip(body.as_ref())
            .is_some_and(|(token, body)| {
                existing
                    .versions
                    .get(token)
                    .is_some_and(|v| v.body == *body)
            });
        if repeats {
            return Ok(json!({"ARN": existing.arn, "Name": name, "VersionId": token}));
        }
        return Err(ApiError::exists(format!(
            "The operation failed because the secret {name} already exists."
        )));
    }
    tag_resource::check(&input.tags, 0)?;
    let secret = call.region.create(&name, call.entropy, call.now);
    secret.description = input.description;
    secret.kms_key = input.kms_key_id;
    secret.tags = input.tags.into_iter().map(|t| (t.key, t.value)).collect();
    let mut answer = json!({"ARN": secret.arn, "Name": name});
    if let Some((token, body)) = token.zip(body) {
        secret.add_version(
            &token,
            body,
            &[CURRENT.into()],
            call.fingerprinter,
            call.now,
        )?;
        answer["VersionId"] = token.into();
    }
    Ok(answer)
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.is_empty() || name.len() > 512 {
        let bound = if name.is_empty() {
            "greater than or equal to 1"
        } else {
            "less than or equal to 512"
        };
        let constraint = format!("Member must have length {bound}");
        return Err(ApiError::validation("name", Some(name), &constraint));
    }
    if name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&b))
    {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}
