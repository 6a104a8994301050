//! What both SDKs read and write: addresses, answers, Go's words for a request without one.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rotaproof_base::SecretValue;
use serde::Deserialize;
use serde_json::Value;

use super::super::transport;

/// What Go's `url.QueryEscape` leaves as it is.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The statuses that either SDK takes for passing.
const PASSING: [u16; 6] = [408, 429, 500, 502, 503, 504];

/// A part of a path, escaped.
pub(super) fn escape(part: &str) -> String {
    utf8_percent_encode(part, &ESCAPED).to_string()
}

/// A secret as the vault answers it.
#[derive(Deserialize)]
pub(super) struct Bundle {
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) attributes: Attributes,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
}

/// Its times are seconds since the Unix epoch.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Attributes {
    pub(super) enabled: Option<bool>,
    pub(super) exp: Option<i64>,
    pub(super) created: Option<i64>,
    pub(super) updated: Option<i64>,
    pub(super) nbf: Option<i64>,
}

/// A secret in a list.
#[derive(Deserialize)]
pub(super) struct Item {
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) attributes: Attributes,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    pub(super) value: Vec<Item>,
    pub(super) next_link: Option<String>,
}

pub(super) fn is_passing(status: StatusCode) -> bool {
    PASSING.contains(&status.as_u16())
}

/// `Retry-After` in seconds, where it says so much.
pub(super) fn retry_after(answer: &Response<Bytes>) -> Option<u64> {
    let value = answer.headers().get(header::RETRY_AFTER)?;
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    (seconds > 0).then_some(seconds)
}

/// A GET; `Metadata: true` for IMDS, a bearer token for the vault.
pub(super) fn get(url: &str, bearer: Option<&SecretValue>) -> Result<Request<Bytes>, String> {
    let mut request = Request::get(url)
        .body(Bytes::new())
        .map_err(|error| format!("parse {url:?}: {error}"))?;
    if let Some(token) = bearer {
        let value = [b"Bearer ", token.expose()].concat();
        let mut value = header::HeaderValue::from_bytes(&value)
            .map_err(|_| "net/http: invalid header field value for \"Authorization\"".to_owned())?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    Ok(request)
}

/// A form, its fields sorted by name as `url.Values.Encode` sorts them.
pub(super) fn post(url: &str, form: &BTreeMap<&str, &str>) -> Result<Request<Bytes>, String> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    Request::post(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .map_err(|error| format!("parse {url:?}: {error}"))
}

/// A request that got no answer, as Go's `url.Error` prints it.
pub(super) fn unanswered(method: &Method, url: &str, error: &rotaproof_egress::Error) -> String {
    url_error(method, url, &transport::cause(error).to_string())
}

/// Go's `url.Error`.
pub(super) fn url_error(method: &Method, url: &str, cause: &str) -> String {
    let verb = if *method == Method::POST {
        "Post"
    } else {
        "Get"
    };
    format!("{verb} {url:?}: {cause}")
}

/// `access_token`, and `expires_in` or `expires_on`, which are numbers or texts.
pub(super) fn token(answer: &Response<Bytes>, now: i64) -> Option<super::Token> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let number = |name: &str| {
        let value = body.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    };
    let lifetime = number("expires_in").map(|seconds| now.saturating_add(seconds));
    Some(super::Token {
        text: SecretValue::new(body.get("access_token")?.as_str()?),
        expires: number("expires_on").or(lifetime)?,
    })
}

/// `200 OK`, as Go's `Response.Status` has it.
pub(super) fn status_line(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    format!("{} {reason}", status.as_u16())
}
