//! Whether a connection is in use: from the head of a request to the end of its answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::ApiBody;

/// The requests of one connection.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<Running>>);

struct Running {
    requests: usize,
    idle_since: Instant,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Running {
            requests: 0,
            idle_since: Instant::now(),
        })))
    }

    /// Since when nothing runs; `None` while something does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (running.requests == 0).then_some(running.idle_since)
    }

    /// Begins a request, which ends with the returned guard.
    pub(super) fn begin(&self) -> Busy {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.requests += 1;
        Busy(self.clone())
    }
}

pub(super) struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut running = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.requests = running.requests.saturating_sub(1);
        running.idle_since = Instant::now();
    }
}

/// The body of an answer, which keeps its connection in use.
pub(super) struct BusyBody {
    body: ApiBody,
    _busy: Busy,
}

impl BusyBody {
    pub(super) fn new(body: ApiBody, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl Body for BusyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
