//! A server under virtual time, and raw requests to it.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its part of this"
)]

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use kube::Client;
use rotaproof_apiserver::{ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, TaskGroup};
use serde_json::Value;
use tower::ServiceExt;

/// A server with its controllers; dropped, it ends.
pub(crate) struct Cluster {
    pub(crate) api: ApiServer,
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) issuer: Issuer,
    _tasks: TaskGroup,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::with_window(10_000)
    }

    pub(crate) fn with_window(events: usize) -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let issuer = Issuer::generate("https://kubernetes.default.svc").unwrap();
        let config = Config {
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            issuer: issuer.clone(),
        };
        let api = ApiServer::with_window(config, events);
        let tasks = TaskGroup::new();
        api.start(&tasks);
        Self {
            client: Client::new(api.service(), "default"),
            api,
            clock,
            issuer,
            _tasks: tasks,
        }
    }

    /// Sends a JSON request; an empty body is sent for `Value::Null`.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        self.send_as(method, path, "application/json", body).await
    }

    pub(crate) async fn send_as(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .header("user-agent", "test/1.0")
            .body(Full::from(body))
            .unwrap();
        self.call(request).await
    }

    pub(crate) async fn call(&self, request: Request<Full<bytes::Bytes>>) -> (StatusCode, Value) {
        let response = self.api.service().oneshot(request).await.unwrap();
        let code = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (code, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::DELETE, path, Value::Null).await
    }

    /// Lets the controllers do all that they can do now.
    pub(crate) async fn settle(&self) {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }
}

/// The lines of a watch's (or a log's) whole body.
pub(crate) async fn lines(api: &ApiServer, path: &str) -> Vec<Value> {
    let request = Request::get(path)
        .body(Full::<bytes::Bytes>::default())
        .unwrap();
    let response = api.service().oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}
