//! The client against servers that answer by script, byte for byte, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test stops at the first failure")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use rotaproof_base::{BoxIo, Clock, Listen, MemoryListener, TaskGroup, memory};
use rotaproof_egress::{Client, Error, MAX_BODY};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// What a scripted server does on one connection with each request that it reads.
#[derive(Clone, Copy)]
enum Act {
    Answer(&'static [u8]),
    /// Begins an answer and closes.
    Leave(&'static [u8]),
    Close,
}

const OK: Act = Act::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

/// Serves one script per connection, in order, and tells the heads of the requests that it read.
fn script(
    mut listener: MemoryListener,
    connections: Vec<Vec<Act>>,
    tasks: &TaskGroup,
) -> mpsc::Receiver<String> {
    let (heads, seen) = mpsc::channel(64);
    tasks.spawn(async move {
        for acts in connections {
            let mut stream = listener.accept().await.unwrap();
            for act in acts {
                let Some(head) = head(&mut stream).await else {
                    break;
                };
                heads.send(head).await.unwrap();
                match act {
                    Act::Answer(bytes) => stream.write_all(bytes).await.unwrap(),
                    Act::Leave(bytes) => {
                        stream.write_all(bytes).await.unwrap();
                        break;
                    }
                    Act::Close => break,
                }
            }
        }
        std::future::pending::<()>().await;
    });
    seen
}

/// A request up to the empty line; bodies in these tests are empty.
async fn head(stream: &mut BoxIo) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(bytes).ok()
}

struct World {
    client: Client,
    heads: mpsc::Receiver<String>,
    _tasks: TaskGroup,
}

impl World {
    fn direct(connections: Vec<Vec<Act>>) -> Self {
        Self::with(connections, false)
    }

    fn proxied(connections: Vec<Vec<Act>>) -> Self {
        Self::with(connections, true)
    }

    fn with(connections: Vec<Vec<Act>>, proxied: bool) -> Self {
        let tasks = TaskGroup::new();
        let (dialer, listener) = memory();
        let heads = script(listener, connections, &tasks);
        let builder = Client::builder(Clock::system());
        let client = if proxied {
            builder.through_proxy(Arc::new(dialer))
        } else {
            builder.direct(Arc::new(dialer))
        };
        Self {
            client: client.build().unwrap(),
            heads,
            _tasks: tasks,
        }
    }

    async fn send(&self, method: Method, uri: &str) -> Result<String, Error> {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().unwrap();
        let answer = self.client.send(request).await?;
        Ok(String::from_utf8(answer.into_body().to_vec()).unwrap())
    }

    /// The request line and the Host header of the next request that the server read.
    async fn seen(&mut self) -> (String, String) {
        let head = self.heads.recv().await.unwrap();
        let line = head.lines().next().unwrap().to_owned();
        let host = head.lines().find_map(|line| line.strip_prefix("host: "));
        (line, host.unwrap_or_default().to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn direct_requests_are_in_origin_form_with_the_host_of_the_address() {
    let mut world = World::direct(vec![vec![OK, OK]]);
    world
        .send(Method::GET, "http://vault.example:8200/a?b=c")
        .await
        .unwrap();
    world
        .send(Method::GET, "http://vault.example:8200")
        .await
        .unwrap();
    let host = "vault.example:8200".to_owned();
    assert_eq!(
        world.seen().await,
        ("GET /a?b=c HTTP/1.1".into(), host.clone())
    );
    assert_eq!(world.seen().await, ("GET / HTTP/1.1".into(), host));
}

#[tokio::test(start_paused = true)]
async fn proxied_http_is_in_absolute_form() {
    let mut world = World::proxied(vec![vec![OK]]);
    world
        .send(Method::GET, "http://vault.example/a")
        .await
        .unwrap();
    let line = "GET http://vault.example/a HTTP/1.1".into();
    assert_eq!(world.seen().await, (line, "vault.example".into()));
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_refuses_is_quoted() {
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nnot here";
    let mut world = World::proxied(vec![vec![Act::Answer(refusal)]]);
    let error = world
        .send(Method::GET, "https://vault.example/a")
        .await
        .unwrap_err();
    let text = "proxy refused vault.example:443: 403 Forbidden: not here";
    assert_eq!(error.to_string(), text);
    let line = "CONNECT vault.example:443 HTTP/1.1".into();
    assert_eq!(world.seen().await, (line, "vault.example:443".into()));
}

#[rstest]
#[case::get_is_repeated(Method::GET, true)]
#[case::post_may_have_been_done(Method::POST, false)]
#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_closes_unanswered_is_retried_where_that_is_safe(
    #[case] method: Method,
    #[case] retried: bool,
) {
    let world = World::direct(vec![vec![OK, Act::Close], vec![OK]]);
    world
        .send(method.clone(), "http://a.example/")
        .await
        .unwrap();
    let second = world.send(method, "http://a.example/").await;
    assert_eq!(second.is_ok(), retried, "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn the_retry_is_the_only_one() {
    let mut world = World::direct(vec![vec![OK, Act::Close], vec![Act::Close], vec![OK]]);
    world.send(Method::GET, "http://a.example/").await.unwrap();
    let error = world
        .send(Method::GET, "http://a.example/")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    for _ in 0..3 {
        world.seen().await;
    }
    assert!(world.heads.try_recv().is_err());
}

#[rstest]
#[case::in_its_head(b"HTTP/1.1 200 OK\r\nContent-")]
#[case::in_its_body(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")]
#[tokio::test(start_paused = true)]
async fn an_answer_that_had_begun_is_not_asked_for_again(#[case] half: &'static [u8]) {
    let mut world = World::direct(vec![vec![OK, Act::Leave(half)], vec![OK]]);
    world.send(Method::GET, "http://a.example/").await.unwrap();
    let error = world
        .send(Method::GET, "http://a.example/")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    world.seen().await;
    world.seen().await;
    assert!(world.heads.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_the_server_closed_is_replaced_even_for_a_post() {
    let world = World::direct(vec![vec![OK], vec![OK]]);
    world.send(Method::POST, "http://a.example/").await.unwrap();
    // The server's close has arrived by then.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        world.send(Method::POST, "http://a.example/").await.unwrap(),
        "ok"
    );
}

#[tokio::test(start_paused = true)]
async fn connections_are_kept_per_host() {
    let mut world = World::direct(vec![vec![OK, OK], vec![OK]]);
    world.send(Method::GET, "http://a.example/1").await.unwrap();
    world.send(Method::GET, "http://a.example/2").await.unwrap();
    world.send(Method::GET, "http://b.example/3").await.unwrap();
    let mut hosts = Vec::new();
    for _ in 0..3 {
        hosts.push(world.seen().await.1);
    }
    assert_eq!(hosts, ["a.example", "a.example", "b.example"]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_closes_with_the_last_clone() {
    let (dialer, mut listener) = memory();
    let client = Client::builder(Clock::system())
        .direct(Arc::new(dialer))
        .build()
        .unwrap();
    let clone = client.clone();
    let request = Request::get("http://a.example/")
        .body(Bytes::new())
        .unwrap();
    let serve = async {
        let mut stream = listener.accept().await.unwrap();
        head(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
        stream
    };
    let (answer, mut stream) = tokio::join!(client.send(request), serve);
    assert_eq!(answer.unwrap().status(), 204);
    drop(client);
    let second = Duration::from_secs(1);
    assert!(
        tokio::time::timeout(second, stream.read_u8())
            .await
            .is_err(),
        "still open"
    );
    drop(clone);
    assert!(stream.read_u8().await.is_err(), "closed");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_closes_the_connection() {
    let (dialer, mut listener) = memory();
    let client = Client::builder(Clock::system())
        .direct(Arc::new(dialer))
        .build()
        .unwrap();
    let request = Request::get("http://a.example/")
        .body(Bytes::new())
        .unwrap();
    let hour = Duration::from_secs(3600);
    assert!(
        tokio::time::timeout(hour, client.send(request))
            .await
            .is_err()
    );
    let mut stream = listener.accept().await.unwrap();
    head(&mut stream).await.unwrap();
    assert!(stream.read_u8().await.is_err(), "closed");
}

#[tokio::test(start_paused = true)]
async fn an_answer_beyond_the_limit_is_an_error() {
    let (dialer, mut listener) = memory();
    let client = Client::builder(Clock::system())
        .direct(Arc::new(dialer))
        .build()
        .unwrap();
    let request = Request::get("http://a.example/")
        .body(Bytes::new())
        .unwrap();
    let serve = async {
        let mut stream = listener.accept().await.unwrap();
        head(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..=MAX_BODY >> 20 {
            if stream.write_all(&chunk).await.is_err() {
                break;
            }
        }
    };
    let (answer, ()) = tokio::join!(client.send(request), serve);
    assert!(matches!(answer, Err(Error::BodyTooLarge { .. })));
}

#[rstest]
#[case(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")]
#[case(b"HTTP/1.1 abc\r\n\r\n")]
#[case(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")]
#[tokio::test(start_paused = true)]
async fn what_is_not_http_is_malformed(#[case] answer: &'static [u8]) {
    let world = World::direct(vec![vec![Act::Answer(answer)]]);
    let error = world
        .send(Method::GET, "http://a.example/")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_dialer_that_fails_is_a_dial_error() {
    let (dialer, listener) = memory();
    drop(listener);
    let client = Client::builder(Clock::system())
        .direct(Arc::new(dialer))
        .build()
        .unwrap();
    let request = Request::get("http://a.example/")
        .body(Bytes::new())
        .unwrap();
    let error = client.send(request).await.unwrap_err();
    assert_eq!(error.to_string(), "dial a.example:80: connection refused");
}

#[tokio::test]
async fn a_client_needs_a_route_and_a_certificate_in_its_pem() {
    let builder = || Client::builder(Clock::system());
    assert!(matches!(builder().build(), Err(Error::NoRoute)));
    let (dialer, _listener) = memory();
    let garbage = builder()
        .direct(Arc::new(dialer))
        .trust_pem("garbage")
        .build();
    assert!(matches!(garbage, Err(Error::Trust(_))));
}
