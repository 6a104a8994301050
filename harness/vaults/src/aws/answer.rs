//! Answers on the wire: JSON 1.1 for Secrets Manager, XML for STS.

use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::ApiError;
use super::xml::escape;
use crate::{Body, buffered};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(super) fn json(id: Uuid, result: Result<Value, ApiError>) -> Response<Body> {
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
    let mut response = respond(id, status, "application/x-amz-json-1.1", body.to_string());
    if let Some(kind) = kind {
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static(kind));
    }
    response
}

/// What Secrets Manager says to a request without a target.
pub(super) fn no_such_route(id: Uuid) -> Response<Body> {
    let body = "<UnknownOperationException/>\n".to_owned();
    respond(id, StatusCode::NOT_FOUND, "application/xml", body)
}

pub(super) fn xml(id: Uuid, result: Result<(&str, String), ApiError>) -> Response<Body> {
    let (status, body) = match result {
        Ok((action, result)) => (
            StatusCode::OK,
            format!(
                "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
                 <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
            ),
        ),
        Err(error) => (
            error.status,
            format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
                 <RequestId>{id}</RequestId></ErrorResponse>",
                error.code,
                escape(&error.message)
            ),
        ),
    };
    respond(id, status, "text/xml", body)
}

fn respond(id: Uuid, status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(buffered(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
