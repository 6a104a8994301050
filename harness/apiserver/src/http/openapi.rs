//! OpenAPI documents under their tags.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};

use super::query::Query;
use super::{ApiBody, answer};
use crate::openapi::{GroupVersion, Rendered};
use crate::server::Inner;
use crate::status::ApiError;

type Answer = Result<Response<ApiBody>, ApiError>;

/// The two names of the protobuf form of v2.
const PROTOBUF_V2: [&str; 2] = [
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
];

/// `/openapi/v2`
pub(super) fn v2(api: &Inner, parts: &Parts) -> Answer {
    let protobuf = accepted(parts).find(|it| is_json(it) || PROTOBUF_V2.contains(it));
    if protobuf.is_some_and(|it| !is_json(it)) {
        let document = api.openapi.v2_protobuf(&api.registry);
        return Ok(tagged(parts, PROTOBUF_V2[0], &document));
    }
    accepts_json(parts)?;
    let document = api.openapi.v2(&api.registry);
    Ok(tagged(parts, "application/json", &document))
}

/// The document of one group and version. A client that asks for the hash of the index may keep the answer for ever; one
/// whose hash is of the past is sent to the present (`k8s.io/kube-openapi/pkg/handler3`).
pub(super) fn v3(api: &Inner, parts: &Parts, asked: &GroupVersion) -> Answer {
    accepts_json(parts)?;
    let document = api
        .openapi
        .v3(&api.registry, asked)
        .ok_or_else(ApiError::unknown_resource)?;
    let query = Query::of(parts);
    let held = query.text("hash");
    if !held.is_empty() && held != document.hash {
        let location = format!("{}?hash={}", parts.uri.path(), document.hash);
        let mut moved = answer::bytes(StatusCode::MOVED_PERMANENTLY, "text/html", Bytes::new());
        if let Ok(location) = HeaderValue::from_str(&location) {
            moved.headers_mut().insert(LOCATION, location);
        }
        return Ok(moved);
    }
    let mut response = tagged(parts, "application/json", &document);
    if !held.is_empty() {
        let immutable = HeaderValue::from_static("public, immutable");
        response.headers_mut().insert(CACHE_CONTROL, immutable);
    }
    Ok(response)
}

fn tagged(parts: &Parts, content_type: &'static str, document: &Rendered) -> Response<ApiBody> {
    let tag = format!("\"{}\"", document.hash);
    let body = document.body.clone();
    answer::tagged(&parts.headers, content_type, &tag, body)
}

fn accepted(parts: &Parts) -> impl Iterator<Item = &str> {
    parts
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|clause| clause.split(';').next().unwrap_or_default().trim())
}

fn is_json(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "*/*" | "application/*" | "application/json"
    )
}

fn accepts_json(parts: &Parts) -> Result<(), ApiError> {
    match accepted(parts).next().is_none() || accepted(parts).any(is_json) {
        true => Ok(()),
        false => Err(ApiError::not_acceptable()),
    }
}
