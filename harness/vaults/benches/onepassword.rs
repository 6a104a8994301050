//! Item reads per second at the `Vault` trait: routing, token, scope, state, answer and record, without a socket.
#![allow(missing_docs, clippy::unwrap_used)]

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{Method, Request};
use http_body_util::BodyExt;
use rotaproof_base::{Clock, Entropy, Fingerprinter};
use rotaproof_vaults::onepassword::{
    Access, ConnectToken, ConnectVault, OnePasswordConfig, OnePasswordConnect, draw_token,
};
use rotaproof_vaults::{Served, Vault, Witness};
use serde_json::{Value, json};

struct Unheard;

impl Witness for Unheard {
    fn record(&self, served: Served) {
        std::hint::black_box(served);
    }
}

fn connect() -> (OnePasswordConnect, String) {
    let entropy = Entropy::from_seed(7);
    let token = draw_token(&entropy.fork("reader"));
    let header = format!("Bearer {}", token.expose_str().unwrap());
    let access = Access {
        read: true,
        write: true,
    };
    let connect = OnePasswordConnect::new(OnePasswordConfig {
        address: "connect.example.com".to_owned(),
        clock: Clock::system(),
        entropy,
        fingerprinter: Fingerprinter::from_key([7; 32]),
        vaults: vec![ConnectVault {
            name: "production".to_owned(),
            documents: Vec::new(),
        }],
        tokens: vec![ConnectToken {
            name: "reader".to_owned(),
            token,
            vaults: vec![("production".to_owned(), access)],
            ttl: None,
        }],
    });
    (connect, header)
}

fn reads(criterion: &mut Criterion) {
    let (connect, header) = connect();
    let send = |method: Method, path: &str, body: String| -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://connect.example.com{path}"))
            .header("authorization", &header)
            .body(Bytes::from(body));
        let answer = futures::executor::block_on(async {
            let answer = connect.serve(request.unwrap(), &Unheard).await;
            assert_eq!(answer.status(), 200);
            answer.into_body().collect().await.unwrap().to_bytes()
        });
        serde_json::from_slice(&answer).unwrap()
    };
    let vault = send(Method::GET, "/v1/vaults", String::new())[0]["id"].clone();
    let items = format!("/v1/vaults/{}/items", vault.as_str().unwrap());
    let paths: Vec<String> = (0..1000)
        .map(|n| {
            let item = json!({
                "title": format!("item {n}"), "category": "LOGIN", "vault": {"id": vault},
                "fields": [
                    {"purpose": "USERNAME", "type": "STRING", "value": "u"},
                    {"purpose": "PASSWORD", "type": "CONCEALED", "value": "p"},
                ],
            });
            let made = send(Method::POST, &items, item.to_string());
            format!("{items}/{}", made["id"].as_str().unwrap())
        })
        .collect();
    let mut group = criterion.benchmark_group("onepassword");
    group.throughput(Throughput::Elements(1));
    let read = |path: &str| {
        let request = Request::get(format!("https://connect.example.com{path}"))
            .header("authorization", &header)
            .body(Bytes::new());
        let answer = futures::executor::block_on(connect.serve(request.unwrap(), &Unheard));
        assert_eq!(answer.status(), 200);
    };
    let mut n = 0;
    group.bench_function("GetVaultItemById", |bencher| {
        bencher.iter(|| {
            n = (n + 1) % paths.len();
            read(&paths[n]);
        });
    });
    group.bench_function("GetVaultItems by title, of 1000", |bencher| {
        bencher.iter(|| {
            n = (n + 1) % paths.len();
            read(&format!("{items}?filter=title+eq+%22item+{n}%22"));
        });
    });
    group.finish();
}

criterion_group!(benches, reads);
criterion_main!(benches);
