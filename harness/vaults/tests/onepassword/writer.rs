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
use rotaproof_vaults::onepassword::OnePasswordWriter;
use rotaproof_vaults::{Content, Removal, Served, Strategy, Vault, Witness, WriteError, Writer};
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{Lab, token};

struct Unheard;

impl Witness for Unheard {
    fn record(&self, _: Served) {}
}

struct Bench {
    lab: Lab,
    writer: OnePasswordWriter,
    _tasks: TaskGroup,
}

impl Bench {
    fn new() -> Self {
        let lab = Lab::new();
        let administrator = lab.connect.administrator();
        Self::with_token(lab, administrator)
    }

    fn with_token(lab: Lab, token: SecretValue) -> Self {
        let (dialer, mut listener) = memory();
        let tasks = TaskGroup::new();
        let handle = tasks.handle();
        let connect = lab.connect.clone();
        tasks.spawn(async move {
            while let Ok(stream) = listener.accept().await {
                let connect = connect.clone();
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let connect = connect.clone();
                    async move {
                        let (parts, body) = request.into_parts();
                        let bytes: Bytes = body.collect().await?.to_bytes();
                        let request = Request::from_parts(parts, bytes);
                        Ok::<_, hyper::Error>(connect.serve(request, &Unheard).await)
                    }
                });
                handle.spawn(async move {
                    let io = TokioIo::new(stream);
                    drop(http1::Builder::new().serve_connection(io, service).await);
                });
            }
        });
        let client = Client::builder(lab.clock.clone())
            .direct(Arc::new(dialer))
            .build()
            .unwrap();
        let clock = lab.clock.clone();
        let writer = OnePasswordWriter::new(client, "http://connect.example.com/", token, clock);
        Self {
            lab,
            writer,
            _tasks: tasks,
        }
    }

    /// The item of this title.
    async fn item(&self, vault: &str, title: &str) -> Option<Value> {
        let vault = self.lab.vault(vault).await;
        let items = format!("/v1/vaults/{vault}/items");
        let all = self.lab.get(&items).await;
        let all = all.as_array().unwrap();
        let found = all.iter().find(|item| item["title"] == title)?;
        let id = found["id"].as_str().unwrap();
        Some(self.lab.get(&format!("{items}/{id}")).await)
    }

    /// Its values by label.
    async fn values(&self, title: &str) -> Value {
        let item = self.item("production", title).await.unwrap();
        let fields = item["fields"].as_array().unwrap().iter();
        let valued = fields.filter(|field| !field["value"].is_null());
        valued
            .map(|field| {
                (
                    field["label"].as_str().unwrap().to_owned(),
                    field["value"].clone(),
                )
            })
            .collect()
    }
}

fn content(fields: &[(&str, &str)]) -> Content {
    let fields = fields
        .iter()
        .map(|(k, v)| ((*k).to_owned(), SecretValue::new(*v)));
    Content::Fields(fields.collect::<IndexMap<_, _>>())
}

#[rstest]
#[case::login(&[("username", "u"), ("password", "p")], "LOGIN")]
#[case::password(&[("password", "p"), ("host", "h")], "PASSWORD")]
#[case::note(&[("access key", "a")], "SECURE_NOTE")]
#[tokio::test(start_paused = true)]
async fn an_item_is_created_once_in_the_category_of_its_fields(
    #[case] fields: &[(&str, &str)],
    #[case] category: &str,
) {
    let bench = Bench::new();
    let first = content(fields);
    let name = "production/team a/\"git\"";
    let ack = bench.writer.create(name, &first).await.unwrap();
    assert_eq!(ack.version, "1");
    assert_eq!(ack.at, bench.lab.clock.now());
    let item = bench.item("production", "team a/\"git\"").await.unwrap();
    assert_eq!(item["category"], category);
    let expected: Value = fields
        .iter()
        .map(|(k, v)| ((*k).to_owned(), json!(v)))
        .collect();
    assert_eq!(bench.values("team a/\"git\"").await, expected);
    let again = bench.writer.create(name, &first).await.unwrap_err();
    assert!(
        again.to_string().ends_with("an item of this title exists"),
        "{again}"
    );
}

#[rstest]
#[case(Strategy::Put)]
#[case(Strategy::Patch)]
#[tokio::test(start_paused = true)]
async fn every_strategy_makes_the_content_current_and_keeps_what_is_no_value(
    #[case] strategy: Strategy,
) {
    let bench = Bench::new();
    let (_, before) = bench.lab.login("git", "p1").await;
    let after = content(&[("username", "jovyan"), ("password", "p2"), ("new", "n")]);
    let ack = bench
        .writer
        .rotate("production/git", &after, None, strategy)
        .await
        .unwrap();
    assert_eq!(ack.version, "2");
    let expected = json!({"username": "jovyan", "password": "p2", "new": "n"});
    assert_eq!(bench.values("git").await, expected);
    let item = bench.item("production", "git").await.unwrap();
    for member in ["id", "tags", "urls", "sections", "category"] {
        assert_eq!(item[member], before[member], "{member}");
    }
    assert_eq!(item["fields"][1]["id"], "password");
}

#[tokio::test(start_paused = true)]
async fn an_earlier_content_comes_back_as_a_new_version() {
    let bench = Bench::new();
    let (one, two) = (content(&[("password", "1")]), content(&[("password", "2")]));
    let name = "production/a";
    bench.writer.create(name, &one).await.unwrap();
    bench
        .writer
        .rotate(name, &two, None, Strategy::Put)
        .await
        .unwrap();
    let ack = bench.writer.roll_back(name, "1", &one).await.unwrap();
    assert_eq!(ack.version, "3");
    assert_eq!(bench.values("a").await, json!({"password": "1"}));
}

#[tokio::test(start_paused = true)]
async fn an_item_is_removed_for_good_and_in_no_other_way() {
    let bench = Bench::new();
    let name = "production/a";
    bench
        .writer
        .create(name, &content(&[("k", "1")]))
        .await
        .unwrap();
    let kept = bench
        .writer
        .remove(name, Removal::Recoverable)
        .await
        .unwrap_err();
    assert_eq!(
        kept.to_string(),
        "1Password Connect has no recoverable delete"
    );
    bench.writer.remove(name, Removal::Forced).await.unwrap();
    assert!(bench.item("production", "a").await.is_none());
    let gone = bench
        .writer
        .remove(name, Removal::Forced)
        .await
        .unwrap_err();
    assert!(matches!(gone, WriteError::Refused { .. }), "{gone}");
    for outcome in [
        bench.writer.restore(name).await,
        bench.writer.destroy(name, "1").await,
        bench.writer.disable(name, "1").await,
        bench.writer.enable(name, "1").await,
    ] {
        assert!(matches!(outcome, Err(WriteError::Unsupported { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_body_is_the_field_password() {
    let bench = Bench::new();
    let plain = Content::Text(SecretValue::new("p"));
    bench
        .writer
        .create("production/plain", &plain)
        .await
        .unwrap();
    assert_eq!(bench.values("plain").await, json!({"password": "p"}));
}

#[rstest]
#[case(Strategy::Staged, "1Password Connect has no staged rotation")]
#[case(Strategy::CheckAndSet, "1Password Connect has no check-and-set")]
#[tokio::test(start_paused = true)]
async fn what_connect_has_not_is_said(#[case] strategy: Strategy, #[case] message: &str) {
    let bench = Bench::new();
    let one = content(&[("k", "1")]);
    let error = bench
        .writer
        .rotate("production/a", &one, None, strategy)
        .await;
    assert_eq!(error.unwrap_err().to_string(), message);
}

#[tokio::test(start_paused = true)]
async fn what_connect_refuses_is_told_without_a_value_or_a_token() {
    let lab = Lab::new();
    lab.login("git", "p1").await;
    let bench = Bench::with_token(lab, SecretValue::new(token("reader")));
    let one = content(&[("password", "hunter2")]);
    let errors = [
        bench
            .writer
            .rotate("production/git", &one, None, Strategy::Put)
            .await
            .unwrap_err(),
        bench.writer.create("staging/a", &one).await.unwrap_err(),
        bench.writer.create("production", &one).await.unwrap_err(),
    ];
    let texts = errors.map(|error| error.to_string());
    assert!(
        texts[0]
            .ends_with("403 Forbidden: Authorization: token does not have write access to vault"),
        "{}",
        texts[0]
    );
    assert!(
        texts[1].ends_with("0 have the name \"staging\""),
        "{}",
        texts[1]
    );
    assert!(
        texts[2].ends_with("a secret is named vault/item"),
        "{}",
        texts[2]
    );
    assert!(
        texts
            .iter()
            .all(|text| !text.contains("hunter2") && !text.contains(&token("reader")))
    );
}
