//! Each fault, to the nanosecond of virtual time.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use rotaproof_egress::Error;
use rotaproof_gateway::FaultSpec;
use rotaproof_gateway::fault::{BadCertificate, Hang, Latency, Refused, Reset, SlowBody, Status};
use rstest::rstest;
use tokio::time::Instant;

use crate::world::{World, every, get, post, soon, text};

const URI: &str = "https://vault.example/a";

#[tokio::test(start_paused = true)]
async fn latency_holds_the_answer_for_exactly_its_time() {
    let world = World::new();
    let id = world
        .gateway
        .faults()
        .inject(every("slow", Latency(Duration::from_secs(30))));
    let began = Instant::now();
    let answer = world.client().send(get(URI)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert_eq!(text(&answer), "decision 1 /a");
    let entry = world.gateway.journal().get(1).unwrap();
    assert_eq!(entry.elapsed, Duration::ZERO, "the vault decided at once");
    assert_eq!(entry.duration, Some(Duration::from_secs(30)));
    assert_eq!(entry.fault.as_deref(), Some("slow"));
    assert!(world.gateway.faults().heal(id));
    let began = Instant::now();
    world.client().send(get(URI)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_status_is_answered_in_the_vaults_stead() {
    let world = World::new();
    let status = Status {
        code: StatusCode::TOO_MANY_REQUESTS,
        retry_after: Some(7),
        body: Some((
            HeaderValue::from_static("application/json"),
            "{\"a\":1}".into(),
        )),
    };
    world.gateway.faults().inject(every("throttled", status));
    let answer = world.client().send(get(URI)).await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(text(&answer), "{\"a\":1}");
    assert_eq!(world.vault.decisions(), 0);
    let entry = world.gateway.journal().get(1).unwrap();
    assert_eq!(
        (&*entry.operation, entry.secret.as_deref()),
        ("read", Some("a"))
    );
    assert_eq!(
        (entry.status, entry.fault.as_deref()),
        (Some(429), Some("throttled"))
    );
    assert!(entry.identity.is_none() && entry.versions.is_empty());
}

#[rstest]
#[case(false)]
#[case(true)]
#[tokio::test(start_paused = true)]
async fn a_reset_closes_the_connection_without_an_answer(#[case] http2: bool) {
    let world = World::new();
    let client = if http2 {
        world.http2_client()
    } else {
        world.client()
    };
    client
        .send(get("https://vault.example/before"))
        .await
        .unwrap();
    let id = world.gateway.faults().inject(every("cut", Reset));
    let failed = client.send(post(URI, "x")).await.unwrap_err();
    assert!(matches!(failed, Error::Closed { .. }), "{failed}");
    let entry = world.gateway.journal().get(2).unwrap();
    assert_eq!((entry.status, entry.fault.as_deref()), (None, Some("cut")));
    assert_eq!(entry.duration, Some(Duration::ZERO), "reset, not hanging");
    world.gateway.faults().heal(id);
    assert_eq!(client.send(post(URI, "x")).await.unwrap().status(), 200);
}

#[rstest]
#[case(false)]
#[case(true)]
#[tokio::test(start_paused = true)]
async fn a_hang_never_answers_and_leaves_its_entry_open(#[case] http2: bool) {
    let world = World::new();
    let client = if http2 {
        world.http2_client()
    } else {
        world.client()
    };
    world.gateway.faults().inject(every("stuck", Hang));
    let day = Duration::from_secs(24 * 3600);
    let outcome = tokio::time::timeout(day, client.send(get(URI))).await;
    assert!(outcome.is_err(), "timed out");
    let entry = world.gateway.journal().get(1).unwrap();
    assert_eq!((entry.status, entry.duration), (None, None));
    assert_eq!(entry.fault.as_deref(), Some("stuck"));
}

#[rstest]
#[case(false)]
#[case(true)]
#[tokio::test(start_paused = true)]
async fn healing_releases_hanging_requests_as_resets(#[case] http2: bool) {
    let world = World::new();
    let client = if http2 {
        world.http2_client()
    } else {
        world.client()
    };
    world.gateway.faults().inject(every("stuck", Hang));
    let heal = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(world.gateway.faults().heal_vault("other"), 0);
        assert_eq!(world.gateway.faults().heal_vault("tiny"), 1);
    };
    let (outcome, ()) = tokio::join!(soon(client.send(post(URI, "x"))), heal);
    assert!(matches!(outcome, Err(Error::Closed { .. })), "{outcome:?}");
    let entry = world.gateway.journal().get(1).unwrap();
    assert_eq!(
        (entry.status, entry.duration),
        (None, Some(Duration::from_secs(60)))
    );
    assert_eq!(client.send(get(URI)).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn healing_a_latency_lets_the_held_answer_through() {
    let world = World::new();
    let id = world
        .gateway
        .faults()
        .inject(every("slow", Latency(Duration::from_secs(3600))));
    let client = world.client();
    let heal = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.gateway.faults().heal(id);
    };
    let began = Instant::now();
    let (outcome, ()) = tokio::join!(client.send(get(URI)), heal);
    assert_eq!(outcome.unwrap().status(), 200);
    assert_eq!(began.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_fault_hits_only_its_operation_and_only_the_first_requests() {
    let world = World::new();
    let spec = FaultSpec {
        operation: Some("read".into()),
        first: Some(2),
        ..every("503", Status::new(StatusCode::SERVICE_UNAVAILABLE))
    };
    let id = world.gateway.faults().inject(spec);
    let client = world.client();
    let mut statuses = Vec::new();
    for request in [post(URI, "x"), get(URI), get(URI), get(URI), post(URI, "x")] {
        statuses.push(client.send(request).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 503, 503, 200, 200]);
    let active = world.gateway.faults().active();
    assert_eq!((active[0].id, active[0].hits), (id, 2));
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_another_vault_hits_nothing() {
    let world = World::new();
    let spec = FaultSpec {
        vault: "other".into(),
        ..every("503", Status::new(StatusCode::SERVICE_UNAVAILABLE))
    };
    world.gateway.faults().inject(spec);
    assert_eq!(world.client().send(get(URI)).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_requests_is_hit_and_the_seed_says_which() {
    async fn hit() -> Vec<bool> {
        let world = World::new();
        let spec = FaultSpec {
            share: Some(0.3),
            ..every("some", Status::new(StatusCode::SERVICE_UNAVAILABLE))
        };
        world.gateway.faults().inject(spec);
        let client = world.client();
        let mut hit = Vec::new();
        for _ in 0..500 {
            hit.push(client.send(get(URI)).await.unwrap().status() == 503);
        }
        hit
    }
    let (one, other) = (hit().await, hit().await);
    assert_eq!(one, other);
    let count = one.iter().filter(|hit| **hit).count();
    assert!((110..=190).contains(&count), "{count} of 500");
}

#[tokio::test(start_paused = true)]
async fn several_faults_hit_one_request_in_the_order_of_injection() {
    let world = World::new();
    let faults = world.gateway.faults();
    faults.inject(every("slow", Latency(Duration::from_secs(2))));
    faults.inject(every("down", Status::new(StatusCode::BAD_GATEWAY)));
    faults.inject(every("never", Hang));
    let began = Instant::now();
    let answer = world.client().send(get(URI)).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), began.elapsed()),
        (502, Duration::from_secs(2))
    );
    let entry = world.gateway.journal().get(1).unwrap();
    assert_eq!(entry.fault.as_deref(), Some("slow, down"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_trickles_piece_by_piece_until_it_is_healed() {
    let world = World::new();
    let slow = SlowBody {
        piece: 10,
        every: Duration::from_secs(3),
    };
    let id = world.gateway.faults().inject(every("trickle", slow));
    let client = world.client();
    let body = "x".repeat(95);
    let began = Instant::now();
    let answer = client.send(post(URI, body.clone())).await.unwrap();
    assert_eq!(
        (text(&answer), began.elapsed()),
        (&*body, Duration::from_secs(30))
    );
    let entry = world.gateway.journal().get(1).unwrap();
    assert_eq!(entry.duration, Some(Duration::from_secs(30)));
    let heal = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        world.gateway.faults().heal(id);
    };
    let began = Instant::now();
    let (answer, ()) = tokio::join!(client.send(post(URI, body.clone())), heal);
    assert_eq!(
        (text(&answer.unwrap()), began.elapsed()),
        (&*body, Duration::from_secs(4))
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_502_to_connect_and_leaves_open_tunnels_alone() {
    let world = World::new();
    let client = world.client();
    client.send(get(URI)).await.unwrap();
    let id = world.gateway.faults().inject(every("down", Refused));
    let refused = client.fresh().send(get(URI)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "proxy refused vault.example:443: 502 Bad Gateway: dial vault.example: connection refused"
    );
    assert_eq!(client.send(get(URI)).await.unwrap().status(), 200);
    let entry = world.gateway.journal().get(2).unwrap();
    assert_eq!((&*entry.method, entry.status), ("CONNECT", Some(502)));
    assert_eq!(entry.fault.as_deref(), Some("down"));
    assert_eq!(world.gateway.faults().active()[0].hits, 1);
    world.gateway.faults().heal(id);
    assert_eq!(client.fresh().send(get(URI)).await.unwrap().status(), 200);
}

#[rstest]
#[case(BadCertificate::Expired, "certificate expired")]
#[case(BadCertificate::OtherHost, "not valid for name")]
#[case(BadCertificate::UnknownAuthority, "UnknownIssuer")]
#[tokio::test(start_paused = true)]
async fn a_bad_certificate_is_refused_by_the_client_until_healed(
    #[case] flaw: BadCertificate,
    #[case] says: &str,
) {
    let world = World::new();
    let id = world.gateway.faults().inject(every("bad", flaw));
    let error = world.client().send(get(URI)).await.unwrap_err();
    let Error::Tls { message, .. } = error else {
        panic!("{error}");
    };
    assert!(message.contains(says), "{message}");
    assert_eq!(world.vault.decisions(), 0);
    let entry = world.gateway.journal().get(1).unwrap();
    assert_eq!(
        (&*entry.method, entry.fault.as_deref()),
        ("CONNECT", Some("bad"))
    );
    world.gateway.faults().heal(id);
    assert_eq!(world.client().send(get(URI)).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_reset_ends_the_other_requests_of_an_http2_connection() {
    let world = World::new();
    let client = world.http2_client();
    client.send(get(URI)).await.unwrap();
    let faults = world.gateway.faults();
    faults.inject(FaultSpec {
        operation: Some("write".into()),
        ..every("slow", Latency(Duration::from_secs(3600)))
    });
    faults.inject(FaultSpec {
        operation: Some("read".into()),
        ..every("cut", Reset)
    });
    let began = Instant::now();
    let (held, cut) = tokio::join!(client.send(post(URI, "x")), client.send(get(URI)));
    assert!(matches!(held, Err(Error::Closed { .. })), "{held:?}");
    assert!(matches!(cut, Err(Error::Closed { .. })), "{cut:?}");
    assert_eq!(began.elapsed(), Duration::ZERO);
}
