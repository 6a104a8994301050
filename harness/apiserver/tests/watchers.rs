//! Memory of many watchers over many objects. The test is alone in its file: it measures its own process.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![cfg(target_os = "linux")]

mod cluster;

use cluster::Cluster;
use http::Request;
use http_body_util::{BodyExt, Full};
use rotaproof_apiserver::ApiBody;
use serde_json::json;
use tower::ServiceExt;

const SECRETS: usize = 2_000;
const WATCHERS: usize = 50;
/// What a watcher may keep; a copy of the objects would be ten times as much.
const BYTES_PER_WATCHER: usize = 64 * 1024;

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// A watch that has sent the whole list, and its size.
async fn watch(cluster: &Cluster) -> (ApiBody, usize) {
    let path = "/api/v1/secrets?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let request = Request::get(path)
        .body(Full::<bytes::Bytes>::default())
        .unwrap();
    let mut body = cluster
        .api
        .service()
        .oneshot(request)
        .await
        .unwrap()
        .into_body();
    let mut size = 0;
    loop {
        let chunk = body.frame().await.unwrap().unwrap().into_data().unwrap();
        size += chunk.len();
        let end = "initial-events-end";
        let tail = chunk.len().saturating_sub(400);
        if String::from_utf8_lossy(&chunk[tail..]).contains(end) {
            return (body, size);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_keeps_no_copy_of_what_it_was_sent() {
    let cluster = Cluster::start();
    for at in 0..SECRETS {
        let secret = json!({"metadata": {"name": format!("s{at}")}, "stringData": {"password": "x".repeat(100)}});
        let (code, _) = cluster
            .post("/api/v1/namespaces/default/secrets", secret)
            .await;
        assert_eq!(code, 201);
    }
    // The first makes the encodings that all share.
    let first = watch(&cluster).await;
    assert!(first.1 > 500_000, "{} bytes are no list of all", first.1);
    let before = resident();
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        watchers.push(watch(&cluster).await);
    }
    let each = resident().saturating_sub(before) / WATCHERS;
    assert!(each < BYTES_PER_WATCHER, "{each} bytes a watcher");
    // One more change reaches them all.
    let secret = json!({"metadata": {"name": "last"}});
    cluster
        .post("/api/v1/namespaces/default/secrets", secret)
        .await;
    for (body, _) in &mut watchers {
        let event = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(event.starts_with(b"{\"type\":\"ADDED\""));
    }
    let each = resident().saturating_sub(before) / WATCHERS;
    assert!(
        each < BYTES_PER_WATCHER,
        "{each} bytes a watcher after an event"
    );
}
