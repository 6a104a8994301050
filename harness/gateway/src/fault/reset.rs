//! A connection that ends without an answer.

use async_trait::async_trait;
use http::Response;
use rotaproof_vaults::Body;
use tokio_util::sync::CancellationToken;

use super::Fault;

/// Closes the connection instead of answering; the vault never sees the request.
///
/// TLS ends without its closing alert. On HTTP/2 the other requests of the connection end with it.
#[derive(Clone, Copy, Debug)]
pub struct Reset;

#[async_trait]
impl Fault for Reset {
    fn in_stead(&self) -> bool {
        true
    }

    async fn answer(
        &self,
        _: Option<Response<Body>>,
        _: &CancellationToken,
    ) -> Option<Response<Body>> {
        None
    }
}
