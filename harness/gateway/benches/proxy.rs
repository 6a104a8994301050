//! Requests per second through CONNECT and TLS to a vault that does nothing: the gateway's own cost.

#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

use std::hint::black_box;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::future::join_all;
use http::{Request, Response};
use rotaproof_base::{Clock, Dial, Entropy, Fingerprint, TaskGroup, TcpDialer, memory};
use rotaproof_egress::Client;
use rotaproof_gateway::{Config, Gateway};
use rotaproof_vaults::{
    Body, HostPattern, Served, ServedVersion, Vault, VaultKind, Witness, buffered,
};
use tokio::runtime::Runtime;

/// Requests of one iteration, spread over the connections.
const REQUESTS: usize = 256;

struct NullVault;

#[async_trait]
impl Vault for NullVault {
    fn kind(&self) -> VaultKind {
        VaultKind::AwsSecretsManager
    }

    fn hosts(&self) -> Vec<HostPattern> {
        vec![HostPattern::new("vault.example")]
    }

    fn describe(&self, _: &Request<Bytes>) -> (String, Option<String>) {
        ("GetSecretValue".into(), Some("prod/notebook/aws".into()))
    }

    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let (operation, secret) = self.describe(&request);
        witness.record(Served {
            operation,
            identity: Some("arn:aws:iam::123456789012:role/notebook".into()),
            versions: vec![ServedVersion {
                secret: "prod/notebook/aws".into(),
                version: "6a7b8c9d-0000-4000-8000-000000000001".into(),
                value: Fingerprint::from_report("0123456789ab"),
            }],
            secret,
            refusal: None,
        });
        Response::new(buffered(
            &b"{\"SecretString\":\"0123456789012345678901234567890123456789\"}"[..],
        ))
    }
}

fn gateway(clock: &Clock) -> Gateway {
    let config = Config {
        clock: clock.clone(),
        entropy: Entropy::from_seed(1),
    };
    let gateway = Gateway::new(config).unwrap();
    gateway.attach("aws", Arc::new(NullVault)).unwrap();
    gateway
}

async fn request(client: &Client) {
    let request = Request::get("https://vault.example/")
        .body(Bytes::new())
        .unwrap();
    black_box(client.send(request).await.unwrap());
}

fn through_the_proxy(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let tasks = TaskGroup::new();
    let (clock, gateway, dialers) = runtime.block_on(async {
        let clock = Clock::system();
        let gateway = gateway(&clock);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp: Arc<dyn Dial> = Arc::new(TcpDialer(listener.local_addr().unwrap()));
        gateway.serve(listener, &tasks);
        let (dialer, listener) = memory();
        gateway.serve(listener, &tasks);
        let memory: Arc<dyn Dial> = Arc::new(dialer);
        (clock, gateway, [("tcp", tcp), ("memory", memory)])
    });
    let mut group = criterion.benchmark_group("proxy");
    for (name, dialer) in dialers {
        let client = Client::builder(clock.clone())
            .through_proxy(dialer)
            .trust_pem(gateway.ca_pem())
            .build()
            .unwrap();
        for connections in [1, 16] {
            // A client per connection, driven by a task of its own, so that both sides use all cores.
            let clients: Vec<_> = (0..connections).map(|_| client.fresh()).collect();
            group.throughput(Throughput::Elements(REQUESTS as u64));
            group.bench_function(
                format!("{name}, keep-alive, {connections} connections"),
                |bencher| {
                    bencher.iter(|| {
                        let workers = clients.iter().cloned().map(|client| {
                            runtime.spawn(async move {
                                for _ in 0..REQUESTS / connections {
                                    request(&client).await;
                                }
                            })
                        });
                        let ended = runtime.block_on(join_all(workers));
                        assert!(ended.iter().all(Result::is_ok));
                    });
                },
            );
        }
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{name}, a new connection each"), |bencher| {
            bencher.iter(|| runtime.block_on(request(&client.fresh())));
        });
    }
    group.finish();
}

criterion_group!(benches, through_the_proxy);
criterion_main!(benches);
