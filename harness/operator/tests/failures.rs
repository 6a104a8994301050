//! Stores and vaults that fail: conditions, texts, backoff, and who waits for whom.

#![allow(clippy::unwrap_used)]

mod world;

use serde_json::json;
use world::World;

const SYNCED: &str = "True/SecretSynced/secret synced";
const FAILED: &str = "False/SecretSyncedError/could not get secret data from provider";

#[tokio::test(start_paused = true)]
async fn a_new_store_is_validated_twice_and_then_every_five_minutes() {
    let world = World::start().await;
    assert_eq!(world.vault.edit(|vault| vault.validations), 2);
    let status = world.store("vault").await.status.unwrap();
    assert_eq!(status.capabilities.as_deref(), Some("ReadOnly"));
    let ready = status.ready().unwrap();
    assert_eq!(ready.status, "True");
    assert_eq!(ready.reason.as_deref(), Some("Valid"));
    assert_eq!(ready.message.as_deref(), Some("store validated"));
    assert_eq!(
        world.events("default").await,
        ["Normal Valid x2 store validated"]
    );
    world.wait(298).await;
    assert_eq!(world.vault.edit(|vault| vault.validations), 2);
    world.wait(3).await;
    assert_eq!(world.vault.edit(|vault| vault.validations), 3);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_validate_says_why_only_in_its_event() {
    let mut world = World::without_store().await;
    world
        .vault
        .edit(|vault| vault.invalid = Some("permission denied".into()));
    world.start_operator();
    world
        .create_store(json!({"metadata": {"name": "vault"}, "spec": {"provider": {"fake": {}}}}))
        .await;
    world.settle().await;
    let status = world.store("vault").await.status.unwrap();
    let ready = status.ready().unwrap();
    assert_eq!(ready.status, "False");
    assert_eq!(ready.reason.as_deref(), Some("InvalidProviderConfig"));
    assert_eq!(ready.message.as_deref(), Some("unable to validate store"));
    assert_eq!(
        world.events("default").await,
        ["Warning InvalidProviderConfig x2 permission denied"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_of_unknown_state_is_ready() {
    let mut world = World::without_store().await;
    world
        .vault
        .edit(|vault| vault.unknown = Some("cannot tell".into()));
    world.start_operator();
    world
        .create_store(json!({"metadata": {"name": "vault"}, "spec": {"provider": {"fake": {}}}}))
        .await;
    world.settle().await;
    let status = world.store("vault").await.status.unwrap();
    let ready = status.ready().unwrap();
    assert_eq!(ready.status, "True");
    assert_eq!(ready.reason.as_deref(), Some("ValidationUnknown"));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_the_engine_lacks_leaves_the_store_without_a_client() {
    let world = World::start().await;
    world
        .create_store(
            json!({"metadata": {"name": "doppler"}, "spec": {"provider": {"doppler": {}}}}),
        )
        .await;
    world.settle().await;
    let status = world.store("doppler").await.status.unwrap();
    assert_eq!(
        status.ready().unwrap().message.as_deref(),
        Some("unable to create client")
    );
    let events = world.events("default").await;
    let text = "failed to find registered store backend for type: doppler, name: doppler";
    assert!(events.iter().any(|line| line.ends_with(text)), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failing_vault_is_asked_in_doubling_gaps_whatever_the_interval() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({"refreshInterval": "5s"})).await;
    world.settle().await;
    world.vault.edit(|vault| {
        vault.failure = Some("Rate exceeded".into());
        vault.reads.clear();
    });
    world.wait(1500).await;
    assert_eq!(world.ready("es").await, FAILED);
    let reads = world.vault.edit(|vault| vault.reads.clone());
    let gaps: Vec<u64> = reads
        .windows(2)
        .map(|pair| (pair[1].1 - pair[0].1).as_secs())
        .collect();
    // The first failure's status is itself a trigger; what it delays further, the first delay undercuts.
    assert_eq!(gaps, [0, 1, 4, 8, 16, 32, 64, 128, 256, 420, 420]);
}

#[tokio::test(start_paused = true)]
async fn recovery_waits_for_the_end_of_the_backoff_and_force_sync_does_not() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world
        .vault
        .edit(|vault| vault.failure = Some("Rate exceeded".into()));
    world.create("es", json!({"refreshInterval": "5s"})).await;
    world.wait(600).await;
    world.vault.edit(|vault| vault.failure = None);
    world.wait(10).await;
    assert_eq!(world.ready("es").await, FAILED);
    world
        .patch(
            "es",
            json!({"metadata": {"annotations": {"force-sync": "1"}}}),
        )
        .await;
    world.settle().await;
    assert_eq!(world.ready("es").await, SYNCED);
}

#[tokio::test(start_paused = true)]
async fn a_hung_vault_blocks_every_other_external_secret() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.vault.put("slow", &[("value", "x")]);
    world.vault.edit(|vault| vault.hung = Some("slow".into()));
    let slow = json!({"data": [{"secretKey": "key", "remoteRef": {"key": "slow"}}]});
    world.create("slow", slow).await;
    world.settle().await;
    world.create("es", json!({})).await;
    world.wait(86_400).await;
    assert_eq!(world.ready("es").await, "none");
    assert_eq!(world.ready("slow").await, "none");
    assert_eq!(world.vault.reads_of("app"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_external_secret_of_a_store_that_is_not_ready_fails_without_asking_the_vault() {
    let mut world = World::without_store().await;
    world.vault.put("app", &[("value", "v1")]);
    world
        .vault
        .edit(|vault| vault.invalid = Some("permission denied".into()));
    world.start_operator();
    world
        .create_store(json!({"metadata": {"name": "vault"}, "spec": {"provider": {"fake": {}}}}))
        .await;
    world.settle().await;
    world.create("es", json!({})).await;
    world.settle().await;
    assert_eq!(world.ready("es").await, FAILED);
    assert_eq!(world.vault.reads_of("app"), 0);
    let events = world.events("ns").await;
    let text =
        "error processing spec.data[0] (key: app), err: ClusterSecretStore \"vault\" is not ready";
    assert!(events.iter().any(|line| line.ends_with(text)), "{events:?}");
    world.vault.edit(|vault| vault.invalid = None);
    world.wait(300).await;
    assert_eq!(world.ready("es").await, SYNCED);
}

#[tokio::test(start_paused = true)]
async fn an_absent_store_and_a_store_of_another_namespace_are_not_found() {
    let world = World::start().await;
    world.create_namespaced_store("other", "vault").await;
    world
        .create("absent", json!({"secretStoreRef": {"name": "nope"}}))
        .await;
    let foreign = json!({"secretStoreRef": {"kind": "SecretStore", "name": "vault"}});
    world.create("foreign", foreign).await;
    world.settle().await;
    let events = world.events("ns").await;
    for text in [
        "could not get ClusterSecretStore \"nope\", ClusterSecretStore.external-secrets.io \"nope\" not found",
        "could not get SecretStore \"vault\", SecretStore.external-secrets.io \"vault\" not found",
    ] {
        assert!(events.iter().any(|line| line.ends_with(text)), "{events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_of_the_own_namespace_is_used() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create_namespaced_store("ns", "own").await;
    world.settle().await;
    let own = json!({"secretStoreRef": {"kind": "SecretStore", "name": "own"}});
    world.create("es", own).await;
    world.settle().await;
    assert_eq!(world.ready("es").await, SYNCED);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_store_is_only_for_the_namespaces_that_its_conditions_name() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    for (name, condition) in [
        ("by-name", json!({"namespaces": ["ns"]})),
        ("by-regex", json!({"namespaceRegexes": ["^n"]})),
        ("denied", json!({"namespaces": ["other"]})),
    ] {
        world
            .create_store(json!({"metadata": {"name": name}, "spec": {"provider": {"fake": {}}, "conditions": [condition]}}))
            .await;
        world.settle().await;
        world
            .create(name, json!({"secretStoreRef": {"name": name}}))
            .await;
    }
    world.settle().await;
    assert_eq!(world.ready("by-name").await, SYNCED);
    assert_eq!(world.ready("by-regex").await, SYNCED);
    assert_eq!(world.ready("denied").await, FAILED);
    let events = world.events("ns").await;
    let text = "using cluster store \"denied\" is not allowed from namespace \"ns\": denied by spec.condition";
    assert!(events.iter().any(|line| line.ends_with(text)), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn every_client_is_closed_after_its_reconcile() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let before = world.vault.edit(|vault| vault.closed);
    world.create("es", json!({"refreshInterval": "1h"})).await;
    world.settle().await;
    let reads = world.vault.reads_of("app");
    assert_eq!(world.vault.edit(|vault| vault.closed) - before, reads);
}

#[tokio::test(start_paused = true)]
async fn with_two_workers_a_hung_vault_blocks_nobody_else() {
    let mut world = World::without_store().await;
    world.vault.put("app", &[("value", "v1")]);
    world.vault.put("slow", &[("value", "x")]);
    world.vault.edit(|vault| vault.hung = Some("slow".into()));
    world.start_workers(2);
    let store = json!({"metadata": {"name": "vault"}, "spec": {"provider": {"fake": {}}}});
    world.create_store(store).await;
    world.settle().await;
    let slow = json!({"data": [{"secretKey": "key", "remoteRef": {"key": "slow"}}]});
    world.create("slow", slow).await;
    world.create("es", json!({})).await;
    world.settle().await;
    assert_eq!(world.ready("es").await, SYNCED);
    assert_eq!(world.ready("slow").await, "none");
}

#[tokio::test(start_paused = true)]
async fn a_generator_is_refused_by_its_name() {
    let world = World::start().await;
    let generator = json!({"sourceRef": {"generatorRef": {"kind": "Password", "name": "p"}}});
    world
        .create("es", json!({"data": [], "dataFrom": [generator]}))
        .await;
    world.settle().await;
    assert_eq!(world.ready("es").await, FAILED);
    let events = world.events("ns").await;
    assert!(
        events
            .iter()
            .any(|line| line.contains("generator Password \"p\"")),
        "{events:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_no_secret_is_refused_and_not_tried_again() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    world
        .create("es", json!({"target": {"manifest": manifest}}))
        .await;
    world.wait(600).await;
    assert_eq!(
        world.ready("es").await,
        "False/SecretSyncedError/invalid generic target"
    );
    assert_eq!(world.vault.reads_of("app"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_of_another_controller_is_left_alone_with_all_that_use_it() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let spec = json!({"controller": "other", "provider": {"fake": {}}});
    world
        .create_store(json!({"metadata": {"name": "foreign"}, "spec": spec}))
        .await;
    world
        .create("es", json!({"secretStoreRef": {"name": "foreign"}}))
        .await;
    world.settle().await;
    assert_eq!(world.store("foreign").await.status, None);
    assert_eq!(world.ready("es").await, "none");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_policy_of_delete_needs_ownership() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let target = json!({"creationPolicy": "Orphan", "deletionPolicy": "Delete"});
    world
        .create("es", json!({"refreshInterval": "1m", "target": target}))
        .await;
    world.settle().await;
    world.vault.edit(|vault| vault.entries.clear());
    world.wait(61).await;
    assert_eq!(
        world.ready("es").await,
        "False/SecretSyncedError/could not delete secret"
    );
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v1"));
}

#[tokio::test(start_paused = true)]
async fn a_status_always_has_a_binding_and_its_name_is_empty_before_the_first_sync() {
    let world = World::start().await;
    world.create("es", json!({})).await;
    world.settle().await;
    assert_eq!(world.ready("es").await, FAILED);
    let bound = async || {
        let status = world.external("es").await.status.unwrap();
        status.binding.unwrap().name
    };
    assert_eq!(bound().await.as_deref(), Some(""));
    world.vault.put("app", &[("value", "v1")]);
    world.wait(10).await;
    assert_eq!(bound().await.as_deref(), Some("es"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_backs_off_and_shows_in_nothing_else() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.vault.edit(|vault| vault.panics = true);
    world.create("es", json!({})).await;
    world.wait(10).await;
    let tries = world.vault.reads_of("app");
    assert!((4..=6).contains(&tries), "{tries}");
    assert_eq!(world.ready("es").await, "none");
    assert!(world.events("ns").await.is_empty());
    world.vault.edit(|vault| vault.panics = false);
    world.wait(10).await;
    assert_eq!(world.ready("es").await, SYNCED);
}
