//! The writer against the emulator, over connections in memory.

use std::sync::Arc;

use http::Request;
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use indexmap::IndexMap;
use rotaproof_base::{Listen, SecretValue, TaskGroup, memory};
use rotaproof_egress::Client;
use rotaproof_vaults::gcp::GcpWriter;
use rotaproof_vaults::{Content, Removal, Served, Strategy, Vault, Witness, WriteError, Writer};

use crate::lab::Lab;

struct Unheard;

impl Witness for Unheard {
    fn record(&self, _: Served) {}
}

fn writer(lab: &Lab, token: &str, tasks: &TaskGroup) -> GcpWriter {
    let (dialer, mut listener) = memory();
    let (vault, handle) = (lab.vault.clone(), tasks.handle());
    tasks.spawn(async move {
        while let Ok(stream) = listener.accept().await {
            let vault = vault.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let vault = vault.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let bytes = body.collect().await?.to_bytes();
                    let request = Request::from_parts(parts, bytes);
                    Ok::<_, hyper::Error>(vault.serve(request, &Unheard).await)
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
        .build();
    let url = "http://secretmanager.googleapis.com";
    let token = SecretValue::new(token);
    GcpWriter::new(
        client.unwrap(),
        url,
        "my-project-id",
        token,
        lab.clock.clone(),
    )
}

fn text(value: &str) -> Content {
    Content::Text(SecretValue::new(value))
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_created_rotated_and_rolled_back_by_new_versions() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let writer = writer(&lab, &lab.administrator, &tasks);
    assert_eq!(
        writer.create("api-key", &text("v1")).await.unwrap().version,
        "1"
    );
    let ack = writer
        .rotate("api-key", &text("v2"), None, Strategy::Put)
        .await
        .unwrap();
    assert_eq!(ack.version, "2");
    let ack = writer.roll_back("api-key", "1", &text("v1")).await.unwrap();
    assert_eq!(ack.version, "3");
    assert_eq!(lab.access("api-key", "latest").await.as_deref(), Ok("v1"));
    assert_eq!(lab.access("api-key", "2").await.as_deref(), Ok("v2"));
}

#[tokio::test(start_paused = true)]
async fn fields_are_one_json_object() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let fields = IndexMap::from([
        ("user".to_owned(), SecretValue::new("u")),
        ("password".to_owned(), SecretValue::new("p")),
    ]);
    let writer = writer(&lab, &lab.administrator, &tasks);
    writer.create("db", &Content::Fields(fields)).await.unwrap();
    let held = lab.access("db", "latest").await.unwrap();
    assert_eq!(held, r#"{"user":"u","password":"p"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_version_is_disabled_enabled_destroyed_and_a_secret_deleted() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let writer = writer(&lab, &lab.administrator, &tasks);
    writer.create("api-key", &text("v1")).await.unwrap();
    writer.disable("api-key", "1").await.unwrap();
    assert!(lab.access("api-key", "1").await.is_err());
    writer.enable("api-key", "1").await.unwrap();
    assert!(lab.access("api-key", "1").await.is_ok());
    writer.destroy("api-key", "1").await.unwrap();
    assert!(lab.access("api-key", "1").await.is_err());
    writer.remove("api-key", Removal::Forced).await.unwrap();
    let error = writer
        .destroy("api-key", "1")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("DestroySecretVersion on api-key was refused: NOT_FOUND: "),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_secret_manager_does_not_have_is_unsupported() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let writer = writer(&lab, &lab.administrator, &tasks);
    for strategy in [Strategy::Staged, Strategy::CheckAndSet, Strategy::Patch] {
        let refused = writer.rotate("x", &text("v"), None, strategy).await;
        assert!(matches!(refused, Err(WriteError::Unsupported { .. })));
    }
    let refused = writer.remove("x", Removal::Recoverable).await;
    assert!(matches!(refused, Err(WriteError::Unsupported { .. })));
    assert!(matches!(
        writer.restore("x").await,
        Err(WriteError::Unsupported { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_writer_without_a_token_is_refused_in_googles_words() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let error = writer(&lab, "garbage", &tasks)
        .create("x", &text("v"))
        .await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("UNAUTHENTICATED: Request had invalid"),
        "{error}"
    );
}
