//! An answer that begins at once and trickles.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use rotaproof_vaults::Body;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Fault;

/// Sends the head at once and the body in pieces, each after a pause. Healing sends the rest at once.
#[derive(Clone, Copy, Debug)]
pub struct SlowBody {
    /// The bytes of a piece, at least 1.
    pub piece: usize,
    /// The pause before each piece.
    pub every: Duration,
}

#[async_trait]
impl Fault for SlowBody {
    async fn answer(
        &self,
        answer: Option<Response<Body>>,
        healed: &CancellationToken,
    ) -> Option<Response<Body>> {
        let trickle = |body| Trickle {
            body,
            rest: Bytes::new(),
            piece: self.piece.max(1),
            every: self.every,
            pause: None,
            healed: Box::pin(healed.clone().cancelled_owned()),
            free: false,
        };
        answer.map(|answer| answer.map(|body| trickle(body).boxed_unsync()))
    }
}

struct Trickle {
    body: Body,
    /// What was read of `body` and not sent yet.
    rest: Bytes,
    piece: usize,
    every: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    healed: Pin<Box<WaitForCancellationFutureOwned>>,
    free: bool,
}

impl http_body::Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.rest.is_empty() {
            match ready!(http_body::Body::poll_frame(Pin::new(&mut self.body), cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        self.free = self.free || self.healed.as_mut().poll(cx).is_ready();
        if self.free {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        let every = self.every;
        let pause = self
            .pause
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(every)));
        ready!(pause.as_mut().poll(cx));
        self.pause = None;
        let length = self.piece.min(self.rest.len());
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (
            http_body::Body::size_hint(&self.body),
            self.rest.len() as u64,
        );
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
