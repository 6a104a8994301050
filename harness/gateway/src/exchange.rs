//! One request: its body read, its faults decided, the vault asked, the answer taken down.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use jiff::fmt::rfc2822::DateTimePrinter;
use rotaproof_base::Clock;
use rotaproof_vaults::{Body, Served};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Pending, plain};
use crate::fault::Hits;
use crate::ledger::{Arrival, Ledger, Recorder};
use crate::manner::Manner;
use crate::routes::Attached;

/// The largest body of a request, in bytes.
const MAX_REQUEST_BODY: usize = 16 * 1024 * 1024;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer")]
pub(crate) struct Closed;

/// The server end of a connection to one vault.
pub(crate) struct Endpoint {
    pub(crate) clock: Clock,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) manner: Manner,
    pub(crate) attached: Attached,
    /// What the client connected to, whatever its `Host` header says.
    pub(crate) host: Arc<str>,
}

impl Endpoint {
    /// Answers one request. `cut` closes the whole connection; it is cancelled where there is no answer.
    pub(crate) async fn exchange(
        &self,
        request: Request<Incoming>,
        cut: &CancellationToken,
    ) -> Result<Response<Answer>, Closed> {
        let began = Instant::now();
        if request.method() == Method::CONNECT {
            let text = "CONNECT inside a tunnel\n";
            return Ok(Answer::unrecorded(StatusCode::BAD_REQUEST, text));
        }
        let (mut parts, body) = request.into_parts();
        self.to_origin_form(&mut parts);
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let arrival = Arrival {
            client: self.manner.client,
            vault: Some(&self.attached.name),
            host: &self.host,
            method: method.as_str(),
            path: uri.path(),
            began,
        };
        let Some(body) = self.manner.wait(read(body)).await.ok_or(Closed)?? else {
            let refusal = format!("request body exceeds {MAX_REQUEST_BODY} bytes");
            let answer = plain(StatusCode::PAYLOAD_TOO_LARGE, &refusal);
            let seq = self.ledger.record(&arrival, refused(refusal));
            return self.finish(Some(answer), &method, seq, began, cut);
        };
        let request = Request::from_parts(parts, body);
        let (seq, answer) = self.decide(request, &arrival).await;
        self.finish(answer, &method, seq, began, cut)
    }

    /// The entry and the answer of a whole request.
    async fn decide(
        &self,
        request: Request<Bytes>,
        arrival: &Arrival<'_>,
    ) -> (u64, Option<Response<Body>>) {
        let Attached { name, vault } = &self.attached;
        let mut hits = Hits::default();
        let faulty = self.manner.faults && self.ledger.with_faults(|faults| faults.concerns(name));
        if faulty {
            let (operation, secret) = vault.describe(&request);
            let (decided, seq) = self.ledger.decide(arrival, name, &operation, secret);
            if let Some(seq) = seq {
                return (seq, decided.apply(None).await);
            }
            hits = decided;
        }
        let recorder = Recorder::new(&self.ledger, arrival, hits.names());
        let answer = Some(vault.serve(request, &recorder).await);
        let seq = recorder.seq();
        if hits.is_empty() {
            return (seq, answer);
        }
        (seq, hits.apply(answer).await)
    }

    fn finish(
        &self,
        answer: Option<Response<Body>>,
        method: &Method,
        seq: u64,
        began: Instant,
        cut: &CancellationToken,
    ) -> Result<Response<Answer>, Closed> {
        let Some(mut answer) = answer else {
            self.ledger.complete(seq, None, began);
            cut.cancel();
            return Err(Closed);
        };
        date(&mut answer, &self.clock);
        let ledger = self.ledger.clone();
        let pending = Pending { ledger, seq, began };
        Ok(Answer::recorded(answer, method, pending))
    }

    /// Path and query in the URI, the host in `Host`, whichever protocol and form the request came in.
    fn to_origin_form(&self, parts: &mut http::request::Parts) {
        if !parts.headers.contains_key(header::HOST) {
            let host = parts.uri.authority().map_or(&*self.host, |a| a.as_str());
            if let Ok(host) = HeaderValue::try_from(host) {
                parts.headers.insert(header::HOST, host);
            }
        }
        if parts.uri.authority().is_some() {
            parts.uri = match parts.uri.path_and_query() {
                Some(path) => Uri::from(path.clone()),
                None => Uri::from_static("/"),
            };
        }
    }
}

/// A decision of the gateway itself.
pub(crate) fn refused(refusal: impl Into<String>) -> Served {
    Served {
        refusal: Some(refusal.into()),
        ..Served::default()
    }
}

/// `Date` of the injected clock: AWS's SDK for Go takes the clock skew from it.
pub(crate) fn date(answer: &mut Response<Body>, clock: &Clock) {
    if answer.headers().contains_key(header::DATE) {
        return;
    }
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&clock.now());
    if let Some(value) = text.ok().and_then(|text| HeaderValue::try_from(text).ok()) {
        answer.headers_mut().insert(header::DATE, value);
    }
}

/// The whole body; `None` where it is too large. A client that leaves midway is [`Closed`].
async fn read(body: Incoming) -> Result<Option<Bytes>, Closed> {
    if body.is_end_stream() {
        return Ok(Some(Bytes::new()));
    }
    if body.size_hint().lower() > MAX_REQUEST_BODY as u64 {
        return Ok(None);
    }
    match Limited::new(body, MAX_REQUEST_BODY).collect().await {
        Ok(body) => Ok(Some(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        Err(_) => Err(Closed),
    }
}
