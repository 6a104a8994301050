//! The shapes of Vault's answers, and what the journal learns from each.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::contract::{Body, ServedVersion, buffered};

/// An answer, with what the journal takes down of it.
#[derive(Clone)]
pub(super) struct Answer {
    status: StatusCode,
    kind: Kind,
    pub(super) versions: Vec<ServedVersion>,
    pub(super) refusal: Option<String>,
}

#[derive(Clone)]
enum Kind {
    Empty,
    /// JSON text that is sent as it is.
    Plain(String),
    Moved(String),
    Wrapped(Box<Envelope>),
}

/// The members of Vault's common answer that vary.
#[derive(Clone, Default)]
pub(super) struct Envelope {
    /// JSON text; `null` where empty.
    pub(super) data: String,
    pub(super) lease_duration: u64,
    pub(super) warnings: Vec<String>,
    pub(super) auth: Option<Value>,
    pub(super) mount_type: &'static str,
    /// Members that old endpoints repeat at the top.
    pub(super) flattened: Option<Value>,
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

    /// 204.
    pub(super) fn no_content() -> Self {
        Self::with(StatusCode::NO_CONTENT, Kind::Empty)
    }

    /// 200 with the common shape.
    pub(super) fn ok(envelope: Envelope) -> Self {
        Self::with(StatusCode::OK, Kind::Wrapped(Box::new(envelope)))
    }

    /// 200 with the common shape around `data`.
    pub(super) fn data(data: &Value, mount_type: &'static str) -> Self {
        Self::ok(Envelope {
            data: data.to_string(),
            mount_type,
            ..Envelope::default()
        })
    }

    /// 200 with JSON of its own shape (`sys/health`).
    pub(super) fn plain(value: &Value) -> Self {
        Self::with(StatusCode::OK, Kind::Plain(format!("{value}\n")))
    }

    /// 404 that still tells of the version (`data: null`), as KV v2 answers for a deleted one.
    pub(super) fn gone(envelope: Envelope, refusal: &str) -> Self {
        let mut answer = Self::ok(envelope);
        answer.status = StatusCode::NOT_FOUND;
        answer.refusal = Some(refusal.to_owned());
        answer
    }

    /// 404 without a word.
    pub(super) fn not_found() -> Self {
        let mut answer = Self::with(
            StatusCode::NOT_FOUND,
            Kind::Plain("{\"errors\":[]}\n".to_owned()),
        );
        answer.refusal = Some("not found".to_owned());
        answer
    }

    /// An error with one message.
    pub(super) fn error(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let body = json!({ "errors": [message] });
        let mut answer = Self::with(status, Kind::Plain(format!("{body}\n")));
        answer.refusal = Some(message);
        answer
    }

    /// 400 with a message.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::error(StatusCode::BAD_REQUEST, message)
    }

    /// An error as Go's multierror renders a list of them.
    fn errors(status: StatusCode, messages: &[&str]) -> Self {
        let count = match messages.len() {
            1 => "1 error".to_owned(),
            n => format!("{n} errors"),
        };
        let lines: String = messages.iter().map(|m| format!("\t* {m}\n")).collect();
        let mut answer = Self::error(status, format!("{count} occurred:\n{lines}\n"));
        answer.refusal = Some(messages.join(", "));
        answer
    }

    /// 403: the token may not.
    pub(super) fn permission_denied() -> Self {
        Self::errors(StatusCode::FORBIDDEN, &["permission denied"])
    }

    /// 403: there is no such token.
    pub(super) fn invalid_token() -> Self {
        Self::errors(
            StatusCode::FORBIDDEN,
            &["permission denied", "invalid token"],
        )
    }

    /// 405: the path exists, the operation on it does not.
    pub(super) fn unsupported_operation() -> Self {
        Self::errors(StatusCode::METHOD_NOT_ALLOWED, &["unsupported operation"])
    }

    /// 405: no operation has this HTTP method.
    pub(super) fn unknown_method() -> Self {
        let mut answer = Self::not_found();
        answer.status = StatusCode::METHOD_NOT_ALLOWED;
        answer.refusal = Some("method not allowed".to_owned());
        answer
    }

    /// 404: nothing is mounted there.
    pub(super) fn no_route(path: &str) -> Self {
        Self::error(
            StatusCode::NOT_FOUND,
            format!("no handler for route {path:?}. route entry not found."),
        )
    }

    /// 404: the mount has no such path.
    pub(super) fn unsupported_path() -> Self {
        Self::errors(StatusCode::NOT_FOUND, &["unsupported path"])
    }

    /// 301 to the path without `//`, `.` and `..`, as Go's ServeMux answers.
    pub(super) fn moved(to: String) -> Self {
        let mut answer = Self::with(StatusCode::MOVED_PERMANENTLY, Kind::Moved(to));
        answer.refusal = Some("path is not clean".to_owned());
        answer
    }

    /// Adds the version that the answer carries.
    pub(super) fn serving(mut self, version: ServedVersion) -> Self {
        self.versions.push(version);
        self
    }

    /// The HTTP response; `request_id` is drawn by the caller.
    pub(super) fn into_response(self, request_id: &str) -> Response<Body> {
        let mut location = None;
        let bytes = match self.kind {
            Kind::Empty => Bytes::new(),
            Kind::Plain(text) => Bytes::from(text),
            Kind::Moved(to) => {
                location = HeaderValue::try_from(to).ok();
                Bytes::new()
            }
            Kind::Wrapped(envelope) => Bytes::from(envelope.render(request_id)),
        };
        let json = !bytes.is_empty();
        let mut response = Response::new(buffered(bytes));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
        if json {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        if let Some(location) = location {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

impl Envelope {
    fn render(&self, request_id: &str) -> String {
        let null = || "null".to_owned();
        let data = if self.data.is_empty() {
            "null"
        } else {
            &self.data
        };
        let warnings = match self.warnings.as_slice() {
            [] => null(),
            list => json!(list).to_string(),
        };
        let auth = self.auth.as_ref().map_or_else(null, Value::to_string);
        let mut text = format!(
            "{{\"request_id\":\"{request_id}\",\"lease_id\":\"\",\"renewable\":false,\"lease_duration\":{},\
             \"data\":{data},\"wrap_info\":null,\"warnings\":{warnings},\"auth\":{auth},\"mount_type\":\"{}\"",
            self.lease_duration, self.mount_type
        );
        if let Some(Value::Object(members)) = &self.flattened {
            for (name, value) in members {
                text.push_str(&format!(",{}:{value}", json!(name)));
            }
        }
        text.push_str("}\n");
        text
    }
}
