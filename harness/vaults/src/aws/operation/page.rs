//! Paging: `MaxResults` and `NextToken`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::super::error::ApiError;

/// Cuts one page out of `all`, and makes the token of the next.
pub(super) fn cut<T>(
    all: Vec<T>,
    token: Option<&str>,
    max: Option<i64>,
    limit: usize,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = match max {
        None => limit,
        Some(max) => usize::try_from(max)
            .ok()
            .filter(|max| (1..=limit).contains(max))
            .ok_or_else(|| {
                let bound = if max < 1 {
                    "greater than or equal to 1".to_owned()
                } else {
                    format!("less than or equal to {limit}")
                };
                let constraint = format!("Member must have value {bound}");
                ApiError::validation("maxResults", Some(&max.to_string()), &constraint)
            })?,
    };
    let start = match token {
        None => 0,
        Some(token) => read(token).ok_or_else(|| {
            ApiError::bad_request(
                "InvalidNextTokenException",
                "The NextToken value is invalid.",
            )
        })?,
    };
    let next = start.saturating_add(size);
    let more = (next < all.len()).then(|| BASE64_STANDARD.encode(format!("from:{next}")));
    Ok((all.into_iter().skip(start).take(size).collect(), more))
}

fn read(token: &str) -> Option<usize> {
    let bytes = BASE64_STANDARD.decode(token).ok()?;
    std::str::from_utf8(&bytes)
        .ok()?
        .strip_prefix("from:")?
        .parse()
        .ok()
}
