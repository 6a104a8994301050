//! HTTP: routes, bodies, answers.

mod answer;
mod delete;
mod discovery;
mod duplicates;
mod endpoints;
mod list;
mod log;
mod negotiate;
mod openapi;
mod pieces;
mod query;
mod route;
mod table;
mod watch;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::server::Inner;
use crate::status::ApiError;

/// The body of an answer.
pub type ApiBody = UnsyncBoxBody<Bytes, Infallible>;

/// The default request limit of an API server (`MaxRequestBodyBytes`).
const MAX_BODY: usize = 3 * 1024 * 1024;

/// What the sending of a body may take (`--request-timeout`).
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The API as a service: fits `kube::Client::new(service, "default")`, hyper and axum.
#[derive(Clone)]
pub struct ApiService {
    inner: Arc<Inner>,
}

impl ApiService {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl<B> tower::Service<Request<B>> for ApiService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ApiBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = self.inner.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = tokio::time::timeout(BODY_TIMEOUT, read(body)).await;
            let answer = match body.unwrap_or_else(|_| Err(ApiError::timed_out())) {
                Ok(body) => endpoints::answer(&inner, &parts, &body),
                Err(error) => Err(error),
            };
            Ok(answer.unwrap_or_else(|error| answer::status(&error)))
        })
    }
}

/// Whether a path answers those who do not say who they are.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(
        route::Route::parse(path),
        route::Route::Health | route::Route::Version
    )
}

/// The answer to a request that is refused before it is read.
pub(crate) fn refusal(error: &ApiError) -> Response<ApiBody> {
    answer::status(error)
}

async fn read<B>(body: B) -> Result<Bytes, ApiError>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::too_large_body()),
        Err(error) => Err(ApiError::bad_request(format!(
            "error reading the request body: {error}"
        ))),
    }
}
