//! ListSecretVersionIds.

use serde_json::json;

use super::{Answer, Call, page, seconds};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id: Option<String>,
    include_deprecated: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    let name = call.authorize("ListSecretVersionIds", input.secret_id.as_deref())?;
    let secret = call.secret(&name)?;
    let all = input.include_deprecated.unwrap_or(false);
    let listed = secret
        .versions
        .iter()
        .filter(|(_, version)| all || !version.stages.is_empty())
        .map(|(id, version)| {
            let mut entry = json!({"VersionId": id, "CreatedDate": seconds(version.created)});
            if !version.stages.is_empty() {
                entry["VersionStages"] = json!(version.stages);
            }
            if let Some(accessed) = version.accessed {
                entry["LastAccessedDate"] = seconds(accessed).into();
            }
            entry
        })
        .collect();
    let (page, next) = page::cut(listed, input.next_token.as_deref(), input.max_results, 100)?;
    let mut answer = json!({"ARN": secret.arn, "Name": secret.name, "Versions": page});
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}
