//! The requests to the API server, against what a real ESO 2.9.0 and 0.20.4 were recorded to send.

#![allow(clippy::unwrap_used)]

mod world;

use rotaproof_operator::Release;
use rstest::rstest;
use serde_json::json;
use world::World;

const ES: &str = "/apis/external-secrets.io/v1/namespaces/ns/externalsecrets/es";
const SECRET: &str = "/api/v1/namespaces/ns/secrets/es";
const SECRETS: &str = "/api/v1/namespaces/ns/secrets";

fn taken(world: &World) -> Vec<String> {
    let calls = std::mem::take(&mut *world.calls.lock().unwrap());
    // Events are sent on the side, at any place in the order.
    calls
        .into_iter()
        .filter(|line| !line.contains("/events"))
        .collect()
}

#[rstest]
#[case::v0_20(Release::V0_20, "PUT")]
#[case::v2_9(Release::V2_9, "PATCH")]
#[tokio::test(start_paused = true)]
async fn a_new_external_secret_takes_the_recorded_calls(
    #[case] release: Release,
    #[case] finalizer: &str,
) {
    let world = World::start_as(release).await;
    world.vault.put("app", &[("value", "v1")]);
    taken(&world);
    world.create("es", json!({})).await;
    world.settle().await;
    assert_eq!(
        taken(&world),
        [
            format!("{finalizer} {ES} 200"),
            format!("GET {SECRET} (metadata) 404"),
            format!("GET {SECRETS} (metadata) 200"),
            format!("POST {SECRETS} 201"),
            format!("PUT {ES}/status 200"),
            format!("GET {SECRET} (metadata) 200"),
        ]
    );
}

#[rstest]
#[case::v0_20(Release::V0_20)]
#[case::v2_9(Release::V2_9)]
#[tokio::test(start_paused = true)]
async fn a_forced_sync_takes_the_recorded_calls(#[case] release: Release) {
    let world = World::start_as(release).await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.settle().await;
    taken(&world);
    world
        .patch(
            "es",
            json!({"metadata": {"annotations": {"force-sync": "1"}}}),
        )
        .await;
    world.settle().await;
    assert_eq!(
        taken(&world),
        [
            format!("GET {SECRET} (metadata) 200"),
            format!("GET {SECRETS} (metadata) 200"),
            format!("PUT {SECRET} 200"),
            format!("PUT {ES}/status 200"),
            format!("GET {SECRET} (metadata) 200"),
        ]
    );
}

#[rstest]
#[case::v0_20(Release::V0_20, &["GET"])]
#[case::v2_9(Release::V2_9, &[])]
#[tokio::test(start_paused = true)]
async fn a_refresh_without_news_writes_only_the_status(
    #[case] release: Release,
    #[case] looks: &[&str],
) {
    let world = World::start_as(release).await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({"refreshInterval": "1m"})).await;
    world.settle().await;
    taken(&world);
    world.wait(60).await;
    let mut expected = vec![
        format!("GET {SECRET} (metadata) 200"),
        format!("GET {SECRETS} (metadata) 200"),
        format!("PUT {ES}/status 200"),
    ];
    expected.extend(
        looks
            .iter()
            .map(|look| format!("{look} {SECRET} (metadata) 200")),
    );
    assert_eq!(taken(&world), expected);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_secret_is_adopted_by_its_label_first() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let secret = serde_json::from_value(json!({"metadata": {"name": "es"}})).unwrap();
    world
        .secrets()
        .create(&Default::default(), &secret)
        .await
        .unwrap();
    world.settle().await;
    taken(&world);
    world
        .create("es", json!({"target": {"creationPolicy": "Merge"}}))
        .await;
    world.wait(3).await;
    assert_eq!(
        taken(&world)[..3],
        [
            format!("PUT {ES} 200"),
            format!("GET {SECRET} (metadata) 200"),
            format!("PATCH {SECRET} (metadata) 200"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_store_is_patched_twice() {
    let mut world = World::without_store().await;
    world.start_operator();
    world.settle().await;
    taken(&world);
    let store = json!({"metadata": {"name": "vault"}, "spec": {"provider": {"fake": {}}}});
    world.create_store(store).await;
    world.settle().await;
    let status = "PATCH /apis/external-secrets.io/v1/clustersecretstores/vault/status 200";
    assert_eq!(taken(&world), [status, status]);
}

#[tokio::test(start_paused = true)]
async fn two_runs_with_one_seed_make_the_same_calls() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::start().await;
        world.vault.put("app", &[("value", "v1")]);
        for name in ["a", "b", "c"] {
            world.create(name, json!({"refreshInterval": "7s"})).await;
        }
        world.wait(100).await;
        runs.push(world.calls.lock().unwrap().clone());
    }
    assert!(runs[0].len() > 30);
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn five_hundred_new_external_secrets_are_held_up_by_the_clients_throttle() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    for n in 0..500 {
        world.create(&format!("es-{n}"), json!({})).await;
    }
    let start = tokio::time::Instant::now();
    while world.secret("es-499").await.is_none() {
        world.settle().await;
    }
    // Two metadata reads each before the Secret: (1,000 - 100) / 50 per second.
    let seconds = start.elapsed().as_secs();
    assert!((17..=21).contains(&seconds), "{seconds} s");
}
