//! Answers in plain HTTP.

use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::{Body, buffered};

pub(super) fn json(status: StatusCode, body: &Value) -> Response<Body> {
    respond(status, "application/json; charset=UTF-8", body.to_string())
}

/// What Google's front end says to a path that no API has, whatever the method.
pub(super) fn no_such_route() -> Response<Body> {
    let body = "<!DOCTYPE html>\n<title>Error 404 (Not Found)</title>\n<p>The requested URL was not found on this server.\n";
    respond(
        StatusCode::NOT_FOUND,
        "text/html; charset=UTF-8",
        body.to_owned(),
    )
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(buffered(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
