//! Requests that reach a vault, and hosts that do not.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use rotaproof_base::{Dial, TcpDialer, memory};
use rotaproof_egress::{Client, Error, Trailers};
use rotaproof_gateway::Error as GatewayError;
use rstest::rstest;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use crate::world::{HOST, TinyVault, World, get, post, text};

#[tokio::test(start_paused = true)]
async fn https_goes_through_connect_and_tls_to_the_vault() {
    let world = World::new();
    let answer = world
        .client()
        .send(get("https://vault.example/a?v=1"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(text(&answer), "decision 1 /a?v=1");
    assert_eq!(answer.headers()["seen-host"], HOST);
    assert_eq!(answer.headers()["date"], "Sat, 08 Nov 2025 00:00:00 GMT");
}

#[tokio::test(start_paused = true)]
async fn http_goes_in_absolute_form_and_reaches_the_vault_in_origin_form() {
    let world = World::new();
    let answer = world
        .client()
        .send(get("http://169.254.169.254/token"))
        .await
        .unwrap();
    assert_eq!(text(&answer), "decision 1 /token");
    assert_eq!(answer.headers()["seen-host"], "169.254.169.254");
    let entries = world.gateway.journal().entries();
    assert_eq!(&*entries[0].host, "169.254.169.254");
    assert_eq!(&*entries[0].path, "/token");
}

#[tokio::test(start_paused = true)]
async fn a_host_of_several_vaults_is_routed_by_the_longest_path_that_one_claims() {
    let world = World::new();
    let cloud = TinyVault::at(&["169.254.169.254/metadata/", "metadata.example/metadata/"]);
    world.gateway.attach("cloud", cloud).unwrap();
    for (uri, expected) in [
        ("http://169.254.169.254/metadata/token", Some("cloud")),
        ("http://169.254.169.254/metadata", Some("tiny")),
        ("http://169.254.169.254/computeMetadata/", Some("tiny")),
        ("http://metadata.example/metadata/token", Some("cloud")),
        ("http://metadata.example/token", None),
    ] {
        world.client().send(get(uri)).await.unwrap();
        let entries = world.gateway.journal().entries();
        assert_eq!(entries.last().unwrap().vault.as_deref(), expected, "{uri}");
    }
    // Of a tunnel no path is known: whoever claims the whole host has it, and nobody else.
    let client = world.client();
    let tunnelled = client.send(get("https://169.254.169.254/metadata/token"));
    assert!(tunnelled.await.is_ok());
    let tunnelled = client.send(get("https://metadata.example/metadata/token"));
    assert!(tunnelled.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn http2_is_negotiated_where_the_client_offers_it() {
    let world = World::new();
    let client = world.http2_client();
    let requests = (0..20).map(|n| client.send(get(&format!("https://vault.example/{n}"))));
    // One connection first, so that all of the rest share it.
    let first = client
        .send(get("https://vault.example/first"))
        .await
        .unwrap();
    assert_eq!(first.version(), http::Version::HTTP_2);
    assert_eq!(first.headers()["seen-host"], HOST);
    let answers = futures::future::try_join_all(requests).await.unwrap();
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let plain = world
        .client()
        .send(get("https://vault.example/"))
        .await
        .unwrap();
    assert_eq!(plain.version(), http::Version::HTTP_11);
}

#[rstest]
#[case("https://secretsmanager.eu-west-1.example/")]
#[case("https://SECRETSMANAGER.us-east-1.EXAMPLE:8443/")]
#[case("https://169.254.169.254/")]
#[tokio::test(start_paused = true)]
async fn a_pattern_a_port_and_an_address_are_routed(#[case] uri: &str) {
    let world = World::new();
    let answer = world.client().send(get(uri)).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_no_vault_claims_is_refused_and_journaled() {
    let world = World::new();
    let refused = world
        .client()
        .send(get("https://evil.example/x?token=t"))
        .await
        .unwrap_err();
    let Error::ProxyRefused {
        status,
        reason,
        body,
        ..
    } = refused
    else {
        panic!("{refused}");
    };
    assert_eq!(status, 403);
    assert_eq!(
        reason,
        "Forbidden: no vault of this run claims evil.example"
    );
    assert!(body.contains("evil.example"), "{body}");
    let plain = world
        .client()
        .send(get("http://evil.example/y?token=t"))
        .await
        .unwrap();
    assert_eq!(plain.status(), 403);
    let entries = world.gateway.journal().entries();
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e.vault.is_none(), &*e.host, &*e.method, &*e.path, e.status))
        .collect();
    let expected = [
        (true, "evil.example", "CONNECT", "", Some(403)),
        (true, "evil.example", "GET", "/y", Some(403)),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn the_reason_phrase_of_a_refusal_names_the_host() {
    let world = World::new();
    let mut stream = world.dialer.dial().await.unwrap();
    stream
        .write_all(b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut line = String::new();
    tokio::io::BufReader::new(stream)
        .read_line(&mut line)
        .await
        .unwrap();
    assert_eq!(
        line,
        "HTTP/1.1 403 Forbidden: no vault of this run claims evil.example\r\n"
    );
}

#[tokio::test(start_paused = true)]
async fn connections_are_reused_and_a_fresh_client_opens_its_own() {
    let world = World::new();
    let (dialer, mut listener) = memory();
    let (accepted, mut count) = tokio::sync::mpsc::channel(16);
    let upstream = world.dialer.clone();
    // A relay that counts the connections to the proxy.
    world.tasks.spawn(async move {
        let relays = rotaproof_base::TaskGroup::new();
        while let Ok(mut near) = rotaproof_base::Listen::accept(&mut listener).await {
            let mut far = upstream.dial().await.unwrap();
            accepted.send(()).await.unwrap();
            relays.spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    let client = Client::builder(world.clock.clone())
        .through_proxy(Arc::new(dialer))
        .trust_pem(world.gateway.ca_pem())
        .build()
        .unwrap();
    for _ in 0..5 {
        client
            .send(post("https://vault.example/a", "body"))
            .await
            .unwrap();
    }
    client
        .clone()
        .send(get("https://vault.example/a"))
        .await
        .unwrap();
    count.recv().await.unwrap();
    assert!(count.try_recv().is_err(), "one connection serves all");
    client
        .fresh()
        .send(get("https://vault.example/a"))
        .await
        .unwrap();
    assert!(count.try_recv().is_ok(), "a fresh client opens its own");
}

#[tokio::test(start_paused = true)]
async fn a_request_body_of_16_mib_passes_and_a_larger_one_is_413() {
    let world = World::new();
    let client = world.client();
    let limit = 16 * 1024 * 1024;
    let fits = client
        .send(post("https://vault.example/a", vec![b'x'; limit]))
        .await
        .unwrap();
    assert_eq!((fits.status().as_u16(), fits.body().len()), (200, limit));
    let larger = client
        .send(post("https://vault.example/a", vec![b'x'; limit + 1]))
        .await;
    // The gateway answers before it has read everything: a client may see the answer or the end of the connection.
    if let Ok(answer) = larger {
        assert_eq!(answer.status(), 413);
    }
    let last = world.gateway.journal().entries().pop().unwrap();
    assert_eq!(last.status, Some(413));
    assert!(last.refusal.is_some());
    assert_eq!(world.vault.decisions(), 1, "the vault never saw the second");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_its_tls_hello_along_with_connect_is_served() {
    let world = World::new();
    let mut stream = world.dialer.dial().await.unwrap();
    // A record header that promises more than follows: the handshake waits, and nobody else does.
    stream
        .write_all(b"CONNECT vault.example:443 HTTP/1.1\r\nHost: vault.example:443\r\n\r\n\x16\x03\x01\x02")
        .await
        .unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let answer = world
        .client()
        .send(get("https://vault.example/"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn two_vaults_cannot_have_one_name_or_one_host() {
    let world = World::new();
    let attach = |name: &str, host| world.gateway.attach(name, TinyVault::at(&[host]));
    assert!(matches!(
        attach("tiny", "free.example"),
        Err(GatewayError::NameTaken(_))
    ));
    let taken = attach("other", "secretsmanager.us-east-1.example").unwrap_err();
    assert_eq!(
        taken.to_string(),
        "vault other claims secretsmanager.us-east-1.example, which vault tiny already claims as \
         secretsmanager.*.example"
    );
    assert!(attach("other", "free.example").is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_gateway_serves_tcp() {
    let world = World::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dialer = TcpDialer(listener.local_addr().unwrap());
    world.gateway.serve(listener, &world.tasks);
    let client = Client::builder(world.clock.clone())
        .through_proxy(Arc::new(dialer))
        .trust_pem(world.gateway.ca_pem())
        .http2()
        .build()
        .unwrap();
    let answer = client.send(get("https://vault.example/a")).await.unwrap();
    assert_eq!(text(&answer), "decision 1 /a");
    let answer = client.send(get("http://vault.example/b")).await.unwrap();
    assert_eq!(text(&answer), "decision 2 /b");
}

/// Answers with a body and a trailer, as a gRPC server does.
struct Trailing;

#[async_trait::async_trait]
impl rotaproof_vaults::Vault for Trailing {
    fn kind(&self) -> rotaproof_vaults::VaultKind {
        rotaproof_vaults::VaultKind::GcpSecretManager
    }

    fn hosts(&self) -> Vec<rotaproof_vaults::HostPattern> {
        vec![rotaproof_vaults::HostPattern::new("grpc.example")]
    }

    fn describe(&self, _: &http::Request<bytes::Bytes>) -> (String, Option<String>) {
        ("call".to_owned(), None)
    }

    async fn serve(
        &self,
        _: http::Request<bytes::Bytes>,
        _: &dyn rotaproof_vaults::Witness,
    ) -> http::Response<rotaproof_vaults::Body> {
        let trailers = http::HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            http::HeaderValue::from_static("0"),
        )]);
        let body = Full::new(bytes::Bytes::from_static(b"message"));
        let body = body.with_trailers(async { Some(Ok(trailers)) });
        http::Response::new(body.boxed_unsync())
    }
}

#[tokio::test(start_paused = true)]
async fn trailers_arrive_over_http2_and_end_the_journals_entry() {
    let world = World::new();
    world.gateway.attach("grpc", Arc::new(Trailing)).unwrap();
    let client = world.client().only_http2();
    let answer = client.send(get("https://grpc.example/x")).await.unwrap();
    assert_eq!(text(&answer), "message");
    let trailers = answer.extensions().get::<Trailers>().unwrap();
    assert_eq!(trailers.0["grpc-status"], "0");
    let entries = world.gateway.journal().entries();
    assert_eq!(entries.last().unwrap().status, Some(200));
}
