//! DescribeSecret.

use serde_json::{Map, Value, json};

use super::super::state::Secret;
use super::{Answer, Call, seconds, tags};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    let name = call.authorize("DescribeSecret", input.secret_id.as_deref())?;
    let secret = call.secret(&name)?;
    let mut answer = entry(secret);
    answer["VersionIdsToStages"] = stages(secret);
    Ok(answer)
}

/// What DescribeSecret and ListSecrets say alike.
pub(super) fn entry(secret: &Secret) -> Value {
    let mut entry = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "LastChangedDate": seconds(secret.changed),
        "CreatedDate": seconds(secret.created),
    });
    if let Some(description) = &secret.description {
        entry["Description"] = description.as_str().into();
    }
    if let Some(key) = &secret.kms_key {
        entry["KmsKeyId"] = key.as_str().into();
    }
    if let Some(accessed) = secret.accessed {
        entry["LastAccessedDate"] = seconds(accessed).into();
    }
    if let Some((_, end)) = secret.deleted {
        entry["DeletedDate"] = seconds(end).into();
    }
    if !secret.tags.is_empty() {
        entry["Tags"] = tags(&secret.tags);
    }
    entry
}

/// The versions that carry a label, and their labels.
pub(super) fn stages(secret: &Secret) -> Value {
    let labelled = secret.versions.iter().filter(|(_, v)| !v.stages.is_empty());
    let map: Map<String, Value> = labelled
        .map(|(id, version)| (id.clone(), json!(version.stages)))
        .collect();
    Value::Object(map)
}
