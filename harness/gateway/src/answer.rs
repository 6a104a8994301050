//! The body of an answer, which completes its journal entry when it has been read to its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use rotaproof_vaults::{Body, buffered};
use tokio::time::Instant;

use crate::ledger::Ledger;

/// An entry that waits for the end of its answer.
pub(crate) struct Pending {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) seq: u64,
    pub(crate) began: Instant,
}

/// What hyper sends. An answer that the client does not take leaves its entry without a status.
pub(crate) struct Answer {
    body: Body,
    status: StatusCode,
    pending: Option<Pending>,
}

impl Answer {
    /// The answer to a CONNECT that opens a tunnel.
    pub(crate) fn tunnel() -> Response<Self> {
        Self::wrap(Response::new(buffered(Bytes::new())), None)
    }

    /// A response of the gateway itself that is in no journal.
    pub(crate) fn unrecorded(status: StatusCode, text: &str) -> Response<Self> {
        Self::wrap(plain(status, text), None)
    }

    /// A response to a `method` request whose entry is `pending`.
    pub(crate) fn recorded(
        response: Response<Body>,
        method: &Method,
        pending: Pending,
    ) -> Response<Self> {
        let mut response = Self::wrap(response, Some(pending));
        let answer = response.body_mut();
        // hyper never reads these bodies.
        let unread = *method == Method::HEAD
            || answer.status == StatusCode::NO_CONTENT
            || answer.status == StatusCode::NOT_MODIFIED;
        if unread || http_body::Body::is_end_stream(&answer.body) {
            answer.complete();
        }
        response
    }

    fn wrap(response: Response<Body>, pending: Option<Pending>) -> Response<Self> {
        let status = response.status();
        response.map(|body| Self {
            body,
            status,
            pending,
        })
    }

    fn complete(&mut self) {
        if let Some(Pending { ledger, seq, began }) = self.pending.take() {
            ledger.complete(seq, Some(self.status.as_u16()), began);
        }
    }
}

/// A plain text answer.
pub(crate) fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(buffered(text.to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // After trailers nothing is asked for any more.
        let trailers = matches!(&frame, Some(Ok(frame)) if frame.is_trailers());
        if frame.is_none() || trailers || self.body.is_end_stream() {
            self.complete();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
