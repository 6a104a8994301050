//! One unary call, and what grpc-go makes of its answer (`internal/transport/http2_client.go`,
//! `internal/transport/http_util.go`).

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use percent_encoding::percent_decode;
use prost::Message;
use rotaproof_base::SecretValue;
use rotaproof_egress::{Client, Error, Trailers};

use super::super::transport;
use super::details;

/// The canonical codes (`google/rpc/code.proto`), in their order.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

pub(super) const UNKNOWN: u32 = 2;
pub(super) const DEADLINE_EXCEEDED: u32 = 4;
pub(super) const NOT_FOUND: u32 = 5;
pub(super) const PERMISSION_DENIED: u32 = 7;
pub(super) const RESOURCE_EXHAUSTED: u32 = 8;
pub(super) const FAILED_PRECONDITION: u32 = 9;
pub(super) const UNIMPLEMENTED: u32 = 12;
pub(super) const INTERNAL: u32 = 13;
pub(super) const UNAVAILABLE: u32 = 14;
pub(super) const UNAUTHENTICATED: u32 = 16;

/// A call that failed. Its text is that of gax's `APIError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: u32,
    pub(super) message: String,
    /// The details as gax prints them; empty where there are none.
    details: String,
}

impl Status {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: String::new(),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rpc error: code = ")?;
        match CODES.get(self.code as usize) {
            Some(name) => f.write_str(name)?,
            None => write!(f, "Code({})", self.code)?,
        }
        write!(f, " desc = {}", self.message)?;
        match self.details.as_str() {
            "" => Ok(()),
            details => write!(f, "\n{details}"),
        }
    }
}

/// Where a method is.
#[derive(Clone, Copy)]
pub(super) struct Method<'a> {
    pub(super) host: &'a str,
    /// `package.Service`
    pub(super) service: &'a str,
    pub(super) name: &'a str,
}

/// Calls a method with a token.
pub(super) async fn call<T: Message + Default>(
    client: &Client,
    method: Method<'_>,
    token: &SecretValue,
    message: &impl Message,
) -> Result<T, Status> {
    let request = frame(method, token, message)?;
    let answer = client.send(request).await.map_err(|error| failed(&error))?;
    read(&answer)
}

fn frame(
    method: Method<'_>,
    token: &SecretValue,
    message: &impl Message,
) -> Result<Request<Bytes>, Status> {
    let mut bearer = b"Bearer ".to_vec();
    bearer.extend_from_slice(token.expose());
    let mut bearer = HeaderValue::from_bytes(&bearer)
        .map_err(|_| Status::new(INTERNAL, "the token cannot be a header"))?;
    bearer.set_sensitive(true);
    let length = message.encoded_len();
    let mut body = BytesMut::with_capacity(5 + length);
    body.put_u8(0);
    // A name or a filter: far below 4 GiB.
    body.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    body.put_slice(&message.encode_to_vec());
    Request::post(format!(
        "https://{}/{}/{}",
        method.host, method.service, method.name
    ))
    .header(header::AUTHORIZATION, bearer)
    .header(header::CONTENT_TYPE, "application/grpc")
    .header(header::TE, "trailers")
    .header(header::USER_AGENT, "grpc-go/1.82.0")
    .body(body.freeze())
    .map_err(|error| Status::new(INTERNAL, error.to_string()))
}

fn read<T: Message + Default>(answer: &Response<Bytes>) -> Result<T, Status> {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let is_grpc = kind.is_some_and(|kind| kind.starts_with("application/grpc"));
    if answer.status() != StatusCode::OK || !is_grpc {
        return Err(unexpected(answer.status(), kind));
    }
    let trailers = answer.extensions().get::<Trailers>();
    let trailers = trailers.map_or(answer.headers(), |trailers| &trailers.0);
    let trailers = match trailers.contains_key("grpc-status") {
        true => trailers,
        // An answer of trailers only has them in its head.
        false => answer.headers(),
    };
    if let Some(status) = status(trailers)? {
        return Err(status);
    }
    let body = answer.body().as_ref();
    let message = body.get(5..).filter(|_| body.first() == Some(&0));
    message
        .and_then(|message| T::decode(message).ok())
        // prost's own words could repeat a value.
        .ok_or_else(|| Status::new(INTERNAL, "grpc: failed to unmarshal the received message"))
}

/// The status in the trailers; `None` where it is OK.
fn status(trailers: &HeaderMap) -> Result<Option<Status>, Status> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    let code = match text("grpc-status") {
        None => {
            let message = "server closed the stream without sending trailers";
            return Err(Status::new(INTERNAL, message));
        }
        Some(code) => code.parse().unwrap_or(UNKNOWN),
    };
    if code == 0 {
        return Ok(None);
    }
    let message = text("grpc-message").unwrap_or_default();
    let message = percent_decode(message.as_bytes());
    Ok(Some(Status {
        code,
        message: message.decode_utf8_lossy().into_owned(),
        details: text("grpc-status-details-bin")
            .map(details::printed)
            .unwrap_or_default(),
    }))
}

/// An answer that is no gRPC: a proxy's, or a fault's.
fn unexpected(status: StatusCode, kind: Option<&str>) -> Status {
    let code = match status.as_u16() {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    };
    let what = match kind {
        Some(kind) => format!("transport: received unexpected content-type {kind:?}"),
        None => "transport: missing content-type field".to_owned(),
    };
    Status::new(
        code,
        format!(
            "unexpected HTTP status code received from server: {} ({}); {what}",
            status.as_u16(),
            status.canonical_reason().unwrap_or_default()
        ),
    )
}

/// A request without an answer: always `Unavailable`, and worded by where it ended.
fn failed(error: &Error) -> Status {
    let message = match error {
        Error::Tls { .. } => format!(
            "connection error: desc = \"transport: authentication handshake failed: {}\"",
            transport::cause(error)
        ),
        Error::Dial { .. } | Error::ProxyRefused { .. } => format!(
            "connection error: desc = \"transport: Error while dialing: {}\"",
            transport::cause(error)
        ),
        _ => format!("error reading from server: {}", transport::cause(error)),
    };
    Status::new(UNAVAILABLE, message)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::wire::Named;
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &'static [u8]) -> Response<Bytes> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::from_static(body)).unwrap()
    }

    const GRPC: (&str, &str) = ("content-type", "application/grpc");

    #[rstest]
    #[case(&[GRPC, ("grpc-status", "5"), ("grpc-message", "Secret [a%25b] not found.")], "NotFound desc = Secret [a%b] not found.")]
    #[case(&[GRPC, ("grpc-status", "99"), ("grpc-message", "x")], "Code(99) desc = x")]
    #[case(&[GRPC, ("grpc-status", "x")], "Unknown desc = ")]
    #[case(&[GRPC], "Internal desc = server closed the stream without sending trailers")]
    #[case(&[GRPC, ("grpc-status", "0")], "Internal desc = grpc: failed to unmarshal the received message")]
    #[case(&[], "Unknown desc = unexpected HTTP status code received from server: 200 (OK); transport: missing content-type field")]
    fn an_answer_that_is_no_success_reads_as_grpc_go_says(
        #[case] headers: &[(&str, &str)],
        #[case] text: &str,
    ) {
        let status = read::<Named>(&answer(200, headers, b"")).unwrap_err();
        assert_eq!(status.to_string(), format!("rpc error: code = {text}"));
    }

    #[rstest]
    #[case(429, UNAVAILABLE)]
    #[case(503, UNAVAILABLE)]
    #[case(401, UNAUTHENTICATED)]
    #[case(500, UNKNOWN)]
    fn a_plain_http_answer_has_the_code_that_grpc_gives_it(#[case] status: u16, #[case] code: u32) {
        let answer = answer(status, &[("content-type", "text/plain")], b"no");
        assert_eq!(read::<Named>(&answer).unwrap_err().code, code);
    }

    #[test]
    fn a_message_is_read_when_the_trailers_say_ok() {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let mut answer = answer(200, &[GRPC], b"\0\0\0\0\x03\x0a\x01x");
        answer.extensions_mut().insert(Trailers(trailers));
        assert_eq!(read::<Named>(&answer).unwrap().name, "x");
    }
}
