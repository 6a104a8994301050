//! The two sides that a request is sent to.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rotaproof_apiserver::{ApiServer, ApiService, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, TaskGroup, TaskHandle};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower::ServiceExt;

use crate::normal::is_passed_over;
use crate::real::ISSUER;

/// What a watch is waited for; a side that sends fewer events than the other one costs this long.
const EVENTS: Duration = Duration::from_secs(3);

pub(crate) type Call = Request<Full<Bytes>>;

pub(crate) struct Answer {
    pub(crate) code: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer whose body is still to come.
pub(crate) struct Open {
    code: StatusCode,
    headers: HeaderMap,
    body: http_body_util::combinators::UnsyncBoxBody<Bytes, String>,
}

/// The server over the wire.
pub(crate) struct Remote {
    port: u16,
    token: &'static str,
    tls: TlsConnector,
    sender: Option<SendRequest<Full<Bytes>>>,
    tasks: TaskGroup,
}

/// The server in this process. Of its controllers, a kube-apiserver has the one of CustomResourceDefinitions; the others
/// are those of a kube-controller-manager, which is not there on the other side either.
pub(crate) struct Ours(ApiService);

impl Remote {
    pub(crate) fn new(port: u16, token: &'static str, tls: Arc<ClientConfig>) -> Self {
        Self {
            port,
            token,
            tls: tls.into(),
            sender: None,
            tasks: TaskGroup::new(),
        }
    }

    pub(crate) async fn connect(&mut self) -> Result<(), String> {
        if self
            .sender
            .as_ref()
            .is_some_and(|sender| !sender.is_closed())
        {
            return Ok(());
        }
        let io = TcpStream::connect(("127.0.0.1", self.port)).await;
        let io = io.map_err(|error| error.to_string())?;
        let name = ServerName::try_from("127.0.0.1").map_err(|error| error.to_string())?;
        let io = self.tls.connect(name, io).await;
        let io = TokioIo::new(io.map_err(|error| error.to_string())?);
        let (sender, connection) = http2::handshake(Owned(self.tasks.handle()), io)
            .await
            .map_err(|error| error.to_string())?;
        self.tasks.spawn(async move { drop(connection.await) });
        self.sender = Some(sender);
        Ok(())
    }

    pub(crate) async fn is_ready(&self) -> Result<bool, String> {
        let request = Request::get("/readyz").body(Full::default()).unwrap();
        Ok(self.open(request).await?.read().await?.code == 200)
    }

    pub(crate) async fn open(&self, mut call: Call) -> Result<Open, String> {
        let uri = format!("https://127.0.0.1:{}{}", self.port, call.uri());
        *call.uri_mut() = uri.parse().map_err(|error| format!("{uri}: {error}"))?;
        let token = format!("Bearer {}", self.token).parse().unwrap();
        call.headers_mut().insert("authorization", token);
        let mut sender = self.sender.clone().ok_or("not connected")?;
        let answer = sender.send_request(call).await;
        Ok(Open::of(answer.map_err(|error| error.to_string())?))
    }
}

impl Ours {
    pub(crate) fn start() -> Self {
        let api = ApiServer::new(Config {
            clock: Clock::system(),
            entropy: Entropy::from_seed(7),
            issuer: Issuer::generate(ISSUER).unwrap(),
        });
        Self(api.service())
    }

    pub(crate) async fn open(&self, call: Call) -> Result<Open, String> {
        match self.0.clone().oneshot(call).await {
            Ok(answer) => Ok(Open::of(answer)),
            Err(never) => match never {},
        }
    }
}

impl Open {
    fn of<B>(answer: http::Response<B>) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let (parts, body) = answer.into_parts();
        Self {
            code: parts.status,
            headers: parts.headers,
            body: body.map_err(|error| error.to_string()).boxed_unsync(),
        }
    }

    pub(crate) async fn read(self) -> Result<Answer, String> {
        let body = self.body.collect().await?.to_bytes();
        Ok(Answer {
            code: self.code,
            headers: self.headers,
            body,
        })
    }

    /// Reads the lines of so many events, or what there is of them in a while.
    pub(crate) async fn read_events(mut self, wanted: usize) -> Result<Answer, String> {
        let mut read = BytesMut::new();
        let lines = |read: &BytesMut| {
            let whole = read.split_inclusive(|byte| *byte == b'\n');
            whole
                .filter(|line| line.ends_with(b"\n") && !is_passed_over(line))
                .count()
        };
        let enough = async {
            while self.code != 200 || lines(&read) < wanted {
                let Some(frame) = self.body.frame().await else {
                    break;
                };
                if let Ok(data) = frame?.into_data() {
                    read.extend_from_slice(&data);
                }
            }
            Ok::<(), String>(())
        };
        if let Ok(ended) = tokio::time::timeout(EVENTS, enough).await {
            ended?;
        }
        Ok(Answer {
            code: self.code,
            headers: self.headers,
            body: read.freeze(),
        })
    }
}

/// HTTP/2's own tasks.
#[derive(Clone)]
struct Owned(TaskHandle);

impl<F> hyper::rt::Executor<F> for Owned
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
