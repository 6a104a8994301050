//! KV v2 reads per second at the `Vault` trait: routing, token, policy, state, answer and record, without a socket.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};
use rotaproof_vaults::hashicorp::{
    Capability, HashicorpConfig, HashicorpVault, Mount, MountKind, StaticToken,
};
use rotaproof_vaults::{Served, Vault, Witness};

struct Unheard;

impl Witness for Unheard {
    fn record(&self, served: Served) {
        std::hint::black_box(served);
    }
}

fn vault() -> HashicorpVault {
    HashicorpVault::new(HashicorpConfig {
        address: "vault.example.com".to_owned(),
        clock: Clock::system(),
        entropy: Entropy::from_seed(7),
        fingerprinter: Fingerprinter::from_key([7; 32]),
        mounts: vec![Mount {
            path: "secret".to_owned(),
            kind: MountKind::KvV2,
        }],
        policies: BTreeMap::from([(
            "reader".to_owned(),
            vec![("secret/data/*".to_owned(), vec![Capability::Read])],
        )]),
        kubernetes: Vec::new(),
        jwt: Vec::new(),
        tokens: vec![StaticToken {
            name: "reader".to_owned(),
            token: SecretValue::new("hvs.reader"),
            policies: vec!["reader".to_owned()],
            ttl: None,
        }],
    })
}

fn reads(criterion: &mut Criterion) {
    let vault = vault();
    let send = |request: Request<Bytes>| {
        let answer = futures::executor::block_on(vault.serve(request, &Unheard));
        assert_eq!(answer.status(), 200);
    };
    let root = vault.root_token();
    for n in 0..1000 {
        let request = Request::post(format!("https://vault.example.com/v1/secret/data/team/{n}"))
            .header("x-vault-token", root.expose())
            .body(Bytes::from(r#"{"data":{"user":"u","password":"p"}}"#));
        send(request.unwrap());
    }
    let mut group = criterion.benchmark_group("hashicorp");
    group.throughput(Throughput::Elements(1));
    let mut n = 0;
    group.bench_function("kv-v2 read", |bencher| {
        bencher.iter(|| {
            n = (n + 1) % 1000;
            let request =
                Request::get(format!("https://vault.example.com/v1/secret/data/team/{n}"))
                    .header("x-vault-token", "hvs.reader")
                    .body(Bytes::new());
            send(request.unwrap());
        });
    });
    group.finish();
}

criterion_group!(benches, reads);
criterion_main!(benches);
