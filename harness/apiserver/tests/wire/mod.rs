//! A server behind TLS on in-memory connections, and a client of it.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its part of this"
)]

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use rotaproof_apiserver::{Access, ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{BoxIo, Clock, Dial, Entropy, MemoryDialer, TaskGroup};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const HTTP1: &[u8] = b"http/1.1";
pub(crate) const HTTP2: &[u8] = b"h2";

pub(crate) struct Server {
    pub(crate) api: ApiServer,
    pub(crate) access: Access,
    pub(crate) dialer: MemoryDialer,
    pub(crate) tasks: TaskGroup,
    clock: Clock,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) code: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let access = Access::new(&clock).unwrap();
        let api = ApiServer::new(Config {
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            issuer: Issuer::generate("https://kubernetes.default.svc").unwrap(),
        });
        let tasks = TaskGroup::new();
        api.start(&tasks);
        let (dialer, listener) = rotaproof_base::memory();
        api.serve(listener, &access, &tasks);
        Self {
            api,
            access,
            dialer,
            tasks,
            clock,
        }
    }

    pub(crate) fn token(&self) -> String {
        self.access.token().expose_str().unwrap().to_owned()
    }

    /// TLS as a client that trusts this server's authority, and checks the name.
    pub(crate) async fn tls(
        &self,
        name: &str,
        protocol: &[u8],
    ) -> std::io::Result<TlsStream<BoxIo>> {
        let mut roots = RootCertStore::empty();
        let pem =
            rustls::pki_types::CertificateDer::from_pem_slice(self.access.ca_pem().as_bytes());
        roots.add(pem.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(self.clock.clone()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let io = self.dialer.dial().await?;
        TlsConnector::from(Arc::new(config)).connect(name, io).await
    }

    /// A connection of its own for one request.
    pub(crate) async fn send(&self, protocol: &[u8], request: Request<Full<Bytes>>) -> Answer {
        let io = TokioIo::new(self.tls("127.0.0.1", protocol).await.unwrap());
        let response = if protocol == HTTP2 {
            let (mut sender, connection) = http2::handshake(Owned(self.tasks.handle()), io)
                .await
                .unwrap();
            self.tasks.spawn(async move { drop(connection.await) });
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) = http1::handshake(io).await.unwrap();
            self.tasks.spawn(async move { drop(connection.await) });
            sender.send_request(request).await.unwrap()
        };
        read(response).await
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = request(Method::GET, path, Value::Null);
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.send(HTTP1, request).await
    }

    /// As the administrator.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let mut request = request(method, path, body);
        let value = format!("Bearer {}", self.token()).parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        self.send(HTTP1, request).await
    }
}

pub(crate) fn request(method: Method, path: &str, body: Value) -> Request<Full<Bytes>> {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    Request::builder()
        .method(method)
        .uri(format!("https://127.0.0.1{path}"))
        .header(HOST, "127.0.0.1")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(body))
        .unwrap()
}

pub(crate) async fn read(response: http::Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    Answer {
        code: parts.status,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

#[derive(Clone)]
pub(crate) struct Owned(pub(crate) rotaproof_base::TaskHandle);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Owned {
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
