//! Whatever arrives, the next client is served.

use std::time::Duration;

use proptest::prelude::*;
use rotaproof_base::Dial;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{World, get};

/// Sends the bytes, waits for an answer, half-closes, and reads until the gateway closes.
async fn poke(world: &World, bytes: &[u8]) -> Vec<u8> {
    let mut stream = world.dialer.dial().await.unwrap();
    // The gateway may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let second = Duration::from_secs(1);
    let _ = tokio::time::timeout(second, stream.read_to_end(&mut answer)).await;
    let _ = stream.shutdown().await;
    let closed = tokio::time::timeout(second, stream.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "the gateway closes its half too");
    answer
}

async fn still_serves(world: &World) {
    let answer = world
        .client()
        .send(get("https://vault.example/"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[rstest]
#[case::nothing(b"", b"")]
#[case::noise(b"\x00\xff\x00\xff\r\n\r\n", b"HTTP/1.1 400")]
#[case::no_head(b"GET http://vault.exa", b"")]
#[case::origin_form(b"GET / HTTP/1.1\r\nHost: vault.example\r\n\r\n", b"HTTP/1.1 400")]
#[case::https_in_absolute_form(
    b"GET https://vault.example/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HTTP/1.1 400"
)]
#[case::connect_without_an_authority(b"CONNECT / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400")]
#[case::connect_without_tls(
    b"CONNECT vault.example:443 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200"
)]
#[case::connect_and_nothing(b"CONNECT vault.example:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200")]
#[case::garbage_tls(
    b"CONNECT vault.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x00\x05hello",
    b"HTTP/1.1 200"
)]
#[case::bad_length(
    b"POST http://vault.example/ HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"HTTP/1.1 400"
)]
#[case::bad_chunk(
    b"POST http://vault.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b""
)]
#[case::cut_body(
    b"POST http://vault.example/ HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
    b""
)]
#[case::http2_preface(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"")]
#[case::old_http(b"GET http://vault.example/ HTTP/1.0\r\n\r\n", b"HTTP/1.0 200")]
#[tokio::test(start_paused = true)]
async fn malformed_requests_are_answered_or_dropped_and_hurt_nobody(
    #[case] bytes: &[u8],
    #[case] answer: &[u8],
) {
    let world = World::new();
    let got = poke(&world, bytes).await;
    let shown = String::from_utf8_lossy(&got);
    assert!(got.starts_with(answer), "{shown}");
    assert_eq!(got.is_empty(), answer.is_empty(), "{shown}");
    still_serves(&world).await;
}

#[tokio::test(start_paused = true)]
async fn too_many_and_too_long_headers_are_431() {
    let world = World::new();
    let many = "a: b\r\n".repeat(500);
    let long = format!("a: {}\r\n", "b".repeat(1024 * 1024));
    for headers in [many, long] {
        let request = format!("GET http://vault.example/ HTTP/1.1\r\n{headers}\r\n");
        let answer = poke(&world, request.as_bytes()).await;
        assert!(
            answer.starts_with(b"HTTP/1.1 431"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    still_serves(&world).await;
}

#[tokio::test(start_paused = true)]
async fn idle_connections_affect_nobody() {
    let world = World::new();
    let mut idle = Vec::new();
    for _ in 0..200 {
        let mut stream = world.dialer.dial().await.unwrap();
        stream.write_all(b"CONNECT vault").await.unwrap();
        idle.push(stream);
    }
    still_serves(&world).await;
    assert_eq!(idle.len(), 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_stop_the_gateway(
        connect in any::<bool>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..512),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let mut sent = Vec::new();
            if connect {
                sent.extend_from_slice(b"CONNECT vault.example:443 HTTP/1.1\r\n\r\n");
            }
            sent.extend_from_slice(&bytes);
            poke(&world, &sent).await;
            still_serves(&world).await;
        });
    }
}
