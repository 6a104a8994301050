//! `latest` whose version cannot be read, by the store's policy and the release.

use rotaproof_vaults::{Strategy, Writer};
use rstest::rstest;
use serde_json::{Value, json};

use super::{EMAIL, World, text, workload_identity};
use crate::Release;

impl World {
    /// Writes two versions of `api-key`, and disables the second one.
    async fn disable_the_newest(&self) {
        self.writer.create("api-key", &text("v1")).await.unwrap();
        self.writer
            .rotate("api-key", &text("v2"), None, Strategy::Put)
            .await
            .unwrap();
        self.writer.disable("api-key", "2").await.unwrap();
    }
}

#[rstest]
#[case(json!({}), json!({"key": "api-key"}), None)]
#[case(json!({"secretVersionSelectionPolicy": "LatestOrFetch"}), json!({"key": "api-key"}), Some("v1"))]
#[case(json!({"secretVersionSelectionPolicy": "LatestOrFetch"}), json!({"key": "api-key", "version": "latest"}), None)]
#[tokio::test(start_paused = true)]
async fn only_the_policy_without_a_version_falls_back(
    #[case] policy: Value,
    #[case] remote: Value,
    #[case] read: Option<&str>,
) {
    let mut world = World::new(&workload_identity(policy), Some(EMAIL));
    world.store.release = Release::V2_9;
    world.disable_the_newest().await;
    match read {
        Some(value) => assert_eq!(world.read(remote).await.as_deref(), Ok(value)),
        None => {
            let error = world.read(remote).await.unwrap_err();
            let start = "unable to access Secret from SecretManager Client: rpc error: code = FailedPrecondition desc = Secret Version [";
            assert!(
                error.starts_with(start) && error.ends_with("/versions/2] is in DISABLED state."),
                "{error}"
            );
        }
    }
}

/// `LatestOrFetch`, whose service account may list versions as a Google account, and not as itself.
async fn fetching(release: Release, annotation: Option<&str>) -> World {
    let policy = json!({"secretVersionSelectionPolicy": "LatestOrFetch"});
    let mut world = World::new(&workload_identity(policy), annotation);
    world.store.release = release;
    world.disable_the_newest().await;
    world
}

#[tokio::test(start_paused = true)]
async fn with_0_20_4_the_fall_back_is_refused_for_its_name() {
    let world = fetching(Release::V0_20, Some(EMAIL)).await;
    assert_eq!(
        world.read(json!({"key": "api-key"})).await.unwrap_err(),
        "unable to access Secret from SecretManager Client: rpc error: code = InvalidArgument desc = Invalid resource field value in the request."
    );
    let asked = world.asked();
    let since = asked.len() - 3;
    let fall_back = [
        "AccessSecretVersion",
        "ListSecretVersions",
        "AccessSecretVersion",
    ];
    assert_eq!(asked[since..], fall_back);
}

#[rstest]
#[case(
    Release::V0_20,
    "panic: runtime error: invalid memory address or nil pointer dereference [recovered]"
)]
#[case(
    Release::V2_9,
    "unable to access Secret from SecretManager Client: rpc error: code = PermissionDenied"
)]
#[tokio::test(start_paused = true)]
async fn versions_that_may_not_be_listed_make_0_20_4_panic(
    #[case] release: Release,
    #[case] start: &str,
) {
    let world = fetching(release, None).await;
    let error = world.read(json!({"key": "api-key"})).await.unwrap_err();
    assert!(error.starts_with(start), "{error}");
}
