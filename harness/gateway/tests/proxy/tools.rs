//! People's own programs: through the proxy and at the direct endpoints of a lab, fast, slow or silent.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rotaproof_base::{Dial, MemoryDialer, memory};
use rotaproof_egress::Client;
use rotaproof_gateway::fault::Status;
use rotaproof_gateway::{ClientKind, Transport};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::world::{World, every, get};

/// The doors of a lab: its proxy, a direct endpoint with TLS and one without.
fn doors(world: &World) -> [MemoryDialer; 3] {
    let (proxy, listener) = memory();
    world.gateway.serve_tools(listener, &world.tasks);
    let direct = |transport| {
        let (dialer, listener) = memory();
        let served = world
            .gateway
            .serve_tools_direct("tiny", listener, transport, &world.tasks);
        served.unwrap();
        dialer
    };
    [proxy, direct(Transport::Tls), direct(Transport::Plain)]
}

#[tokio::test(start_paused = true)]
async fn a_tool_meets_faults_at_the_proxy_and_none_at_a_direct_endpoint() {
    let world = World::new();
    let [proxy, tls, plain] = doors(&world);
    let down = Status::new(StatusCode::SERVICE_UNAVAILABLE);
    world.gateway.faults().inject(every("down", down));
    let client = || Client::builder(world.clock.clone()).trust_pem(world.gateway.ca_pem());
    let by_proxy = client().through_proxy(Arc::new(proxy)).build().unwrap();
    let tls = client().direct(Arc::new(tls));
    let (one, two) = (tls.build().unwrap(), client().direct(Arc::new(plain)));
    let two = two.build().unwrap();
    for (client, uri, status, fault) in [
        (&by_proxy, "https://vault.example/a", 503, Some("down")),
        (&by_proxy, "http://vault.example/a", 503, Some("down")),
        (&one, "https://127.0.0.1:8200/a", 200, None),
        (&one, "https://localhost:8200/a", 200, None),
        (&two, "http://127.0.0.1:8200/a", 200, None),
    ] {
        let answer = client.send(get(uri)).await.unwrap();
        assert_eq!(answer.status(), status, "{uri}");
        let entry = world.gateway.journal().entries().pop().unwrap();
        assert_eq!(entry.client, ClientKind::Tool, "{uri}");
        assert_eq!(entry.fault.as_deref(), fault, "{uri}");
    }
}

const PROXY: usize = 0;
const TLS: usize = 1;
const PLAIN: usize = 2;

/// Whatever a client begins and does not go on with, it is given up after a minute.
#[rstest]
#[case::nothing(PROXY, b"")]
#[case::half_a_head(PROXY, b"GET http://vault.example/ HTTP/1.1\r\nX-Slow: ")]
#[case::a_tunnel(
    PROXY,
    b"CONNECT vault.example:443 HTTP/1.1\r\nHost: vault.example\r\n\r\n"
)]
#[case::half_a_body(
    PROXY,
    b"POST http://vault.example/ HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"
)]
#[case::no_handshake(TLS, b"")]
#[case::half_a_handshake(TLS, b"\x16\x03\x01\x02\x00\x01")]
#[case::nothing_in_the_clear(PLAIN, b"")]
#[case::half_a_body_in_the_clear(
    PLAIN,
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"
)]
#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_the_lab_waiting_is_given_up(
    #[case] door: usize,
    #[case] begun: &[u8],
) {
    let world = World::new();
    let mut stream = doors(&world)[door].dial().await.unwrap();
    let before = Instant::now();
    stream.write_all(begun).await.unwrap();
    let hour = Duration::from_secs(3600);
    let closed = tokio::time::timeout(hour, stream.read_to_end(&mut Vec::new())).await;
    assert!(closed.is_ok(), "it is waited for without an end");
    assert_eq!(before.elapsed().as_secs(), 60);
}

/// Virtual time would jump to a limit as soon as nothing else is due.
#[tokio::test(start_paused = true)]
async fn the_operator_is_waited_for_however_long_it_takes() {
    let world = World::new();
    let mut stream = world.dialer.dial().await.unwrap();
    let head = b"GET http://vault.example/a HTTP/1.1\r\nHost: vault.example\r\n";
    stream.write_all(head).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30 * 24 * 3600)).await;
    stream.write_all(b"\r\n").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}
