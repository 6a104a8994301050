//! What Connect's Go SDK makes of answers and failures, in its words.

use bytes::Bytes;
use http::{Response, StatusCode};
use rotaproof_egress::Error;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::super::transport;

/// A vault, as far as ESO reads it.
#[derive(Deserialize)]
pub(super) struct Vault {
    #[serde(default)]
    pub(super) id: String,
}

/// An item; in a collection it has neither fields nor files.
#[derive(Deserialize)]
pub(super) struct Item {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) category: String,
    pub(super) vault: Option<Vault>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) fields: Vec<Field>,
    #[serde(default)]
    pub(super) files: Vec<File>,
}

/// A field of an item.
#[derive(Deserialize)]
pub(super) struct Field {
    #[serde(default)]
    pub(super) label: String,
    #[serde(default)]
    pub(super) value: String,
}

/// A file of an item, without its bytes.
#[derive(Deserialize)]
pub(super) struct File {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) content_path: String,
}

impl Item {
    /// The id of its vault.
    pub(super) fn vault_id(&self) -> &str {
        self.vault.as_ref().map_or("", |vault| vault.id.as_str())
    }
}

/// `onepassword.Error`.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    status: i64,
    #[serde(default)]
    message: String,
}

/// What `encoding/json` says of a text that it cannot read. It quotes the character where it stumbled, which could be
/// one of a value; that is left out.
fn unreadable(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "unexpected end of JSON input",
        serde_json::error::Category::Data => {
            "json: cannot unmarshal the answer into the SDK's type"
        }
        _ => "invalid character looking for beginning of value",
    }
}

/// `readResponseBody` (connect-sdk-go 1.5.3): the body of a 200, or else Connect's error; the status by its name where
/// the body is no JSON at all.
pub(super) fn body(answer: Response<Bytes>) -> Result<Bytes, String> {
    if answer.status() == StatusCode::OK {
        return Ok(answer.into_body());
    }
    if serde_json::from_slice::<IgnoredAny>(answer.body()).is_err() {
        let status = answer.status();
        let text = status.canonical_reason().unwrap_or_default();
        return Err(format!("status {}: {text}", status.as_u16()));
    }
    match serde_json::from_slice::<Option<Said>>(answer.body()) {
        Ok(said) => {
            let said = said.unwrap_or_default();
            Err(format!("status {}: {}", said.status, said.message))
        }
        Err(error) => Err(format!("decoding error response: {}", unreadable(&error))),
    }
}

/// `parseResponse`. Go takes `null` for an empty value.
pub(super) fn parsed<T: DeserializeOwned>(answer: Response<Bytes>) -> Result<T, String> {
    serde_json::from_slice(&body(answer)?)
        .map_err(|error| format!("decoding response: {}", unreadable(&error)))
}

/// A failure to get any answer, as Go's `url.Error` prints it.
pub(super) fn failure(url: &str, error: &Error) -> String {
    format!("Get {url:?}: {}", transport::cause(error))
}

/// What ESO tries again (`is403AuthError`; external-secrets issue 4205).
pub(super) fn is_spurious(error: &str) -> bool {
    error.contains("status 403: Authorization")
}

/// `isValidUUID`: the form of Connect's ids.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// `strfmt.IsUUID`: the form of a UUID with or without its dashes.
pub(super) fn is_uuid(text: &str) -> bool {
    let digits = text.bytes().filter(|b| *b != b'-');
    let form: Vec<usize> = text.split('-').map(str::len).collect();
    digits.clone().count() == 32
        && digits.clone().all(|b| b.is_ascii_hexdigit())
        && (form == [8, 4, 4, 4, 12] || form == [32])
}
