//! `Filters` of ListSecrets and BatchGetSecretValue.

use super::super::error::ApiError;
use super::super::state::Secret;

/// One filter. A secret must satisfy every filter, and any value of each.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    #[serde(default)]
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

const KEYS: [&str; 7] = [
    "description",
    "name",
    "tag-key",
    "tag-value",
    "primary-region",
    "owning-service",
    "all",
];

/// Refuses filters that AWS does not know.
pub(super) fn check(filters: &[Filter]) -> Result<(), ApiError> {
    for filter in filters {
        if !KEYS.contains(&filter.key.as_str()) {
            let constraint = format!("Member must satisfy enum value set: [{}]", KEYS.join(", "));
            return Err(ApiError::validation(
                "filters.1.member.key",
                Some(&filter.key),
                &constraint,
            ));
        }
        if filter.values.is_empty() {
            return Err(ApiError::invalid_parameter(format!(
                "Invalid filter values for key: {}",
                filter.key
            )));
        }
    }
    Ok(())
}

/// Whether a secret satisfies all filters.
pub(super) fn pass(filters: &[Filter], secret: &Secret) -> bool {
    filters.iter().all(|filter| {
        filter
            .values
            .iter()
            .any(|value| match value.strip_prefix('!') {
                Some(unwanted) => !matches(&filter.key, unwanted, secret),
                None => matches(&filter.key, value, secret),
            })
    })
}

fn matches(key: &str, value: &str, secret: &Secret) -> bool {
    let description = secret.description.as_deref().unwrap_or_default();
    match key {
        "name" => secret.name.starts_with(value),
        "description" => lower(description).starts_with(&lower(value)),
        "tag-key" => secret.tags.keys().any(|tag| tag.starts_with(value)),
        "tag-value" => secret.tags.values().any(|tag| tag.starts_with(value)),
        "all" => lower(value).split_whitespace().all(|word| {
            let has = |text: &str| lower(text).contains(word);
            has(&secret.name)
                || has(description)
                || secret.tags.iter().any(|(k, v)| has(k) || has(v))
        }),
        // No secret of ours is a replica, or belongs to another service.
        _ => false,
    }
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}
