//! The forward proxy's side of a connection: CONNECT, then TLS as the host; or absolute-form HTTP.

use std::sync::Arc;

use http::uri::Scheme;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rotaproof_base::{BoxIo, Clock, Slot, TaskHandle};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Pending, plain};
use crate::authority::Authority;
use crate::connection::{self, Answered};
use crate::exchange::{self, Endpoint};
use crate::fault::Connect;
use crate::ledger::{Arrival, Ledger};
use crate::manner::Manner;
use crate::routes::Routes;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) authority: Authority,
    pub(crate) routes: Routes,
    pub(crate) ledger: Arc<Ledger>,
}

/// One connection to the proxy.
#[derive(Clone)]
struct Connection {
    shared: Arc<Shared>,
    manner: Manner,
    tasks: TaskHandle,
    cut: CancellationToken,
    /// Given back when the connection and its tunnel are both done.
    slot: Arc<Slot>,
}

/// Serves one connection to the proxy.
pub(crate) async fn serve(
    io: BoxIo,
    shared: Arc<Shared>,
    manner: Manner,
    tasks: TaskHandle,
    slot: Slot,
) {
    let connection = Connection {
        shared,
        manner,
        tasks,
        cut: CancellationToken::new(),
        slot: Arc::new(slot),
    };
    let cut = connection.cut.clone();
    let service = service_fn(move |request| {
        let connection = connection.clone();
        async move { connection.answer(request).await }
    });
    let io = TokioIo::new(io);
    let served = connection::http1_builder(manner)
        .serve_connection(io, service)
        .with_upgrades();
    connection::until(&cut, served).await;
}

impl Connection {
    async fn answer(self, request: Request<Incoming>) -> Answered {
        let uri = request.uri();
        let Some(host) = uri.host().and_then(plain_host) else {
            return Ok(Answer::unrecorded(
                StatusCode::BAD_REQUEST,
                "this is a forward proxy: use CONNECT or an absolute address\n",
            ));
        };
        if request.method() == Method::CONNECT {
            return Ok(self.connect(request, host));
        }
        if uri.scheme() != Some(&Scheme::HTTP) {
            let text = "this proxy forwards http; https goes through CONNECT\n";
            return Ok(Answer::unrecorded(StatusCode::BAD_REQUEST, text));
        }
        match self.endpoint(&host, uri.path()) {
            Some(endpoint) => endpoint.exchange(request, &self.cut).await,
            None => Ok(self.refuse(&request, &host)),
        }
    }

    fn endpoint(&self, host: &Arc<str>, path: &str) -> Option<Endpoint> {
        Some(Endpoint {
            clock: self.shared.clock.clone(),
            ledger: self.shared.ledger.clone(),
            manner: self.manner,
            attached: self.shared.routes.find(host, path)?,
            host: host.clone(),
        })
    }

    fn connect(self, request: Request<Incoming>, host: Arc<str>) -> Response<Answer> {
        let Some(endpoint) = self.endpoint(&host, "") else {
            return self.refuse(&request, &host);
        };
        let began = Instant::now();
        let arrival = Arrival {
            client: self.manner.client,
            vault: Some(&endpoint.attached.name),
            host: &host,
            method: request.method().as_str(),
            path: "",
            began,
        };
        let (authority, ledger) = (&self.shared.authority, &self.shared.ledger);
        let tls = match ledger.decide_connection(&arrival) {
            None => authority.tls_for(&host),
            Some((Connect::Certificate(flaw), seq)) => {
                ledger.complete(seq, None, began);
                authority.bad_tls_for(&host, flaw)
            }
            Some((Connect::Refuse, seq)) => {
                let text = format!("dial {host}: connection refused\n");
                let ledger = ledger.clone();
                let pending = Pending { ledger, seq, began };
                let answer = plain(StatusCode::BAD_GATEWAY, &text);
                return Answer::recorded(answer, &Method::CONNECT, pending);
            }
        };
        let tls = match tls {
            Ok(tls) => tls,
            Err(error) => {
                return Answer::unrecorded(StatusCode::BAD_GATEWAY, &format!("{error}\n"));
            }
        };
        let (tasks, slot) = (self.tasks.clone(), self.slot);
        self.tasks.spawn(async move {
            let _slot = slot;
            if let Ok(upgraded) = hyper::upgrade::on(request).await {
                connection::serve_tls(bare(upgraded), tls, Arc::new(endpoint), tasks).await;
            }
        });
        Answer::tunnel()
    }

    /// 403 for a host that no vault claims: nothing reaches the internet by accident, and the journal shows it.
    fn refuse(&self, request: &Request<Incoming>, host: &Arc<str>) -> Response<Answer> {
        let arrival = Arrival {
            client: self.manner.client,
            vault: None,
            host,
            method: request.method().as_str(),
            path: request.uri().path(),
            began: Instant::now(),
        };
        let ledger = self.shared.ledger.clone();
        let seq = ledger.record(&arrival, exchange::refused("no vault claims this host"));
        let text = format!("no vault of this run claims {host}, and the proxy lets nothing out\n");
        let mut answer = plain(StatusCode::FORBIDDEN, &text);
        // Of an answer to CONNECT, Go's net/http shows the reason phrase and nothing else.
        let reason = format!("Forbidden: no vault of this run claims {host}");
        if let Ok(reason) = ReasonPhrase::try_from(reason) {
            answer.extensions_mut().insert(reason);
        }
        exchange::date(&mut answer, &self.shared.clock);
        let began = arrival.began;
        Answer::recorded(answer, request.method(), Pending { ledger, seq, began })
    }
}

/// The stream under an upgraded connection, without hyper's layer in the path of every byte.
fn bare(upgraded: Upgraded) -> BoxIo {
    match upgraded.downcast::<TokioIo<BoxIo>>() {
        Ok(parts) if parts.read_buf.is_empty() => parts.io.into_inner(),
        // A client that did not wait for the answer to CONNECT.
        Ok(parts) => {
            let early = std::io::Cursor::new(parts.read_buf);
            let (read, write) = tokio::io::split(parts.io.into_inner());
            Box::new(tokio::io::join(early.chain(read), write))
        }
        Err(upgraded) => Box::new(TokioIo::new(upgraded)),
    }
}

/// A host in lower case, without brackets or a closing dot; `None` where nothing is left of it.
fn plain_host(host: &str) -> Option<Arc<str>> {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    (!host.is_empty()).then(|| host.to_ascii_lowercase().into())
}
