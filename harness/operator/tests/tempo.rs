//! When the engine acts, to the millisecond, against what ESO 0.20.4 was measured to do (`docs/engine.md`).

#![allow(clippy::unwrap_used)]

mod world;

use std::time::Duration;

use rotaproof_kinds::external_secrets::ExternalSecret;
use rotaproof_operator::Release;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;
use world::World;

const SYNCED: &str = "True/SecretSynced/secret synced";

/// When `key` was read, in whole milliseconds after `start`.
fn reads(world: &World, key: &str, start: Instant) -> Vec<u128> {
    world.vault.edit(|vault| {
        let reads = vault.reads.iter().filter(|(read, _)| read == key);
        reads
            .map(|(_, at)| at.duration_since(start).as_millis())
            .collect()
    })
}

fn calls(world: &World) -> Vec<String> {
    let calls = std::mem::take(&mut *world.calls.lock().unwrap());
    calls
        .into_iter()
        .filter(|line| !line.contains("/events"))
        .collect()
}

async fn force_sync(world: &World, name: &str, value: &str) {
    let patch = json!({"metadata": {"annotations": {"force-sync": value}}});
    world.patch(name, patch).await;
}

async fn create_many(world: &World, count: usize) {
    world.vault.put("app", &[("value", "v1")]);
    for n in 0..count {
        world.create(&format!("es-{n:04}"), json!({})).await;
    }
}

/// Waits until a Secret is there, on a grid of 10 ms.
async fn until_secret(world: &World, name: &str) {
    while world.secret(name).await.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the engine has sent nothing for 5 s, and tells when it last did.
async fn until_idle(world: &World, start: Instant) -> Duration {
    let mut last = start.elapsed();
    let mut seen = world.calls.lock().unwrap().len();
    let mut quiet = 0;
    while quiet < 500 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = world.calls.lock().unwrap().len();
        if now == seen {
            quiet += 1;
        } else {
            (seen, quiet, last) = (now, 0, start.elapsed());
        }
    }
    last
}

/// Two reads of metadata stand before each Secret and one after its sync; one client makes them all, at 50 a second
/// beyond its first 100. Not the work queue's bucket: nothing of a sync that succeeds is rate-limited.
#[rstest]
#[case::usual(Release::V0_20, 1, 500, 18.0, 28.0)]
#[case::with_five_workers(Release::V0_20, 5, 500, 18.0, 28.0)]
#[case::newer(Release::V2_9, 1, 500, 18.0, 28.0)]
#[case::larger(Release::V0_20, 1, 1000, 38.0, 58.0)]
#[tokio::test(start_paused = true)]
async fn a_burst_is_held_up_by_the_client_for_metadata(
    #[case] release: Release,
    #[case] concurrent: usize,
    #[case] count: usize,
    #[case] last_secret: f64,
    #[case] end: f64,
) {
    let world = World::start_changed(|options| {
        options.release = release;
        options.concurrent = concurrent;
    })
    .await;
    // The stores' validation reads no metadata, but the bucket of a client fills up only with time.
    world.wait(10).await;
    let start = Instant::now();
    create_many(&world, count).await;
    until_secret(&world, &format!("es-{:04}", count - 1)).await;
    let created = start.elapsed().as_secs_f64();
    assert!(
        (created - last_secret).abs() < 0.1,
        "last Secret: {created} s"
    );
    let idle = until_idle(&world, start).await.as_secs_f64();
    assert!((idle - end).abs() < 0.1, "last request: {idle} s");
    assert_eq!(world.vault.reads_of("app"), count);
}

#[rstest]
#[case::v0_20(Release::V0_20, &[0, 0, 1, 5, 13, 29, 61, 125, 253, 509, 929, 1349])]
#[case::v2_9(Release::V2_9, &[0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 931, 1351])]
#[tokio::test(start_paused = true)]
async fn an_outage_is_met_with_doubling_gaps_and_where_a_status_triggers_with_a_second_try_at_once(
    #[case] release: Release,
    #[case] expected: &[u128],
) {
    let world = World::start_as(release).await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.wait(3).await;
    world.vault.edit(|vault| {
        vault.reads.clear();
        vault.failure = Some("permission denied".into());
    });
    force_sync(&world, "es", "1").await;
    world.wait(1500).await;
    let first = world.vault.edit(|vault| vault.reads[0].1);
    // The watch latency of each try, a millisecond, adds up.
    let times: Vec<u128> = reads(&world, "app", first)
        .into_iter()
        .map(|at| (at + 20) / 1000)
        .collect();
    assert_eq!(times, expected);
}

#[rstest]
#[case::v0_20(Release::V0_20, 35, 61)]
#[case::v0_20_longer(Release::V0_20, 120, 125)]
#[case::v2_9(Release::V2_9, 35, 63)]
#[case::v2_9_longer(Release::V2_9, 120, 127)]
#[tokio::test(start_paused = true)]
async fn after_an_outage_the_sync_comes_at_the_next_try(
    #[case] release: Release,
    #[case] outage: u64,
    #[case] recovered: u64,
) {
    let world = World::start_as(release).await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.wait(3).await;
    world
        .vault
        .edit(|vault| vault.failure = Some("permission denied".into()));
    let start = Instant::now();
    force_sync(&world, "es", "1").await;
    world.wait(outage).await;
    world.vault.put("app", &[("value", "v2")]);
    world.vault.edit(|vault| vault.failure = None);
    while world.value("es", "key").await.as_deref() != Some("v2") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seconds = start.elapsed().as_secs_f64();
    assert!((seconds - recovered as f64).abs() < 0.1, "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_hang_of_sixty_seconds_holds_ten_others_for_sixty_seconds() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.vault.put("slow", &[("value", "x")]);
    let slow = json!({"data": [{"secretKey": "key", "remoteRef": {"key": "slow"}}]});
    world.create("slow", slow).await;
    for n in 0..10 {
        world.create(&format!("other-{n}"), json!({})).await;
    }
    world.wait(5).await;
    world.vault.edit(|vault| {
        vault.reads.clear();
        vault.slow = Some(("slow".into(), Duration::from_secs(60)));
    });
    let start = Instant::now();
    force_sync(&world, "slow", "1").await;
    for n in 0..10 {
        force_sync(&world, &format!("other-{n}"), "1").await;
    }
    world.wait(59).await;
    assert_eq!(reads(&world, "app", start), Vec::<u128>::new());
    world.wait(2).await;
    let others = reads(&world, "app", start);
    assert_eq!(others.len(), 10);
    assert!(
        others.iter().all(|at| (60_000..60_100).contains(at)),
        "{others:?}"
    );
    // Its failed status brings it back behind them, into the next hang.
    let slow = reads(&world, "slow", start);
    assert_eq!(slow.len(), 2);
    assert!(slow[1] > others[9], "{slow:?}");
}

/// 0.20.4 comes back after its own status write and then counts from the stored `refreshTime`, which has whole seconds:
/// the refreshes of an ExternalSecret fall on whole seconds from its first one on.
#[tokio::test(start_paused = true)]
async fn refreshes_keep_to_whole_seconds() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    // To 0.84 s after a whole second.
    let into = world.clock.now().subsec_nanosecond();
    let wait = (840_000_000 - into).rem_euclid(1_000_000_000);
    tokio::time::sleep(Duration::from_nanos(wait.unsigned_abs().into())).await;
    let start = Instant::now();
    world.create("es", json!({"refreshInterval": "5s"})).await;
    world.wait(17).await;
    let times = reads(&world, "app", start);
    let times: Vec<u128> = times[1..].iter().map(|at| at - at % 10).collect();
    assert_eq!(times, [4160, 9160, 14_160]);
}

#[rstest]
#[case::v0_20(Release::V0_20, 1)]
#[case::v2_9(Release::V2_9, 0)]
#[tokio::test(start_paused = true)]
async fn a_refresh_without_news_is_followed_by_a_look_where_a_status_triggers(
    #[case] release: Release,
    #[case] looks: usize,
) {
    let world = World::start_as(release).await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({"refreshInterval": "1m"})).await;
    world.settle().await;
    calls(&world);
    world.wait(60).await;
    let taken = calls(&world);
    let after = taken
        .iter()
        .skip_while(|line| !line.starts_with("PUT"))
        .skip(1);
    assert_eq!(after.count(), looks, "{taken:?}");
}

#[rstest]
#[case::usual(Duration::from_millis(1), &["200"], 1)]
#[case::overtaken(Duration::ZERO, &["200", "409"], 2)]
#[tokio::test(start_paused = true)]
async fn a_cache_that_lags_costs_a_second_read_and_a_conflict(
    #[case] watch_latency: Duration,
    #[case] writes: &[&str],
    #[case] expected_reads: usize,
) {
    let world = World::start_changed(|options| options.watch_latency = watch_latency).await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.wait(5).await;
    calls(&world);
    world.vault.edit(|vault| vault.reads.clear());
    force_sync(&world, "es", "1").await;
    world.wait(5).await;
    let taken = calls(&world);
    let status: Vec<&str> = taken
        .iter()
        .filter_map(|line| line.split("/status ").nth(1))
        .collect();
    assert_eq!(status, writes, "{taken:?}");
    assert_eq!(world.vault.reads_of("app"), expected_reads);
    assert_eq!(world.ready("es").await, SYNCED);
}

#[rstest]
#[case::v0_20(Release::V0_20, 1000)]
#[case::v2_9(Release::V2_9, 200)]
#[tokio::test(start_paused = true)]
async fn a_cache_of_secrets_that_lags_is_waited_for(
    #[case] release: Release,
    #[case] milliseconds: u128,
) {
    let world = World::start_as(release).await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.wait(5).await;
    calls(&world);
    *world.secret_lag.lock().unwrap() = Duration::from_millis(150);
    world.vault.edit(|vault| vault.reads.clear());
    let start = Instant::now();
    let edit = json!({"data": {"key": "eA=="}});
    let edit = kube::api::Patch::Merge(edit);
    let secrets = world.secrets();
    secrets
        .patch("es", &Default::default(), &edit)
        .await
        .unwrap();
    world.wait(5).await;
    // The first look finds two versions of the Secret; the next one comes after the delay and mends it.
    let mended = reads(&world, "app", start)[0];
    assert!(
        (milliseconds..milliseconds + 10).contains(&mended),
        "{mended} ms"
    );
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v1"));
}

#[rstest]
#[case::v0_20(Release::V0_20, "1h0m0s", 2)]
#[case::v2_9(Release::V2_9, "1h", 1)]
#[tokio::test(start_paused = true)]
async fn a_finalizer_that_is_put_rewrites_the_interval_as_go_prints_it(
    #[case] release: Release,
    #[case] interval: &str,
    #[case] generation: i64,
) {
    let world = World::start_as(release).await;
    world.vault.put("app", &[("value", "v1")]);
    let written = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "es"},
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
            "data": [{"secretKey": "key", "remoteRef": {"key": "app"}}],
        },
    });
    let written = serde_json::from_value(written).unwrap();
    let created = untyped(&world).create(&Default::default(), &written).await;
    assert_eq!(created.unwrap().data["spec"]["refreshInterval"], "1h");
    world.settle().await;
    let object = raw(&world, "es").await;
    assert_eq!(object["spec"]["refreshInterval"], interval);
    assert_eq!(object["metadata"]["generation"], generation);
    assert_eq!(world.vault.reads_of("app"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hastened_interval_is_never_written_to_the_cluster() {
    let world =
        World::start_changed(|options| options.refresh = Some(Duration::from_secs(5))).await;
    world.vault.put("app", &[("value", "v1")]);
    world
        .create("es", json!({"refreshInterval": "1h0m0s"}))
        .await;
    world.wait(12).await;
    assert_eq!(world.vault.reads_of("app"), 3);
    let object = raw(&world, "es").await;
    assert_eq!(object["spec"]["refreshInterval"], "1h0m0s");
    assert_eq!(object["metadata"]["generation"], 1);
}

#[rstest]
#[case(300)]
#[case(60)]
#[tokio::test(start_paused = true)]
async fn a_store_is_validated_twice_and_then_at_its_requeue_interval(#[case] seconds: u64) {
    let world =
        World::start_changed(|options| options.store_requeue = Duration::from_secs(seconds)).await;
    assert_eq!(world.vault.edit(|vault| vault.validations), 2);
    world.wait(seconds - 2).await;
    assert_eq!(world.vault.edit(|vault| vault.validations), 2);
    world.wait(2).await;
    assert_eq!(world.vault.edit(|vault| vault.validations), 3);
    world.wait(10 * seconds).await;
    assert_eq!(world.vault.edit(|vault| vault.validations), 13);
}

fn untyped(world: &World) -> kube::Api<kube::core::DynamicObject> {
    let kind = kube::core::ApiResource::erase::<ExternalSecret>(&());
    kube::Api::namespaced_with(world.client.clone(), "ns", &kind)
}

/// Vault's client tries a 503 three times, so that a validation took 3.2 to 4.2 s: longer than the first delays, which
/// end while the next validation still runs. 0.20.4 began them at 0, 4.1, 7.8, 12.0, 16.0 and 35.2 s.
#[tokio::test(start_paused = true)]
async fn a_slow_validation_outlasts_its_first_delays() {
    let mut world = World::without_store().await;
    world.vault.edit(|vault| {
        vault.invalid = Some("Code: 503".into());
        vault.validation_takes = Duration::from_millis(3700);
    });
    world.start_operator();
    let store = json!({"metadata": {"name": "vault"}, "spec": {"provider": {"fake": {}}}});
    world.create_store(store).await;
    world.wait(40).await;
    let began = world.vault.edit(|vault| vault.validated.clone());
    let times: Vec<u128> = began
        .iter()
        .map(|at| (*at - began[0]).as_millis() / 10 * 10)
        .collect();
    assert_eq!(times, [0, 3700, 7400, 11_100, 15_100, 34_800]);
}

async fn raw(world: &World, name: &str) -> Value {
    serde_json::to_value(untyped(world).get(name).await.unwrap()).unwrap()
}
