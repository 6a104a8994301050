//! Two figures that need several parts at once: GetSecretValue through the gateway, and a burst of ExternalSecrets.
//!
//! `cargo bench -p rotaproof-cluster --bench throughput`

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use futures::StreamExt;
use futures::future::try_join_all;
use http::Request;
use kube::api::{Api, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, watcher};
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue, TaskGroup, TcpDialer, memory};
use rotaproof_cluster::{Embedded, Lane, Wanted};
use rotaproof_gateway::{Config, Gateway};
use rotaproof_vaults::aws::{AwsConfig, AwsVault, AwsWriter};
use rotaproof_vaults::{Content, Writer};
use serde_json::json;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const HOST: &str = "secretsmanager.us-east-1.amazonaws.com";
/// Connections at once, and requests on each.
const CONNECTIONS: u64 = 8;
const REQUESTS: u64 = 250;
/// ExternalSecrets in the burst.
const BURST: usize = 2000;

fn main() -> Result<(), Failure> {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    get_secret_value(&mut criterion)?;
    burst(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// CONNECT, TLS, SigV4 verified, value served, journal written; over TCP loopback, on connections that stay open.
fn get_secret_value(criterion: &mut Criterion) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let tasks = TaskGroup::new();
    let (clients, request) = runtime.block_on(serve(&tasks))?;
    let mut group = criterion.benchmark_group("gateway");
    group.throughput(Throughput::Elements(CONNECTIONS * REQUESTS));
    group.bench_function("GetSecretValue", |bencher| {
        bencher.iter(|| {
            let sent = clients.iter().map(|client| {
                let (client, request) = (client.clone(), request.clone());
                runtime.spawn(async move {
                    for _ in 0..REQUESTS {
                        let response = client.send(request.clone()).await;
                        assert!(response.is_ok_and(|response| response.status() == 200));
                    }
                })
            });
            // A request that failed has ended its task with a panic.
            assert!(runtime.block_on(try_join_all(sent)).is_ok());
        });
    });
    group.finish();
    runtime.block_on(tasks.shutdown());
    Ok(())
}

async fn serve(
    tasks: &TaskGroup,
) -> Result<(Vec<rotaproof_egress::Client>, Request<Bytes>), Failure> {
    let (clock, entropy) = (Clock::system(), Entropy::from_seed(1));
    let gateway = Gateway::new(Config {
        clock: clock.clone(),
        entropy: entropy.clone(),
    })?;
    let vault = AwsVault::new(AwsConfig {
        region: "us-east-1".into(),
        account: "123456789012".into(),
        clock: clock.clone(),
        fingerprinter: Fingerprinter::draw(&entropy),
        entropy: entropy.clone(),
        verifier: Verifier::from_jwks("https://cluster", &serde_json::Value::Null),
        roles: Vec::new(),
        keys: Vec::new(),
    });
    let administrator = vault.administrator();
    gateway.attach("aws", Arc::new(vault))?;
    let (direct, listener) = memory();
    gateway.serve_direct("aws", listener, tasks)?;
    let client = rotaproof_egress::Client::builder(clock.clone())
        .direct(Arc::new(direct))
        .build()?;
    let endpoint = format!("http://{HOST}");
    let writer = AwsWriter::new(
        client,
        &endpoint,
        "us-east-1",
        &administrator,
        clock.clone(),
        entropy,
    );
    writer
        .create("prod/a", &Content::Text(SecretValue::new("value")))
        .await?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let proxy = TcpDialer(listener.local_addr()?);
    gateway.serve(listener, tasks);
    let clients = (0..CONNECTIONS).map(|_| {
        rotaproof_egress::Client::builder(clock.clone())
            .through_proxy(Arc::new(proxy.clone()))
            .trust_pem(gateway.ca_pem())
            .build()
    });
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let secret = administrator
        .secret_access_key
        .expose_str()
        .unwrap_or_default();
    let request = signed(&administrator.access_key_id, secret, &clock)?;
    Ok((clients, request))
}

/// One request, signed once: the signature stays good for 15 minutes.
fn signed(id: &str, secret: &str, clock: &Clock) -> Result<Request<Bytes>, Failure> {
    let body = r#"{"SecretId":"prod/a","VersionStage":"AWSCURRENT"}"#;
    let mut request = Request::post(format!("https://{HOST}/"))
        .header("host", HOST)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .body(Bytes::from(body))?;
    let identity = Credentials::new(id, secret, None, None, "bench").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("secretsmanager")
        .time(SystemTime::from(clock))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let uri = request.uri().to_string();
    let signable = SignableRequest::new("POST", uri, headers, SignableBody::Bytes(request.body()))?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

/// A lab, a store, 2,000 ExternalSecrets at once, until the last has its Secret; in virtual time at ESO's tempo.
fn burst(criterion: &mut Criterion) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("operator");
    group.throughput(Throughput::Elements(BURST as u64));
    group.measurement_time(Duration::from_secs(60));
    let mut failed = None;
    group.bench_function("2000 ExternalSecrets", |bencher| {
        bencher.iter(|| {
            let synced = sync_all();
            failed = synced.err().or(failed.take());
        });
    });
    group.finish();
    failed.map_or(Ok(()), Err)
}

fn sync_all() -> Result<(), Failure> {
    let scenario = "scenario: burst
vaults:
  vault:
    kind: hashicorp-vault
    address: https://vault.example.com
    policies: { all: { \"secret/data/*\": [read] } }
    tokens: { eso: { policies: [all], secret: default/token } }
steps: []
";
    let parsed = rotaproof_scenario::parse("burst.yaml".as_ref(), scenario.as_bytes());
    let Some((scenario, _)) = parsed.ok().and_then(|cases| cases.into_iter().next()) else {
        return Err("the scenario does not parse".into());
    };
    let lane = Embedded;
    lane.runtime()?.block_on(async {
        let wanted = Wanted {
            vaults: &scenario.vaults,
            eso: &scenario.eso,
        };
        let lab = lane.start(&wanted, &Entropy::from_seed(1)).await?;
        let writer = lab.writers.get("vault").ok_or("no vault")?;
        let fields = [("password".to_owned(), SecretValue::new("value"))];
        writer.create("secret/a", &Content::Fields(fields.into_iter().collect())).await?;
        let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(lab.client.clone(), "default");
        let mut changes = watcher(secrets, watcher::Config::default().labels("reconcile.external-secrets.io/managed=true")).boxed();
        create(&lab.client, "SecretStore", "vault", json!({"provider": {"vault": {
            "server": "https://vault.example.com", "path": "secret", "version": "v2",
            "auth": {"tokenSecretRef": {"name": "token", "key": "token"}},
        }}}))
        .await?;
        for n in 0..BURST {
            let spec = json!({
                "secretStoreRef": {"name": "vault"},
                "data": [{"secretKey": "password", "remoteRef": {"key": "a", "property": "password"}}],
            });
            create(&lab.client, "ExternalSecret", &format!("es-{n}"), spec).await?;
        }
        let mut synced = std::collections::BTreeSet::new();
        while synced.len() < BURST {
            match changes.next().await.ok_or("the watch ended")?? {
                watcher::Event::Apply(secret) | watcher::Event::InitApply(secret) => {
                    synced.extend(secret.metadata.name);
                }
                _ => {}
            }
        }
        lab.cluster.stop().await;
        Ok(())
    })
}

async fn create(
    client: &kube::Client,
    kind: &str,
    name: &str,
    spec: serde_json::Value,
) -> Result<(), Failure> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("external-secrets.io", "v1", kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
    let object = DynamicObject::new(name, &resource).data(json!({"spec": spec}));
    api.create(&PostParams::default(), &object).await?;
    Ok(())
}
