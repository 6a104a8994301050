//! Requests per second through TLS on keep-alive, as a client library sends them.

#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rotaproof_apiserver::{Access, ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Dial, Entropy, TaskGroup, memory};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const LISTED: usize = 10_000;

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    token: String,
    _tasks: TaskGroup,
}

impl Connection {
    async fn open() -> Self {
        let clock = Clock::system();
        let access = Access::new(&clock).unwrap();
        let api = ApiServer::new(Config {
            entropy: Entropy::from_seed(7),
            issuer: Issuer::generate("https://kubernetes.default.svc").unwrap(),
            clock,
        });
        let tasks = TaskGroup::new();
        let (dialer, listener) = memory();
        api.serve(listener, &access, &tasks);
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(access.ca_pem().as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let io = dialer.dial().await.unwrap();
        let io = TlsConnector::from(Arc::new(config))
            .connect(name, io)
            .await
            .unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
        tasks.spawn(async move { drop(connection.await) });
        Self {
            sender,
            token: access.token().expose_str().unwrap().to_owned(),
            _tasks: tasks,
        }
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> usize {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Full::from(body))
            .unwrap();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        assert!(response.status().is_success());
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .len()
    }

    async fn create(&mut self, secrets: usize) {
        for at in 0..secrets {
            let secret = format!(
                r#"{{"metadata": {{"name": "s{at}"}}, "stringData": {{"password": "{}"}}}}"#,
                "x".repeat(100)
            );
            self.send(Method::POST, SECRETS, secret).await;
        }
    }
}

fn start(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let server = || {
        let clock = Clock::system();
        ApiServer::new(Config {
            entropy: Entropy::from_seed(7),
            issuer: Issuer::generate("https://kubernetes.default.svc").unwrap(),
            clock,
        })
    };
    let mut group = criterion.benchmark_group("start");
    group.bench_function("a server", |bencher| {
        bencher.iter(|| runtime.block_on(async { server() }));
    });
    group.bench_function("an access", |bencher| {
        bencher.iter(|| runtime.block_on(async { Access::new(&Clock::system()).unwrap() }));
    });
    group.finish();
}

fn get(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut connection = runtime.block_on(async {
        let mut connection = Connection::open().await;
        connection.create(1).await;
        connection
    });
    let mut group = criterion.benchmark_group("tls");
    group.throughput(Throughput::Elements(1));
    group.bench_function("get a secret", |bencher| {
        bencher.iter(|| {
            runtime.block_on(connection.send(Method::GET, &format!("{SECRETS}/s0"), String::new()))
        });
    });
    group.finish();
}

fn list(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut connection = runtime.block_on(async {
        let mut connection = Connection::open().await;
        connection.create(LISTED).await;
        connection
    });
    let mut group = criterion.benchmark_group("tls");
    group.sample_size(20);
    group.throughput(Throughput::Elements(LISTED as u64));
    group.bench_function("list 10,000 secrets", |bencher| {
        bencher.iter(|| runtime.block_on(connection.send(Method::GET, SECRETS, String::new())));
    });
    group.finish();
}

criterion_group!(benches, start, get, list);
criterion_main!(benches);
