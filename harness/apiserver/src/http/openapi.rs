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

/// `/openapi/v2`
pub(super) fn v2(api: &Inner, parts: &Parts) -> Answer {
    accepts_json(parts)?;
    Ok(tagged(parts, &api.openapi.v2(&api.registry)))
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
    let mut response = tagged(parts, &document);
    if !held.is_empty() {
        let immutable = HeaderValue::from_static("public, immutable");
        response.headers_mut().insert(CACHE_CONTROL, immutable);
    }
    Ok(response)
}

fn tagged(parts: &Parts, document: &Rendered) -> Response<ApiBody> {
    let tag = format!("\"{}\"", document.hash);
    let body = document.body.clone();
    answer::tagged(&parts.headers, "application/json", &tag, body)
}

/// The documents are in JSON only.
fn accepts_json(parts: &Parts) -> Result<(), ApiError> {
    let mut clauses = parts
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|clause| clause.split(';').next().unwrap_or_default().trim())
        .peekable();
    let any = clauses.peek().is_none();
    match any || clauses.any(|it| matches!(it, "" | "*/*" | "application/*" | "application/json")) {
        true => Ok(()),
        false => Err(ApiError::not_acceptable()),
    }
}
