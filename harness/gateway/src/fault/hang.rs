//! A request that nobody answers.

use async_trait::async_trait;
use http::Response;
use rotaproof_vaults::Body;
use tokio_util::sync::CancellationToken;

use super::Fault;

/// Never answers: until the client gives up, or the fault is healed and the connection closes without an answer.
/// The vault never sees the request.
#[derive(Clone, Copy, Debug)]
pub struct Hang;

#[async_trait]
impl Fault for Hang {
    fn in_stead(&self) -> bool {
        true
    }

    async fn answer(
        &self,
        _: Option<Response<Body>>,
        healed: &CancellationToken,
    ) -> Option<Response<Body>> {
        healed.cancelled().await;
        None
    }
}
