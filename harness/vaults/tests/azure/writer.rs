//! The writer, over in-memory HTTP, as the harness uses it.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use indexmap::IndexMap;
use rotaproof_base::{Listen, SecretValue, TaskGroup, memory};
use rotaproof_egress::Client;
use rotaproof_vaults::azure::AzureWriter;
use rotaproof_vaults::{Content, Removal, Strategy, Vault, WriteError, Writer};

use crate::lab::{HOST, Journal, Lab};

fn text(value: &str) -> Content {
    Content::Text(SecretValue::new(value))
}

fn writer(lab: &Lab, tasks: &TaskGroup) -> AzureWriter {
    let (dialer, mut listener) = memory();
    let (vault, handle) = (lab.vault.clone(), tasks.handle());
    tasks.spawn(async move {
        while let Ok(io) = listener.accept().await {
            let vault = vault.clone();
            handle.spawn(async move {
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let vault = vault.clone();
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let request = http::Request::from_parts(parts, body);
                        Ok::<_, Infallible>(vault.serve(request, &Journal::default()).await)
                    }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(io), service)
                    .await;
            });
        }
    });
    let client = Client::builder(lab.clock.clone())
        .direct(Arc::new(dialer))
        .build()
        .unwrap();
    AzureWriter::new(
        client,
        "http",
        HOST,
        lab.vault.administrator(),
        lab.clock.clone(),
    )
}

#[tokio::test(start_paused = true)]
async fn each_write_is_a_version_and_a_roll_back_is_one_too() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let writer = writer(&lab, &tasks);
    let first = writer.create("x", &text("one")).await.unwrap().version;
    let second = writer
        .rotate("x", &text("two"), None, Strategy::Put)
        .await
        .unwrap()
        .version;
    let third = writer
        .roll_back("x", &first, &text("one"))
        .await
        .unwrap()
        .version;
    assert!(first != third && second != third);
    let token = lab.administrator().await;
    let read = lab.get(&token, "/secrets/x/").await;
    assert_eq!(
        (read.version(), read.body["value"].as_str()),
        (third, Some("one"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_disabled_newest_version_leaves_nothing_current_until_it_is_enabled() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let writer = writer(&lab, &tasks);
    writer.create("x", &text("one")).await.unwrap();
    let second = writer
        .rotate("x", &text("two"), None, Strategy::Put)
        .await
        .unwrap()
        .version;
    assert_eq!(writer.disable("x", &second).await.unwrap().version, "");
    assert_eq!(writer.enable("x", &second).await.unwrap().version, second);
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_comes_back_unless_it_was_forced() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let writer = writer(&lab, &tasks);
    let first = writer.create("x", &text("one")).await.unwrap().version;
    writer.remove("x", Removal::Recoverable).await.unwrap();
    assert_eq!(writer.restore("x").await.unwrap().version, first);
    writer.remove("x", Removal::Forced).await.unwrap();
    let error = writer.restore("x").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "SecretRecover on x was refused: SecretNotFound: Deleted Secret not found: x"
    );
}

#[tokio::test(start_paused = true)]
async fn what_key_vault_cannot_do_is_unsupported() {
    let (lab, tasks) = (Lab::new(), TaskGroup::new());
    let writer = writer(&lab, &tasks);
    let fields = Content::Fields(IndexMap::from([("a".to_owned(), SecretValue::new("b"))]));
    for error in [
        writer.create("x", &fields).await.unwrap_err(),
        writer.destroy("x", "v").await.unwrap_err(),
        writer
            .rotate("x", &text("v"), None, Strategy::Staged)
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, WriteError::Unsupported { .. }), "{error}");
    }
}
