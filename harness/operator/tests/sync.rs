//! What becomes of an ExternalSecret: the Secret, the status, the events, and when the vault is read.

#![allow(clippy::unwrap_used)]

mod world;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use rstest::rstest;
use serde_json::{Value, json};
use world::World;

const MANAGED: &str = "reconcile.external-secrets.io/managed";
const OWNER: &str = "reconcile.external-secrets.io/created-by";
const HASH: &str = "reconcile.external-secrets.io/data-hash";
const SYNCED: &str = "True/SecretSynced/secret synced";

#[tokio::test(start_paused = true)]
async fn a_new_external_secret_becomes_a_secret_that_it_owns() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let created = world.create("es", json!({})).await;
    world.settle().await;
    assert_eq!(world.ready("es").await, SYNCED);
    let secret = world.secret("es").await.unwrap();
    assert_eq!(secret.data.unwrap()["key"].0, b"v1");
    let labels = secret.metadata.labels.unwrap();
    assert_eq!(labels[MANAGED], "true");
    assert!(labels.contains_key(OWNER));
    assert_eq!(secret.metadata.annotations.unwrap()[HASH].len(), 56);
    let owner = &secret.metadata.owner_references.unwrap()[0];
    assert_eq!(owner.uid, created.metadata.uid.clone().unwrap());
    assert_eq!(
        (owner.controller, owner.block_owner_deletion),
        (Some(true), Some(true))
    );
    let external = world.external("es").await;
    assert_eq!(
        external.metadata.finalizers.unwrap(),
        ["externalsecrets.external-secrets.io/externalsecret-cleanup"]
    );
    let status = external.status.unwrap();
    assert_eq!(status.binding.unwrap().name.as_deref(), Some("es"));
    assert!(status.synced_resource_version.unwrap().starts_with("1-"));
    assert_eq!(
        world.events("ns").await,
        ["Normal Created x1 secret created"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_vault_is_read_once_per_interval_and_never_before() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({"refreshInterval": "1h"})).await;
    world.settle().await;
    let first = world.vault.reads_of("app");
    world.vault.put("app", &[("value", "v2")]);
    world.wait(3598).await;
    assert_eq!(world.vault.reads_of("app"), first);
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v1"));
    world.wait(2).await;
    assert_eq!(world.vault.reads_of("app"), first + 1);
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v2"));
    world.wait(3600 * 10).await;
    assert_eq!(world.vault.reads_of("app"), first + 11);
}

#[tokio::test(start_paused = true)]
async fn the_refresh_time_moves_with_every_success_and_the_secret_only_with_its_data() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({"refreshInterval": "1m"})).await;
    world.settle().await;
    let before = (
        world.refreshed("es").await,
        world.secret("es").await.unwrap().metadata.resource_version,
    );
    world.wait(61).await;
    let after = (
        world.refreshed("es").await,
        world.secret("es").await.unwrap().metadata.resource_version,
    );
    assert_ne!(before.0, after.0);
    assert_eq!(before.1, after.1);
}

#[tokio::test(start_paused = true)]
async fn with_interval_zero_it_is_read_once_and_edits_are_ignored() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({"refreshInterval": "0"})).await;
    world.settle().await;
    let first = world.vault.reads_of("app");
    world.vault.put("app", &[("value", "v2")]);
    world
        .patch(
            "es",
            json!({"metadata": {"annotations": {"force-sync": "1"}}}),
        )
        .await;
    world.wait(100_000).await;
    assert_eq!(world.vault.reads_of("app"), first);
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v1"));
}

#[tokio::test(start_paused = true)]
async fn a_changed_annotation_forces_a_sync_and_is_copied_to_the_secret() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.settle().await;
    world.vault.put("app", &[("value", "v2")]);
    world
        .patch(
            "es",
            json!({"metadata": {"annotations": {"force-sync": "1"}}}),
        )
        .await;
    world.settle().await;
    let secret = world.secret("es").await.unwrap();
    assert_eq!(secret.data.unwrap()["key"].0, b"v2");
    assert_eq!(secret.metadata.annotations.unwrap()["force-sync"], "1");
    assert_eq!(
        world.events("ns").await,
        [
            "Normal Created x1 secret created",
            "Normal Updated x1 secret updated"
        ]
    );
}

#[rstest]
#[case::retain(
    "Retain",
    "False/SecretSyncedError/could not get secret data from provider",
    Some("v1"),
    "Warning UpdateFailed x1 error processing spec.data[0] (key: app), err: Secret does not exist"
)]
#[case::delete(
    "Delete",
    "True/SecretDeleted/secret deleted due to DeletionPolicy=Delete",
    None,
    "Normal MissingProviderSecret x1 secret does not exist at provider using spec.dataFrom[0] (key=app)"
)]
#[case::merge(
    "Merge",
    SYNCED,
    None,
    "Normal MissingProviderSecret x1 secret does not exist at provider using spec.dataFrom[0] (key=app)"
)]
#[tokio::test(start_paused = true)]
async fn what_a_missing_secret_means_is_the_deletion_policys(
    #[case] policy: &str,
    #[case] ready: &str,
    #[case] value: Option<&str>,
    #[case] event: &str,
) {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let changes = json!({"refreshInterval": "1h", "target": {"deletionPolicy": policy}});
    world.create("es", changes).await;
    world.settle().await;
    world.vault.edit(|vault| vault.entries.clear());
    world.wait(3599).await;
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(world.ready("es").await, ready);
    assert_eq!(world.value("es", "key").await.as_deref(), value);
    assert_eq!(world.secret("es").await.is_some(), policy != "Delete");
    let reason = event.split(" x").next().unwrap();
    let text = event.split(" x1 ").nth(1).unwrap();
    let events = world.events("ns").await;
    assert!(
        events
            .iter()
            .any(|line| line.starts_with(reason) && line.ends_with(text)),
        "{events:?}"
    );
}

#[rstest]
#[case("Owner", true, true)]
#[case("Orphan", true, false)]
#[case("CreateOrMerge", true, false)]
#[case("Merge", false, false)]
#[case("None", false, false)]
#[tokio::test(start_paused = true)]
async fn whether_a_secret_is_created_and_owned_is_the_creation_policys(
    #[case] policy: &str,
    #[case] created: bool,
    #[case] owned: bool,
) {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world
        .create("es", json!({"target": {"creationPolicy": policy}}))
        .await;
    world.settle().await;
    let secret = world.secret("es").await;
    assert_eq!(secret.is_some(), created);
    let owners = secret
        .and_then(|secret| secret.metadata.owner_references)
        .unwrap_or_default();
    assert_eq!(!owners.is_empty(), owned);
    let expected = match policy {
        "Merge" => "True/SecretMissing/secret will not be created due to CreationPolicy=Merge",
        _ => SYNCED,
    };
    assert_eq!(world.ready("es").await, expected);
}

#[rstest]
#[case("Merge", true)]
#[case("CreateOrMerge", true)]
#[case("Orphan", false)]
#[tokio::test(start_paused = true)]
async fn an_existing_secret_keeps_its_other_keys_where_the_policy_merges(
    #[case] policy: &str,
    #[case] kept: bool,
) {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let secret: Secret =
        serde_json::from_value(json!({"metadata": {"name": "es"}, "stringData": {"theirs": "x"}}))
            .unwrap();
    world
        .secrets()
        .create(&PostParams::default(), &secret)
        .await
        .unwrap();
    world
        .create("es", json!({"target": {"creationPolicy": policy}}))
        .await;
    world.wait(3).await;
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v1"));
    assert_eq!(world.value("es", "theirs").await.is_some(), kept);
    let labels = world.secret("es").await.unwrap().metadata.labels.unwrap();
    assert_eq!(labels[MANAGED], "true");
    assert!(!labels.contains_key(OWNER));
}

#[tokio::test(start_paused = true)]
async fn an_immutable_target_is_ready_and_refreshed_while_its_data_stays() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let changes = json!({"refreshInterval": "1m", "target": {"immutable": true}});
    world.create("es", changes).await;
    world.settle().await;
    assert_eq!(world.secret("es").await.unwrap().immutable, Some(true));
    let refreshed = world.refreshed("es").await;
    world.vault.put("app", &[("value", "v2")]);
    world.wait(61).await;
    assert_eq!(world.ready("es").await, SYNCED);
    assert_ne!(world.refreshed("es").await, refreshed);
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v1"));
}

#[tokio::test(start_paused = true)]
async fn of_two_external_secrets_with_one_target_the_second_fails_and_is_not_retried() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world
        .create("first", json!({"target": {"name": "shared"}}))
        .await;
    world.settle().await;
    world
        .create("second", json!({"target": {"name": "shared"}}))
        .await;
    world.wait(5).await;
    assert_eq!(world.ready("first").await, SYNCED);
    assert_eq!(
        world.ready("second").await,
        "False/SecretSyncedError/target is owned by another ExternalSecret"
    );
    let reads = world.vault.reads_of("app");
    world.wait(600).await;
    assert_eq!(world.vault.reads_of("app"), reads);
    let events = world.events("ns").await;
    let text = "unable to mutate secret shared: secret is owned by another ExternalSecret: first";
    assert!(events.iter().any(|line| line.ends_with(text)), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_under_the_old_target_name_is_deleted() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({"target": {"name": "old"}})).await;
    world.settle().await;
    world
        .patch("es", json!({"spec": {"target": {"name": "new"}}}))
        .await;
    world.settle().await;
    assert!(world.secret("old").await.is_none());
    assert_eq!(world.value("new", "key").await.as_deref(), Some("v1"));
    let events = world.events("ns").await;
    assert!(
        events.contains(&"Normal Deleted x1 secret deleted because it was orphaned".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_that_was_edited_or_deleted_by_hand_is_put_right_at_once() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.settle().await;
    let patch = json!({"data": {"key": ByteString(b"wrong".to_vec())}});
    world
        .secrets()
        .patch("es", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v1"));
    world
        .secrets()
        .delete("es", &DeleteParams::default())
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.value("es", "key").await.as_deref(), Some("v1"));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_external_secret_loses_its_finalizer_and_its_secret_goes() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.settle().await;
    world.delete("es").await;
    world.settle().await;
    assert!(
        world
            .external_secrets()
            .get_opt("es")
            .await
            .unwrap()
            .is_none()
    );
    assert!(world.secret("es").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn extract_takes_every_key_and_data_wins_over_it() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "single")]);
    world
        .vault
        .put("all", &[("key", "from all"), ("more", "x")]);
    world
        .create("es", json!({"dataFrom": [{"extract": {"key": "all"}}]}))
        .await;
    world.settle().await;
    assert_eq!(world.value("es", "key").await.as_deref(), Some("single"));
    assert_eq!(world.value("es", "more").await.as_deref(), Some("x"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_no_longer_asked_for_goes_from_the_secret() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({})).await;
    world.settle().await;
    let data: Value = json!([{"secretKey": "renamed", "remoteRef": {"key": "app"}}]);
    world.patch("es", json!({"spec": {"data": data}})).await;
    world.settle().await;
    assert_eq!(world.value("es", "key").await, None);
    assert_eq!(world.value("es", "renamed").await.as_deref(), Some("v1"));
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_nothing_is_read_before_its_time() {
    let mut world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.create("es", json!({"refreshInterval": "1h"})).await;
    world.settle().await;
    let reads = world.vault.reads_of("app");
    world.stop_operator().await;
    world.wait(600).await;
    world.start_operator();
    world.wait(2990).await;
    assert_eq!(world.vault.reads_of("app"), reads);
    world.wait(20).await;
    assert_eq!(world.vault.reads_of("app"), reads + 1);
}
