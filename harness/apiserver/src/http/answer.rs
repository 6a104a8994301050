//! Answers.

use bytes::Bytes;
use futures::Stream;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY, WARNING};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::Value;

use super::ApiBody;
use crate::status::ApiError;

pub(super) fn bytes(
    code: StatusCode,
    content_type: &'static str,
    body: Bytes,
) -> Response<ApiBody> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// JSON that may be long.
pub(super) fn body(body: ApiBody) -> Response<ApiBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn json(code: StatusCode, body: &Value) -> Response<ApiBody> {
    bytes(code, "application/json", Bytes::from(body.to_string()))
}

/// A document that clients keep: 304 where theirs is still this one.
pub(super) fn cacheable(
    asked: &HeaderMap,
    content_type: &'static str,
    body: Bytes,
) -> Response<ApiBody> {
    use sha2::Digest;
    let tag = format!("\"{}\"", hex_upper(&sha2::Sha256::digest(&body)));
    tagged(asked, content_type, &tag, body)
}

/// As [`cacheable`], under a tag that is already known.
pub(super) fn tagged(
    asked: &HeaderMap,
    content_type: &'static str,
    tag: &str,
    body: Bytes,
) -> Response<ApiBody> {
    let held = asked.get(IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    let same = held.is_some_and(|held| {
        held.split(',')
            .any(|it| it.trim() == tag || it.trim() == "*")
    });
    let mut response = match same {
        true => bytes(StatusCode::NOT_MODIFIED, content_type, Bytes::new()),
        false => bytes(StatusCode::OK, content_type, body),
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}

/// As Kubernetes writes its hashes.
fn hex_upper(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

pub(super) fn status(error: &ApiError) -> Response<ApiBody> {
    let code = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if error.plain {
        let text = Bytes::from(format!("{error}\n"));
        return bytes(code, "text/plain; charset=utf-8", text);
    }
    with_warnings(json(code, &error.to_status()), &error.warnings)
}

pub(super) fn stream(
    content_type: &'static str,
    chunks: impl Stream<Item = Bytes> + Send + 'static,
) -> Response<ApiBody> {
    use futures::StreamExt;
    let frames = chunks.map(|chunk| Ok(Frame::data(chunk)));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(super) fn with_warnings(
    mut response: Response<ApiBody>,
    warnings: &[String],
) -> Response<ApiBody> {
    for warning in warnings {
        let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{text}\"")) {
            response.headers_mut().append(WARNING, value);
        }
    }
    response
}
