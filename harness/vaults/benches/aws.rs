//! GetSecretValue on the AWS emulator: signature verified, policy checked, value served. The goal is 10,000 per second.

use std::hint::black_box;
use std::time::SystemTime;

use aws_sdk_secretsmanager::config::Credentials as SdkCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use http::Request;
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter};
use rotaproof_vaults::aws::{AwsConfig, AwsVault};
use rotaproof_vaults::{Served, Vault, Witness};

struct Nobody;

impl Witness for Nobody {
    fn record(&self, served: Served) {
        black_box(served);
    }
}

fn request(vault: &AwsVault, clock: &Clock, operation: &str, body: &str) -> Option<Request<Bytes>> {
    let host = "secretsmanager.us-east-1.amazonaws.com";
    let mut request = Request::post(format!("http://{host}/"))
        .header("host", host)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("secretsmanager.{operation}"))
        .body(Bytes::from(body.to_owned()))
        .ok()?;
    let credentials = vault.administrator();
    let secret = credentials.secret_access_key.expose_str()?;
    let identity =
        SdkCredentials::new(&credentials.access_key_id, secret, None, None, "bench").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("secretsmanager")
        .time(SystemTime::from(clock))
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let uri = request.uri().to_string();
    let signable =
        SignableRequest::new("POST", uri, headers, SignableBody::Bytes(request.body())).ok()?;
    let (instructions, _) = sign(signable, &params).ok()?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Some(request)
}

fn main() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    let mut criterion = Criterion::default().configure_from_args();
    let entered = runtime.enter();
    let clock = Clock::system();
    let entropy = Entropy::from_seed(1);
    let vault = AwsVault::new(AwsConfig {
        region: "us-east-1".into(),
        account: "123456789012".into(),
        clock: clock.clone(),
        fingerprinter: Fingerprinter::draw(&entropy),
        entropy,
        verifier: Verifier::from_jwks("https://cluster", &serde_json::Value::Null),
        roles: Vec::new(),
        keys: Vec::new(),
    });
    drop(entered);
    let create = r#"{"Name":"prod/a","SecretString":"{\"k\":\"v\"}","ClientRequestToken":"11111111-1111-4111-8111-111111111111"}"#;
    let requests = [
        ("CreateSecret", create),
        ("GetSecretValue", r#"{"SecretId":"prod/a"}"#),
    ]
    .map(|(operation, body)| request(&vault, &clock, operation, body));
    let [Some(create), Some(get)] = requests else {
        return;
    };
    assert!(
        runtime
            .block_on(vault.serve(create, &Nobody))
            .status()
            .is_success()
    );
    assert!(
        runtime
            .block_on(vault.serve(get.clone(), &Nobody))
            .status()
            .is_success()
    );
    let mut group = criterion.benchmark_group("aws");
    group.throughput(Throughput::Elements(1));
    group.bench_function("verify and serve GetSecretValue", |bencher| {
        bencher.iter(|| runtime.block_on(vault.serve(get.clone(), &Nobody)));
    });
    group.finish();
    criterion.final_summary();
}
