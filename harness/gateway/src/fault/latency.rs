//! An answer that takes its time.

use std::time::Duration;

use async_trait::async_trait;
use http::Response;
use rotaproof_vaults::Body;
use tokio_util::sync::CancellationToken;

use super::Fault;

/// Holds the answer back. The vault decided at once, so what arrives may be out of date by then.
///
/// Healing lets the requests through that are being held.
#[derive(Clone, Copy, Debug)]
pub struct Latency(pub Duration);

#[async_trait]
impl Fault for Latency {
    async fn answer(
        &self,
        answer: Option<Response<Body>>,
        healed: &CancellationToken,
    ) -> Option<Response<Body>> {
        tokio::select! {
            biased;
            () = healed.cancelled() => {}
            () = tokio::time::sleep(self.0) => {}
        }
        answer
    }
}
