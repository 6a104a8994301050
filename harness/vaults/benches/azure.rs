//! Key Vault GETs per second at the `Vault` trait: routing, token, role, state, answer and record, without a socket.
#![allow(missing_docs, clippy::unwrap_used)]

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter};
use rotaproof_vaults::azure::{AzureConfig, AzureVault, LOGIN_HOST, RESOURCE};
use rotaproof_vaults::{Served, Vault, Witness};

const HOST: &str = "my-vault.vault.azure.net";
const TENANT: &str = "11111111-2222-4333-8444-555555555555";

struct Unheard;

impl Witness for Unheard {
    fn record(&self, served: Served) {
        std::hint::black_box(served);
    }
}

fn send(vault: &AzureVault, request: Request<Bytes>) -> Bytes {
    futures::executor::block_on(async {
        let answer = vault.serve(request, &Unheard).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body().collect().await.unwrap().to_bytes()
    })
}

/// A token of the application that may do everything.
fn token(vault: &AzureVault) -> String {
    let it = vault.administrator();
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &it.client_id)
        .append_pair("client_secret", it.client_secret.expose_str().unwrap())
        .append_pair("resource", RESOURCE)
        .finish();
    let request = Request::post(format!("/{TENANT}/oauth2/token"))
        .header(header::HOST, LOGIN_HOST)
        .body(Bytes::from(form));
    let body: serde_json::Value = serde_json::from_slice(&send(vault, request.unwrap())).unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

fn reads(criterion: &mut Criterion) {
    let vault = AzureVault::new(AzureConfig {
        host: HOST.to_owned(),
        tenant: TENANT.to_owned(),
        clock: Clock::system(),
        entropy: Entropy::from_seed(7),
        fingerprinter: Fingerprinter::from_key([7; 32]),
        verifier: Issuer::generate("https://cluster.example")
            .unwrap()
            .verifier(),
        principals: Vec::new(),
    })
    .unwrap();
    let bearer = format!("Bearer {}", token(&vault));
    let request = |request: http::request::Builder| {
        request
            .header(header::HOST, HOST)
            .header(header::AUTHORIZATION, &bearer)
    };
    for n in 0..1000 {
        let set = request(Request::put(format!("/secrets/s-{n}?api-version=7.6")));
        send(&vault, set.body(Bytes::from(r#"{"value":"v"}"#)).unwrap());
    }
    let mut group = criterion.benchmark_group("azure");
    group.throughput(Throughput::Elements(1));
    let mut n = 0;
    group.bench_function("SecretGet", |bencher| {
        bencher.iter(|| {
            n = (n + 1) % 1000;
            let get = request(Request::get(format!("/secrets/s-{n}/?api-version=7.6")));
            send(&vault, get.body(Bytes::new()).unwrap());
        });
    });
    group.finish();
}

criterion_group!(benches, reads);
criterion_main!(benches);
