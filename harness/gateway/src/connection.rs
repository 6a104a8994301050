//! HTTP on one accepted stream, until either side is done or a fault cuts it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rotaproof_base::{Io, TaskHandle};
use rustls::ServerConfig;
use tokio::io::AsyncBufReadExt;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::exchange::{Closed, Endpoint};
use crate::manner::Manner;

/// Header bytes of one request; beyond, the answer is 431.
const MAX_HEADERS: u32 = 128 * 1024;
/// Requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// HTTP/2 flow-control windows: a large secret is sent without waiting for the other side.
const WINDOW: u32 = 1024 * 1024;

/// The protocol that the two sides agreed upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// HTTP/1 in a listener's manner.
pub(crate) fn http1_builder(manner: Manner) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .auto_date_header(false)
        .max_buf_size(MAX_HEADERS as usize);
    if let Some(patience) = manner.patience {
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(patience);
    }
    builder
}

/// Serves one vault on a stream, inside TLS.
pub(crate) async fn serve_tls(
    io: impl Io,
    tls: Arc<ServerConfig>,
    endpoint: Arc<Endpoint>,
    tasks: TaskHandle,
) {
    let host = &endpoint.host;
    match endpoint
        .manner
        .wait(TlsAcceptor::from(tls).accept(io))
        .await
    {
        Some(Ok(mut io)) => {
            // hyper waits for the preface of HTTP/2 without a limit.
            let begun = async { io.fill_buf().await.is_ok() };
            if endpoint.manner.wait(begun).await != Some(true) {
                return;
            }
            let protocol = match io.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            serve(io, protocol, endpoint, tasks).await;
        }
        Some(Err(error)) => tracing::debug!(%host, %error, "tls handshake failed"),
        None => tracing::debug!(%host, "tls handshake given up"),
    }
}

/// Serves one vault on a stream.
pub(crate) async fn serve(
    io: impl Io,
    protocol: Protocol,
    endpoint: Arc<Endpoint>,
    tasks: TaskHandle,
) {
    let cut = CancellationToken::new();
    let service = {
        let (cut, endpoint) = (cut.clone(), endpoint.clone());
        service_fn(move |request: Request<Incoming>| {
            let (endpoint, cut) = (endpoint.clone(), cut.clone());
            async move { endpoint.exchange(request, &cut).await }
        })
    };
    let io = TokioIo::new(io);
    match protocol {
        Protocol::Http1 => {
            let builder = http1_builder(endpoint.manner);
            until(&cut, builder.serve_connection(io, service)).await;
        }
        Protocol::Http2 => {
            let mut builder = http2::Builder::new(Owned(tasks));
            if let Some(patience) = endpoint.manner.patience {
                builder
                    .timer(TokioTimer::new())
                    .keep_alive_interval(patience);
            }
            let connection = builder
                .auto_date_header(false)
                .max_header_list_size(MAX_HEADERS)
                .max_concurrent_streams(MAX_STREAMS)
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .serve_connection(io, service);
            until(&cut, connection).await;
        }
    }
}

/// Drives a connection to its end, or drops it as it is when it is cut.
pub(crate) async fn until(
    cut: &CancellationToken,
    connection: impl Future<Output = Result<(), hyper::Error>>,
) {
    let connection = pin!(connection);
    tokio::select! {
        biased;
        () = cut.cancelled() => {}
        ended = connection => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
        }
    }
}

/// What a service function answers.
pub(crate) type Answered = Result<Response<Answer>, Closed>;

/// HTTP/2's own tasks, under the group's ownership.
#[derive(Clone)]
struct Owned(TaskHandle);

impl<F> Executor<F> for Owned
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
