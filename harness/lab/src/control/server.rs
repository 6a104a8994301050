//! The lab's end of the socket.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rotaproof_base::{BoxIo, TaskGroup};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;

use super::board::Board;
use super::messages::{JournalQuery, Refusal};
use super::{SOCKET, fault, rotate, stream};
use crate::{Error, Place};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The largest question: a value of a secret and its frame.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// What a client may take for a question's head.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves the lab's socket in `tasks`.
pub(crate) fn serve(place: &Place, board: Arc<Board>, tasks: &TaskGroup) -> Result<(), Error> {
    let path = place.file(SOCKET);
    let listener = UnixListener::bind(&path).map_err(|error| unbound(&path, error))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .map_err(Error::file("close to others", &path))?;
    let serve = move |io, slot| {
        let board = board.clone();
        async move {
            let _slot = slot;
            converse(io, board).await;
        }
    };
    tasks.spawn(rotaproof_base::accept(listener, tasks.handle(), serve));
    Ok(())
}

fn unbound(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidInput => Error::Environment(format!(
            "the path of the control socket is too long for a socket: {}; \
             set ROTAPROOF_STATE to a shorter folder",
            path.display()
        )),
        _ => Error::file("listen on", path)(error),
    }
}

/// One connection, as long as it lasts.
async fn converse(io: BoxIo, board: Arc<Board>) {
    let service = service_fn(move |request| answer(board.clone(), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(io), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "control connection ended");
    }
}

async fn answer(
    board: Arc<Board>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let answered = route(&board, request).await;
    Ok(answered.unwrap_or_else(|error| {
        let (status, usage) = match error {
            Error::Usage(_) => (StatusCode::BAD_REQUEST, true),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, false),
        };
        let error = error.to_string();
        let mut response = json(&Refusal { error, usage });
        *response.status_mut() = status;
        response
    }))
}

async fn route(board: &Board, request: Request<Incoming>) -> Result<Response<Body>, Error> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    match (method, path.as_str()) {
        (Method::GET, "/status") => Ok(json(&board.status())),
        (Method::POST, "/rotate") => {
            let question = read(request).await?;
            Ok(json(&rotate::rotate(board, &question).await?))
        }
        (Method::POST, "/fault") => Ok(json(&fault::inject(board, read(request).await?)?)),
        (Method::POST, "/heal") => Ok(json(&fault::heal(board, &read(request).await?)?)),
        (Method::POST, "/journal") => {
            let query: JournalQuery = read(request).await?;
            let lines = stream::lines(board.gateway.journal(), &query);
            let mut response = Response::new(StreamBody::new(lines).boxed_unsync());
            let kind = header::HeaderValue::from_static("application/x-ndjson");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            Ok(response)
        }
        (Method::POST, "/down") => {
            board.ending.cancel();
            Ok(json(&serde_json::json!({})))
        }
        _ => Err(Error::Usage(format!(
            "the lab is version {} and does not know {path}",
            env!("CARGO_PKG_VERSION")
        ))),
    }
}

async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::Usage(format!("a wrong question: {error}"));
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(|error| wrong(&error))?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| wrong(&error))
}

fn json(value: &impl Serialize) -> Response<Body> {
    // Messages have text for keys: they cannot fail.
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(bytes)).boxed_unsync());
    let kind = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
