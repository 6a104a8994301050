//! BatchGetSecretValue: by ids or by filters; what cannot be read is listed under `Errors`.

use serde_json::json;

use super::super::error::ApiError;
use super::super::policy::Resource;
use super::super::state::CURRENT;
use super::filters::{self, Filter};
use super::{Answer, Call, page};

const LIMIT: usize = 20;

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    secret_id_list: Option<Vec<String>>,
    filters: Option<Vec<Filter>>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn run(call: &mut Call<'_>, input: Input) -> Answer {
    call.permit("BatchGetSecretValue", Resource::Any)?;
    let (ids, next) = match (input.secret_id_list, input.filters) {
        (Some(ids), None) => {
            if ids.is_empty() || ids.len() > LIMIT {
                return Err(ApiError::invalid_parameter(
                    "SecretIdList must have between 1 and 20 entries.",
                ));
            }
            (ids, None)
        }
        (None, Some(filters)) => {
            call.permit("ListSecrets", Resource::Any)?;
            filters::check(&filters)?;
            let all = call.region.all();
            let names = all
                .into_iter()
                .filter(|secret| !secret.is_deleted() && filters::pass(&filters, secret))
                .map(|secret| secret.name.clone())
                .collect();
            page::cut(names, input.next_token.as_deref(), input.max_results, LIMIT)?
        }
        _ => {
            return Err(ApiError::invalid_parameter(
                "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
            ));
        }
    };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        match current(call, &id) {
            Ok(entry) => values.push(entry),
            Err(error) => errors.push(json!({
                "SecretId": id, "ErrorCode": error.code, "Message": error.message,
            })),
        }
    }
    // The request concerns no one secret.
    call.served.secret = None;
    let mut answer = json!({"SecretValues": values, "Errors": errors});
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

fn current(call: &mut Call<'_>, id: &str) -> Answer {
    let name = call.authorize_live("GetSecretValue", Some(id))?;
    let version = call
        .secret(&name)?
        .staged(CURRENT)
        .ok_or_else(|| ApiError::value_not_found(format_args!("staging label: {CURRENT}")))?
        .to_owned();
    call.reveal(&name, &version)
}
