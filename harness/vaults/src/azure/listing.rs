//! Pages of lists: `maxresults`, and a `nextLink` with a skip token.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::error::VaultError;

/// The most that one page holds.
const MOST: usize = 25;

/// Which page is asked for.
pub(super) struct Page<'a> {
    /// The list's own address.
    pub(super) address: String,
    pub(super) api_version: &'a str,
    pub(super) max_results: Option<&'a str>,
    pub(super) skip_token: Option<&'a str>,
}

impl Page<'_> {
    /// One page of `entries`, which are sorted by their keys: those after the one that the token names.
    pub(super) fn of(&self, entries: Vec<(String, Value)>) -> Result<Value, VaultError> {
        let limit = match self.max_results {
            None => MOST,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MOST).contains(limit))
                .ok_or_else(|| {
                    VaultError::bad_parameter(format!(
                        "The value of parameter 'maxresults' must be between 1 and {MOST}."
                    ))
                })?,
        };
        let after = match self.skip_token {
            None => String::new(),
            Some(token) => BASE64_URL_SAFE_NO_PAD
                .decode(token)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| VaultError::bad_parameter("The skip token is invalid."))?,
        };
        let mut left = entries.into_iter().filter(|(key, _)| *key > after);
        let page: Vec<(String, Value)> = left.by_ref().take(limit).collect();
        let last = page.last().map(|(key, _)| key.clone());
        let next = match (last, left.next()) {
            (Some(last), Some(_)) => {
                let token = BASE64_URL_SAFE_NO_PAD.encode(last);
                let (address, version) = (&self.address, self.api_version);
                format!("{address}?api-version={version}&$skiptoken={token}&maxresults={limit}")
                    .into()
            }
            _ => Value::Null,
        };
        let page: Vec<Value> = page.into_iter().map(|(_, value)| value).collect();
        Ok(json!({"value": page, "nextLink": next}))
    }
}
