//! gRPC's framing of a unary call (`grpc/grpc`, doc/PROTOCOL-HTTP2.md).
//!
//! tonic was looked at and left out: a vault is handed whole requests and answers whole responses
//! ([`crate::Vault::serve`]), so nothing is left of its server but a five-byte prefix and three trailers, for which it
//! would bring a second router and a second connection stack. prost encodes the messages.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use prost::Message;

use super::error::{ApiError, Code};
use crate::{Body, buffered};

/// The largest message that is read, in bytes: gRPC's own default.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// What `grpc-message` escapes: everything but printable ASCII, and `%`.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// Whether a request speaks gRPC, by its content type.
pub(super) fn is_grpc(request: &Request<Bytes>) -> bool {
    content_type(request).is_some_and(|kind| kind.starts_with("application/grpc"))
}

/// Whether a path has the form of a gRPC method: `/package.Service/Method`.
pub(super) fn method(path: &str) -> Option<(&str, &str)> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    (service.contains('.') && !method.contains('/')).then_some((service, method))
}

fn content_type(request: &Request<Bytes>) -> Option<&str> {
    request
        .headers()
        .get(http::header::CONTENT_TYPE)?
        .to_str()
        .ok()
}

/// A refusal in plain HTTP, of what is no gRPC request at all.
pub(super) fn not_grpc(request: &Request<Bytes>) -> Option<Response<Body>> {
    let status = if request.method() != Method::POST {
        StatusCode::METHOD_NOT_ALLOWED
    } else if matches!(
        content_type(request),
        Some("application/grpc" | "application/grpc+proto")
    ) {
        return None;
    } else {
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    };
    let mut response = Response::new(buffered(Bytes::new()));
    *response.status_mut() = status;
    Some(response)
}

/// The message of a request: one frame, not compressed.
pub(super) fn read<T: Message + Default>(request: &Request<Bytes>) -> Result<T, ApiError> {
    let malformed = |what: &str| ApiError::new(Code::Internal, what);
    let body = request.body().as_ref();
    let (Some(flag), Some(length)) = (body.first(), body.get(1..5)) else {
        return Err(malformed("the request holds no whole message"));
    };
    let length = length
        .iter()
        .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    match *flag {
        0 => {}
        1 => {
            let encoding = request.headers().get("grpc-encoding");
            return Err(match encoding.and_then(|e| e.to_str().ok()) {
                None | Some("identity") => {
                    malformed("a compressed message without a grpc-encoding")
                }
                Some(_) => ApiError::new(
                    Code::Unimplemented,
                    "the message's compression is not supported; only identity is",
                ),
            });
        }
        _ => return Err(malformed("a message with an unknown compression flag")),
    }
    if length > MAX_MESSAGE {
        return Err(ApiError::new(
            Code::ResourceExhausted,
            format!("received message larger than max ({length} vs. {MAX_MESSAGE})"),
        ));
    }
    let message = body.get(5..).unwrap_or_default();
    if message.len() != length {
        return Err(malformed("the request does not hold exactly one message"));
    }
    // prost's own words could repeat a value.
    T::decode(message).map_err(|_| malformed("the request's message is not valid protobuf"))
}

/// An answer: one frame and trailers, or trailers only where it is an error.
pub(super) fn answer(result: Result<Vec<u8>, ApiError>) -> Response<Body> {
    let (body, headers) = match result {
        Ok(message) => {
            let mut frame = BytesMut::with_capacity(5 + message.len());
            frame.put_u8(0);
            // A message is far below 4 GiB: a payload has 64 KiB, a page 25,000 names.
            frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
            frame.put_slice(&message);
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            let body = Full::new(frame.freeze()).with_trailers(async { Some(Ok(trailers)) });
            (body.boxed_unsync(), HeaderMap::new())
        }
        Err(error) => (buffered(Bytes::new()), refusal(&error)),
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity"));
    response
}

fn refusal(error: &ApiError) -> HeaderMap {
    use base64::Engine;
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from(error.code as i32));
    let message = utf8_percent_encode(&error.message, ESCAPED).to_string();
    if let Ok(message) = HeaderValue::try_from(message) {
        headers.insert("grpc-message", message);
    }
    if let Some(details) = error.details() {
        let text = base64::prelude::BASE64_STANDARD_NO_PAD.encode(details);
        if let Ok(text) = HeaderValue::try_from(text) {
            headers.insert("grpc-status-details-bin", text);
        }
    }
    headers
}
