//! AccessSecretVersion per second at the `Vault` trait, as gRPC and as REST: routing, token, roles, state, answer and
//! record, without a socket.
#![allow(missing_docs, clippy::unwrap_used)]

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter};
use rotaproof_vaults::gcp::{GcpConfig, GcpVault, GkeCluster, HOST};
use rotaproof_vaults::{Served, Vault, Witness};

const ACCESS: &str = "/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion";

struct Unheard;

impl Witness for Unheard {
    fn record(&self, served: Served) {
        assert_eq!(served.refusal, None);
        std::hint::black_box(served);
    }
}

fn vault() -> GcpVault {
    GcpVault::new(GcpConfig {
        project: "my-project-id".to_owned(),
        cluster: GkeCluster {
            location: "us-central1".to_owned(),
            name: "my-cluster".to_owned(),
        },
        clock: Clock::system(),
        entropy: Entropy::from_seed(7),
        fingerprinter: Fingerprinter::from_key([7; 32]),
        verifier: Issuer::generate("https://cluster").unwrap().verifier(),
        service_accounts: Vec::new(),
        workload_identities: Vec::new(),
    })
}

fn reads(criterion: &mut Criterion) {
    let vault = vault();
    let bearer = format!("Bearer {}", vault.administrator().expose_str().unwrap());
    let send = |request: Request<Bytes>| {
        let answer = futures::executor::block_on(vault.serve(request, &Unheard));
        assert_eq!(answer.status(), 200);
    };
    let request = |method: &str, path: &str, kind: &str, body: Bytes| {
        Request::builder()
            .method(method)
            .uri(format!("https://{HOST}{path}"))
            .header("authorization", &bearer)
            .header("content-type", kind)
            .body(body)
            .unwrap()
    };
    const JSON: &str = "application/json";
    for n in 0..1000 {
        let secrets = "/v1/projects/my-project-id/secrets";
        let automatic = Bytes::from(r#"{"replication":{"automatic":{}}}"#);
        send(request(
            "POST",
            &format!("{secrets}?secretId=s{n}"),
            JSON,
            automatic,
        ));
        let payload = Bytes::from(r#"{"payload":{"data":"aHVudGVyMg=="}}"#);
        send(request(
            "POST",
            &format!("{secrets}/s{n}:addVersion"),
            JSON,
            payload,
        ));
    }
    let mut group = criterion.benchmark_group("gcp");
    group.throughput(Throughput::Elements(1));
    let mut n = 0;
    group.bench_function("AccessSecretVersion by gRPC", |bencher| {
        bencher.iter(|| {
            n = (n + 1) % 1000;
            let name = format!("projects/my-project-id/secrets/s{n}/versions/latest");
            // Field 1, a text; its length fits one byte.
            let mut frame = vec![0, 0, 0, 0, name.len() as u8 + 2, 0x0a, name.len() as u8];
            frame.extend(name.as_bytes());
            send(request("POST", ACCESS, "application/grpc", frame.into()));
        });
    });
    group.bench_function("AccessSecretVersion by REST", |bencher| {
        bencher.iter(|| {
            n = (n + 1) % 1000;
            let path = format!("/v1/projects/my-project-id/secrets/s{n}/versions/latest:access");
            send(request("GET", &path, JSON, Bytes::new()));
        });
    });
    group.finish();
}

criterion_group!(benches, reads);
criterion_main!(benches);
