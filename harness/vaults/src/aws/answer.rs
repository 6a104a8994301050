//! Answers on the wire: JSON 1.1 for Secrets Manager, XML for STS.
//!
//! Each carries the service's own `Date`, by which AWS's SDKs correct their clocks; a server that filled in the
//! machine's would set them wrong in virtual time.

use http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::ApiError;
use super::xml::escape;
use crate::{Body, buffered};

/// What marks an answer: its request id and the service's time.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub(super) id: Uuid,
    pub(super) now: Timestamp,
}

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(super) fn json(stamp: Stamp, result: Result<Value, ApiError>) -> Response<Body> {
    let (status, kind, body) = match result {
        Ok(body) => (StatusCode::OK, None, body),
        Err(error) => {
            let mut body = json!({"__type": error.code});
            if !error.message.is_empty() {
                let member = if error.from_front_end {
                    "message"
                } else {
                    "Message"
                };
                body[member] = error.message.into();
            }
            (error.status, Some(error.code), body)
        }
    };
    let mut response = respond(
        stamp,
        status,
        "application/x-amz-json-1.1",
        body.to_string(),
    );
    if let Some(kind) = kind {
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static(kind));
    }
    response
}

/// What Secrets Manager says to a request without a target.
pub(super) fn no_such_route(stamp: Stamp) -> Response<Body> {
    let body = "<UnknownOperationException/>\n".to_owned();
    respond(stamp, StatusCode::NOT_FOUND, "application/xml", body)
}

pub(super) fn xml(stamp: Stamp, result: Result<(&str, String), ApiError>) -> Response<Body> {
    let (status, body) = match result {
        Ok((action, result)) => (
            StatusCode::OK,
            format!(
                "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
                 <ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{action}Response>",
                stamp.id
            ),
        ),
        Err(error) => (
            error.status,
            format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
                 <RequestId>{}</RequestId></ErrorResponse>",
                error.code,
                escape(&error.message),
                stamp.id
            ),
        ),
    };
    respond(stamp, status, "text/xml", body)
}

fn respond(stamp: Stamp, status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(buffered(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let date = stamp.now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(http::header::DATE, date);
    }
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(&stamp.id.to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
