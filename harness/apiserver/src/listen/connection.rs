//! One connection: a TLS handshake, then HTTP until either side is done. Nothing that a client does or leaves
//! undone holds more than one connection's place, for longer than the time limits below.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rotaproof_base::{BoxIo, TaskHandle};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::activity::{Activity, BusyBody};
use crate::ApiService;
use crate::http::refusal;
use crate::identity::Authenticator;

/// As Go's net/http allows for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Header bytes of one request; beyond, the answer is 431. Go allows 1 MiB, of which no client of Kubernetes needs a tenth.
const MAX_HEADERS: u32 = 128 * 1024;
/// Requests at a time on one HTTP/2 connection, and its windows (`k8s.io/apiserver/pkg/server/secure_serving.go`, whose connection window is larger).
const MAX_STREAMS: u32 = 100;
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;
/// What an unused connection is kept for (`secure_serving.go`, IdleTimeout); a half-sent head is no use.
const IDLE: Duration = Duration::from_secs(90);
/// What a connection that is to close may take to say so.
const FAREWELL: Duration = Duration::from_secs(1);

/// What all connections of a listener share.
pub(super) struct Front {
    pub(super) service: ApiService,
    pub(super) authenticator: Authenticator,
    pub(super) tls: TlsAcceptor,
    pub(super) tasks: TaskHandle,
}

/// Serves one connection to its end.
pub(super) async fn serve(io: BoxIo, front: Arc<Front>) {
    let tls = match timeout(HANDSHAKE, front.tls.accept(io)).await {
        Ok(Ok(tls)) => tls,
        Ok(Err(error)) => {
            tracing::debug!(%error, "tls handshake failed");
            return;
        }
        Err(_) => {
            tracing::debug!("tls handshake timed out");
            return;
        }
    };
    let h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let activity = Activity::new();
    let service = {
        let (front, activity) = (front.clone(), activity.clone());
        service_fn(move |request| answer(front.clone(), activity.clone(), request))
    };
    let io = TokioIo::new(tls);
    match h2 {
        true => {
            let connection = http2::Builder::new(Owned(front.tasks.clone()))
                .timer(TokioTimer::new())
                .max_header_list_size(MAX_HEADERS)
                .max_concurrent_streams(MAX_STREAMS)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .serve_connection(io, service);
            drive(connection, |it| it.graceful_shutdown(), &activity).await;
        }
        false => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                // The time limit of an unused connection is this one's too.
                .header_read_timeout(None)
                .max_buf_size(MAX_HEADERS as usize)
                .serve_connection(io, service);
            drive(connection, |it| it.graceful_shutdown(), &activity).await;
        }
    }
}

async fn answer(
    front: Arc<Front>,
    activity: Activity,
    mut request: Request<Incoming>,
) -> Result<Response<BusyBody>, Infallible> {
    let busy = activity.begin();
    let answer = match front.authenticator.admit(&mut request) {
        Ok(()) => front.service.clone().call(request).await?,
        Err(error) => refusal(&error),
    };
    Ok(answer.map(|body| BusyBody::new(body, busy)))
}

/// Drives a connection until it ends by itself or was unused for too long.
async fn drive<C>(connection: C, say_goodbye: impl Fn(Pin<&mut C>), activity: &Activity)
where
    C: Future<Output = Result<(), hyper::Error>>,
{
    let mut connection = pin!(connection);
    loop {
        let idle_since = activity.idle_since().unwrap_or_else(Instant::now);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = sleep_until(idle_since + IDLE) => {
                let unused = activity.idle_since().is_some_and(|since| since.elapsed() >= IDLE);
                if !unused {
                    continue;
                }
                say_goodbye(connection.as_mut());
                match timeout(FAREWELL, connection.as_mut()).await {
                    Ok(ended) => ended,
                    Err(_) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
        return;
    }
}

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
