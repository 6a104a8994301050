//! The writer against the emulator, over connections in memory.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use indexmap::IndexMap;
use rotaproof_base::{Listen, SecretValue, TaskGroup, memory};
use rotaproof_egress::Client;
use rotaproof_vaults::hashicorp::HashicorpWriter;
use rotaproof_vaults::{Content, Removal, Served, Strategy, Vault, Witness, WriteError, Writer};
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{Lab, mounts};

struct Unheard;

impl Witness for Unheard {
    fn record(&self, _: Served) {}
}

struct Bench {
    lab: Lab,
    writer: HashicorpWriter,
    _tasks: TaskGroup,
}

impl Bench {
    fn new() -> Self {
        let lab = Lab::new();
        let root = lab.vault.root_token();
        Self::with_token(lab, root)
    }

    fn with_token(lab: Lab, token: SecretValue) -> Self {
        let (dialer, mut listener) = memory();
        let tasks = TaskGroup::new();
        let handle = tasks.handle();
        let vault = lab.vault.clone();
        tasks.spawn(async move {
            while let Ok(stream) = listener.accept().await {
                let vault = vault.clone();
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let vault = vault.clone();
                    async move {
                        let (parts, body) = request.into_parts();
                        let bytes: Bytes = body.collect().await?.to_bytes();
                        let request = Request::from_parts(parts, bytes);
                        Ok::<_, hyper::Error>(vault.serve(request, &Unheard).await)
                    }
                });
                handle.spawn(async move {
                    let served =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    drop(served.await);
                });
            }
        });
        let client = Client::builder(lab.clock.clone())
            .direct(Arc::new(dialer))
            .build()
            .unwrap();
        let writer = HashicorpWriter::new(
            client,
            "http://vault.example.com/",
            token,
            mounts(),
            lab.clock.clone(),
        );
        Self {
            lab,
            writer,
            _tasks: tasks,
        }
    }

    async fn read(&self, path: &str) -> (u16, Value) {
        let (status, answer) = self.lab.root("GET", path, Value::Null).await;
        (status, answer["data"]["data"].clone())
    }
}

fn content(fields: &[(&str, &str)]) -> Content {
    let fields = fields
        .iter()
        .map(|(k, v)| ((*k).to_owned(), SecretValue::new(*v)));
    Content::Fields(fields.collect::<IndexMap<_, _>>())
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_created_once() {
    let bench = Bench::new();
    let first = content(&[("user", "u"), ("password", "p1")]);
    let ack = bench.writer.create("secret/git/a b", &first).await.unwrap();
    assert_eq!(ack.version, "1");
    assert_eq!(ack.at, bench.lab.clock.now());
    let data = json!({"password": "p1", "user": "u"});
    assert_eq!(bench.read("secret/data/git/a%20b").await, (200, data));
    let again = bench
        .writer
        .create("secret/git/a b", &first)
        .await
        .unwrap_err();
    let text = again.to_string();
    assert!(
        text.contains("check-and-set parameter did not match"),
        "{text}"
    );
    assert!(
        !text.contains("p1") && !text.contains(&bench.lab.root),
        "{text}"
    );
}

#[rstest]
#[case(Strategy::Put)]
#[case(Strategy::CheckAndSet)]
#[case(Strategy::Patch)]
#[tokio::test(start_paused = true)]
async fn every_strategy_makes_the_content_current(#[case] strategy: Strategy) {
    let bench = Bench::new();
    let before = content(&[("user", "u"), ("password", "p1"), ("old", "x")]);
    let after = content(&[("user", "u"), ("password", "p2")]);
    bench.writer.create("secret/a", &before).await.unwrap();
    let ack = bench
        .writer
        .rotate("secret/a", &after, Some(&before), strategy)
        .await
        .unwrap();
    assert_eq!(ack.version, "2");
    let data = json!({"password": "p2", "user": "u"});
    assert_eq!(bench.read("secret/data/a").await, (200, data));
}

#[tokio::test(start_paused = true)]
async fn an_earlier_content_comes_back_as_a_new_version() {
    let bench = Bench::new();
    let (one, two) = (content(&[("k", "1")]), content(&[("k", "2")]));
    bench.writer.create("secret/a", &one).await.unwrap();
    bench
        .writer
        .rotate("secret/a", &two, Some(&one), Strategy::Put)
        .await
        .unwrap();
    let ack = bench.writer.roll_back("secret/a", "1", &one).await.unwrap();
    assert_eq!(ack.version, "3");
    assert_eq!(bench.read("secret/data/a").await, (200, json!({"k": "1"})));
}

#[tokio::test(start_paused = true)]
async fn a_removed_secret_is_restored_and_a_forced_one_is_not() {
    let bench = Bench::new();
    bench
        .writer
        .create("secret/a", &content(&[("k", "1")]))
        .await
        .unwrap();
    bench
        .writer
        .remove("secret/a", Removal::Recoverable)
        .await
        .unwrap();
    assert_eq!(bench.read("secret/data/a").await, (404, Value::Null));
    assert_eq!(bench.writer.restore("secret/a").await.unwrap().version, "1");
    assert_eq!(bench.read("secret/data/a").await.0, 200);
    bench.writer.destroy("secret/a", "1").await.unwrap();
    assert_eq!(bench.read("secret/data/a").await, (404, Value::Null));
    bench
        .writer
        .remove("secret/a", Removal::Forced)
        .await
        .unwrap();
    let error = bench.writer.restore("secret/a").await.unwrap_err();
    assert!(matches!(error, WriteError::Refused { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn text_becomes_data_where_it_is_an_object_and_a_value_otherwise() {
    let bench = Bench::new();
    let object = Content::Text(SecretValue::new(r#"{"a":{"b":1}}"#));
    bench.writer.create("secret/object", &object).await.unwrap();
    assert_eq!(
        bench.read("secret/data/object").await.1,
        json!({"a": {"b": 1}})
    );
    let plain = Content::Text(SecretValue::new("plain"));
    bench.writer.create("secret/plain", &plain).await.unwrap();
    assert_eq!(
        bench.read("secret/data/plain").await.1,
        json!({"value": "plain"})
    );
}

#[tokio::test(start_paused = true)]
async fn kv_v1_is_written_and_deleted_and_has_no_versions() {
    let bench = Bench::new();
    let one = content(&[("k", "1")]);
    assert_eq!(
        bench.writer.create("kv1/a", &one).await.unwrap().version,
        ""
    );
    let (status, answer) = bench.lab.root("GET", "kv1/a", Value::Null).await;
    assert_eq!((status, &answer["data"]), (200, &json!({"k": "1"})));
    let cas = bench
        .writer
        .rotate("kv1/a", &one, None, Strategy::CheckAndSet)
        .await;
    assert!(matches!(cas, Err(WriteError::Unsupported { .. })));
    bench.writer.remove("kv1/a", Removal::Forced).await.unwrap();
    assert_eq!(bench.lab.root("GET", "kv1/a", Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn what_vault_has_not_and_what_it_refuses_are_told_apart() {
    let lab = Lab::new();
    let bench = Bench::with_token(lab, SecretValue::new("hvs.reader"));
    let one = content(&[("k", "1")]);
    let staged = bench
        .writer
        .rotate("secret/a", &one, None, Strategy::Staged)
        .await
        .unwrap_err();
    assert_eq!(staged.to_string(), "HashiCorp Vault has no staged rotation");
    let denied = bench.writer.create("secret/a", &one).await.unwrap_err();
    assert!(matches!(denied, WriteError::Refused { .. }));
    assert!(
        denied.to_string().contains("permission denied")
            && !denied.to_string().contains("hvs.reader")
    );
    let nowhere = bench.writer.create("nope/a", &one).await.unwrap_err();
    assert!(
        nowhere.to_string().ends_with("no mount holds this path"),
        "{nowhere}"
    );
}

#[tokio::test(start_paused = true)]
async fn tags_are_set() {
    let bench = Bench::new();
    bench
        .writer
        .create("secret/a", &content(&[("k", "1")]))
        .await
        .unwrap();
    let tags = [("env".to_owned(), "prod".to_owned())].into();
    bench
        .writer
        .set_custom_metadata("secret/a", &tags)
        .await
        .unwrap();
    let (_, answer) = bench
        .lab
        .root("GET", "secret/metadata/a", Value::Null)
        .await;
    assert_eq!(answer["data"]["custom_metadata"], json!({"env": "prod"}));
}
