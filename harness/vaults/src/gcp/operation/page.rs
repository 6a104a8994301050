//! Pages of a list that is sorted newest first.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;

use super::super::error::ApiError;
use super::super::proto;

/// The largest page, and the size of one for which none is asked.
const MAX_PAGE: usize = 25_000;

/// One page of the items that match, the token of the next one, and how many match in all.
pub(super) fn cut<T>(
    request: &proto::List,
    items: Vec<T>,
    serial: impl Fn(&T) -> u64,
) -> Result<(Vec<T>, String, i32), ApiError> {
    let size = match usize::try_from(request.page_size) {
        Ok(0) => MAX_PAGE,
        Ok(size) => size.min(MAX_PAGE),
        Err(_) => return Err(ApiError::invalid("The page_size must not be negative.")),
    };
    let total = i32::try_from(items.len()).unwrap_or(i32::MAX);
    let below = read(&request.page_token)?;
    let mut rest = items
        .into_iter()
        .filter(|item| below.is_none_or(|below| serial(item) < below));
    let page: Vec<T> = rest.by_ref().take(size).collect();
    let next = match (rest.next(), page.last()) {
        (Some(_), Some(last)) => BASE64_URL_SAFE.encode(serial(last).to_be_bytes()),
        _ => String::new(),
    };
    Ok((page, next, total))
}

/// A page token names the last item of the page before, so that what was added or removed since moves nothing.
fn read(token: &str) -> Result<Option<u64>, ApiError> {
    if token.is_empty() {
        return Ok(None);
    }
    BASE64_URL_SAFE
        .decode(token)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(|bytes| Some(u64::from_be_bytes(bytes)))
        .ok_or_else(|| ApiError::invalid("The page_token is not one of this API."))
}
