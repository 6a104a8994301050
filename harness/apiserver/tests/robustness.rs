//! What a client does wrong, or leaves undone, costs no other client anything.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod wire;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use rotaproof_base::Dial;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::{HTTP1, HTTP2, Owned, Server, request};

const SECRETS: &str = "/api/v1/namespaces/default/secrets";

async fn answers(server: &Server) -> bool {
    server.call(Method::GET, SECRETS, Value::Null).await.code == 200
}

/// Everything that the server still says on a connection that it then closes.
async fn to_the_end(mut io: impl tokio::io::AsyncRead + Unpin) -> Vec<u8> {
    let mut said = Vec::new();
    // An end without a farewell is an end too.
    let _ = io.read_to_end(&mut said).await;
    said
}

#[tokio::test]
async fn a_body_over_three_mebibytes_is_refused_in_words() {
    let server = Server::start();
    let large =
        json!({"metadata": {"name": "l"}, "stringData": {"k": "x".repeat(3 * 1024 * 1024)}});
    for protocol in [HTTP1, HTTP2] {
        let mut request = request(Method::POST, SECRETS, large.clone());
        let token = format!("Bearer {}", server.token()).parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, token);
        let answer = server.send(protocol, request).await;
        assert_eq!(answer.code, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(
            answer.json()["message"],
            "Request entity too large: limit is 3145728"
        );
    }
    assert!(answers(&server).await);
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let server = Server::start();
    let mut io = server.tls("127.0.0.1", HTTP1).await.unwrap();
    io.write_all(b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n")
        .await
        .unwrap();
    let line = format!("x-flood: {}\r\n", "y".repeat(1000));
    // It stops to read long before a mebibyte.
    for _ in 0..1024 {
        if io.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    let said = to_the_end(io).await;
    assert!(
        said.starts_with(b"HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    assert!(answers(&server).await);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_its_body_is_answered_after_a_minute() {
    let server = Server::start();
    let io = TokioIo::new(server.tls("127.0.0.1", HTTP1).await.unwrap());
    let (mut sender, connection) = http1::handshake(io).await.unwrap();
    server.tasks.spawn(async move { drop(connection.await) });
    let body = StreamBody::new(futures::stream::pending::<
        Result<http_body::Frame<Bytes>, Infallible>,
    >());
    let request = Request::post(SECRETS)
        .header("host", "127.0.0.1")
        .header(AUTHORIZATION, format!("Bearer {}", server.token()))
        .header(CONTENT_LENGTH, 100)
        .body(body)
        .unwrap();
    let began = tokio::time::Instant::now();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!(began.elapsed().as_secs(), 60);
    let status = response.into_body().collect().await.unwrap().to_bytes();
    let status: Value = serde_json::from_slice(&status).unwrap();
    assert_eq!(status["reason"], "Timeout");
}

#[tokio::test(start_paused = true)]
async fn a_half_sent_head_and_an_unused_connection_are_dropped() {
    let server = Server::start();
    let mut half = server.tls("127.0.0.1", HTTP1).await.unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nhost: 1")
        .await
        .unwrap();
    let unused = server.tls("127.0.0.1", HTTP2).await.unwrap();
    let silent = server.dialer.dial().await.unwrap();
    let began = tokio::time::Instant::now();
    to_the_end(silent).await;
    assert_eq!(
        began.elapsed(),
        Duration::from_secs(10),
        "without a handshake"
    );
    to_the_end(half).await;
    to_the_end(unused).await;
    let took = began.elapsed().as_secs();
    assert!((90..=92).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_outlives_the_time_limit_of_unused_connections() {
    let server = Server::start();
    let io = TokioIo::new(server.tls("127.0.0.1", HTTP2).await.unwrap());
    let (mut sender, connection) = http2::handshake(Owned(server.tasks.handle()), io)
        .await
        .unwrap();
    server.tasks.spawn(async move { drop(connection.await) });
    let request = Request::get(format!(
        "https://127.0.0.1{SECRETS}?watch=1&resourceVersion=1"
    ))
    .header(AUTHORIZATION, format!("Bearer {}", server.token()))
    .body(Full::<Bytes>::default())
    .unwrap();
    let mut watch = sender.send_request(request).await.unwrap().into_body();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let secret = json!({"metadata": {"name": "late"}});
    server.call(Method::POST, SECRETS, secret).await;
    let event = watch.frame().await.unwrap().unwrap().into_data().unwrap();
    let event: Value = serde_json::from_slice(&event).unwrap();
    assert_eq!(event["object"]["metadata"]["name"], "late");
}

#[tokio::test]
async fn a_thousand_idle_connections_leave_room_for_the_next() {
    let server = Server::start();
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(server.dialer.dial().await.unwrap());
    }
    assert!(answers(&server).await);
    drop(idle);
}

#[tokio::test]
async fn a_reader_that_stalls_delays_nobody() {
    let server = Server::start();
    for at in 0..200 {
        let secret = json!({"metadata": {"name": format!("s{at}")}, "stringData": {"k": "x".repeat(10_000)}});
        server.call(Method::POST, SECRETS, secret).await;
    }
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut io = server.tls("127.0.0.1", HTTP1).await.unwrap();
        let head = format!(
            "GET {SECRETS} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\n\r\n",
            server.token()
        );
        io.write_all(head.as_bytes()).await.unwrap();
        // Answered, and not read.
        stalled.push(io);
    }
    let list = server.call(Method::GET, SECRETS, Value::Null).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 200);
    drop(stalled);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Bytes that are no frames, after a preface that is one.
    #[test]
    fn malformed_frames_end_their_own_connection_only(garbage in proptest::collection::vec(any::<u8>(), 1..400), h2: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let server = Server::start();
            let protocol = if h2 { HTTP2 } else { HTTP1 };
            let mut io = server.tls("127.0.0.1", protocol).await.unwrap();
            if h2 {
                io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
            }
            io.write_all(&garbage).await.unwrap();
            to_the_end(io).await;
            prop_assert!(answers(&server).await);
            Ok(())
        })?;
    }

    #[test]
    fn what_is_no_handshake_ends_its_own_connection_only(garbage in proptest::collection::vec(any::<u8>(), 1..400)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let server = Server::start();
            let mut io = server.dialer.dial().await.unwrap();
            io.write_all(&garbage).await.unwrap();
            to_the_end(io).await;
            prop_assert!(answers(&server).await);
            Ok(())
        })?;
    }
}
