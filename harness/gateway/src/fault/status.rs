//! An error in the vault's stead.

use async_trait::async_trait;
use http::{HeaderValue, Response, StatusCode, header};
use rotaproof_vaults::{Body, buffered};
use tokio_util::sync::CancellationToken;

use super::Fault;

/// Answers every request with this status.
#[derive(Clone, Debug)]
pub struct Status {
    /// The status code.
    pub code: StatusCode,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// The body and its media type; without one the body is empty.
    pub body: Option<(HeaderValue, String)>,
}

impl Status {
    /// A bare status.
    pub fn new(code: StatusCode) -> Self {
        Self {
            code,
            retry_after: None,
            body: None,
        }
    }
}

#[async_trait]
impl Fault for Status {
    fn in_stead(&self) -> bool {
        true
    }

    async fn answer(
        &self,
        _: Option<Response<Body>>,
        _: &CancellationToken,
    ) -> Option<Response<Body>> {
        let text = self.body.as_ref().map(|(_, text)| text.clone());
        let mut response = Response::new(buffered(text.unwrap_or_default()));
        *response.status_mut() = self.code;
        let headers = response.headers_mut();
        if let Some((media_type, _)) = &self.body {
            headers.insert(header::CONTENT_TYPE, media_type.clone());
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        Some(response)
    }
}
