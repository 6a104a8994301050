//! ListSecrets.

use serde_json::json;

use super::super::policy::Resource;
use super::filters::{self, Filter};
use super::{Answer, Call, describe_secret, page};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(default)]
    filters: Vec<Filter>,
    include_planned_deletion: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
    sort_order: Option<String>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    call.permit("ListSecrets", Resource::Any)?;
    filters::check(&input.filters)?;
    let with_deleted = input.include_planned_deletion.unwrap_or(false);
    let mut all = call.region.all();
    if input.sort_order.as_deref() == Some("desc") {
        all.reverse();
    }
    let listed = all
        .into_iter()
        .filter(|secret| with_deleted || !secret.is_deleted())
        .filter(|secret| filters::pass(&input.filters, secret))
        .map(|secret| {
            let mut entry = describe_secret::entry(secret);
            entry["SecretVersionsToStages"] = describe_secret::stages(secret);
            entry
        })
        .collect();
    let (page, next) = page::cut(listed, input.next_token.as_deref(), input.max_results, 100)?;
    let mut answer = json!({"SecretList": page});
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}
