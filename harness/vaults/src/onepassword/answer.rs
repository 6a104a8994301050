//! The shapes of Connect's answers, and what the journal learns from each.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::token::Invalid;
use crate::contract::{Body, ServedVersion, buffered};

/// The release whose answers these are.
pub(super) const VERSION: &str = "1.8.1";

/// An answer, with what the journal takes down of it.
pub(super) struct Answer {
    status: StatusCode,
    kind: Kind,
    pub(super) versions: Vec<ServedVersion>,
    pub(super) refusal: Option<String>,
}

enum Kind {
    Empty,
    Text(&'static str),
    Json(String),
    File { name: String, bytes: Vec<u8> },
}

impl Answer {
    fn with(status: StatusCode, kind: Kind) -> Self {
        Self {
            status,
            kind,
            versions: Vec::new(),
            refusal: None,
        }
    }

    /// 200 with JSON.
    pub(super) fn json(value: &Value) -> Self {
        Self::with(StatusCode::OK, Kind::Json(value.to_string()))
    }

    /// 200 with plain text.
    pub(super) fn text(text: &'static str) -> Self {
        Self::with(StatusCode::OK, Kind::Text(text))
    }

    /// 200 with a file's bytes.
    pub(super) fn file(name: &str, bytes: &[u8]) -> Self {
        Self::with(
            StatusCode::OK,
            Kind::File {
                name: name.to_owned(),
                bytes: bytes.to_vec(),
            },
        )
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self::with(StatusCode::NO_CONTENT, Kind::Empty)
    }

    /// An error in Connect's form.
    pub(super) fn error(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let body = json!({ "status": status.as_u16(), "message": message });
        let mut answer = Self::with(status, Kind::Json(body.to_string()));
        answer.refusal = Some(message);
        answer
    }

    /// 400.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::error(StatusCode::BAD_REQUEST, message)
    }

    /// 401.
    pub(super) fn unauthenticated(why: Invalid) -> Self {
        let message = match why {
            Invalid::Bearer => "Invalid bearer token",
            Invalid::Signature => "Invalid token signature",
        };
        Self::error(StatusCode::UNAUTHORIZED, message)
    }

    /// 403; `access` is empty, or the kind of access that is missing with a space after it.
    pub(super) fn out_of_scope(access: &str) -> Self {
        let message = format!("Authorization: token does not have {access}access to vault");
        Self::error(StatusCode::FORBIDDEN, message)
    }

    /// 404 for a `vault`, an `item` or a `file`.
    pub(super) fn not_found(what: &str, id: &str) -> Self {
        Self::error(StatusCode::NOT_FOUND, format!("{what} {id} not found"))
    }

    /// 404: there is no such route.
    pub(super) fn no_route() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 405: the route has no such method.
    pub(super) fn no_method() -> Self {
        Self::error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }

    /// Adds the version that the answer carries.
    pub(super) fn serving(mut self, version: ServedVersion) -> Self {
        self.versions.push(version);
        self
    }

    /// The HTTP response.
    pub(super) fn into_response(self) -> Response<Body> {
        let mut disposition = None;
        let (media_type, bytes) = match self.kind {
            Kind::Empty => (None, Bytes::new()),
            Kind::Text(text) => (Some("text/plain; charset=utf-8"), Bytes::from(text)),
            Kind::Json(text) => (Some("application/json"), Bytes::from(text)),
            Kind::File { name, bytes } => {
                // A name that cannot stand in a header is left out.
                disposition = HeaderValue::try_from(format!("attachment; filename={name:?}")).ok();
                (Some("application/octet-stream"), Bytes::from(bytes))
            }
        };
        let mut response = Response::new(buffered(bytes));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let version = HeaderValue::from_static(VERSION);
        headers.insert("1password-connect-version", version);
        if let Some(media_type) = media_type {
            let value = HeaderValue::from_static(media_type);
            headers.insert(header::CONTENT_TYPE, value);
        }
        if let Some(disposition) = disposition {
            headers.insert(header::CONTENT_DISPOSITION, disposition);
        }
        response
    }
}
