//! Values, versions and labels, as AWS's SDK sees them.

use std::time::Duration;

use aws_sdk_secretsmanager::primitives::Blob;

use crate::lab::{Lab, V1, refusal};

const V2: &str = "22222222-2222-4222-8222-222222222222";
const V3: &str = "33333333-3333-4333-8333-333333333333";

#[tokio::test(start_paused = true)]
async fn a_created_secret_is_read_back_and_journalled_by_fingerprint() {
    let (lab, sdk) = Lab::with_secret().await;
    let got = sdk
        .get_secret_value()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    assert_eq!(got.secret_string(), Some("one"));
    assert_eq!(got.version_id(), Some(V1));
    assert_eq!(got.version_stages(), ["AWSCURRENT"]);
    let arn = got.arn().unwrap();
    let suffix = arn
        .strip_prefix("arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/a-")
        .unwrap();
    assert_eq!(suffix.len(), 6);
    let served = lab.journal.last();
    assert_eq!(served.operation, "GetSecretValue");
    assert_eq!(
        served.identity.as_deref(),
        Some("arn:aws:iam::123456789012:user/rotaproof")
    );
    assert_eq!(served.secret.as_deref(), Some("prod/a"));
    assert_eq!(served.versions.len(), 1);
    assert_eq!(served.versions[0].version, V1);
    assert_eq!(served.versions[0].value, lab.fingerprinter.of(b"one"));
    assert_eq!(served.refusal, None);
    assert_eq!(lab.journal.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_read_by_full_arn_and_by_arn_without_suffix() {
    let (lab, sdk) = Lab::with_secret().await;
    let arn = sdk
        .describe_secret()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap()
        .arn
        .unwrap();
    for id in [arn.as_str(), &arn[..arn.len() - 7]] {
        let got = sdk.get_secret_value().secret_id(id).send().await.unwrap();
        assert_eq!(got.secret_string(), Some("one"));
        assert_eq!(lab.journal.last().secret.as_deref(), Some("prod/a"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_moves_current_and_the_old_version_stays_readable_by_pin_and_as_previous() {
    let (_lab, sdk) = Lab::with_secret().await;
    let put = sdk
        .put_secret_value()
        .secret_id("prod/a")
        .client_request_token(V2);
    put.secret_string("two").send().await.unwrap();
    let read = sdk.get_secret_value().secret_id("prod/a");
    assert_eq!(
        read.clone().send().await.unwrap().secret_string(),
        Some("two")
    );
    let previous = read
        .clone()
        .version_stage("AWSPREVIOUS")
        .send()
        .await
        .unwrap();
    assert_eq!(previous.secret_string(), Some("one"));
    let pinned = read.clone().version_id(V1).send().await.unwrap();
    assert_eq!(pinned.secret_string(), Some("one"));
    assert_eq!(
        refusal!(read.clone().version_stage("AWSPENDING")),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPENDING"
    );
    assert_eq!(
        refusal!(read.clone().version_id(V3)),
        format!(
            "ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: {V3}"
        )
    );
    assert!(
        refusal!(read.version_id(V1).version_stage("AWSCURRENT"))
            .starts_with("InvalidRequestException: You provided a VersionStage")
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_token_is_idempotent_and_conflicts_with_another_value() {
    let (_lab, sdk) = Lab::with_secret().await;
    let put = |value: &str| {
        sdk.put_secret_value()
            .secret_id("prod/a")
            .client_request_token(V2)
            .secret_string(value)
    };
    put("two").send().await.unwrap();
    put("two").send().await.unwrap();
    assert!(refusal!(put("other")).starts_with("ResourceExistsException: "));
    let create = sdk.create_secret().name("prod/a");
    let same = create
        .clone()
        .client_request_token(V1)
        .secret_string("one")
        .send()
        .await
        .unwrap();
    assert_eq!(same.version_id(), Some(V1));
    assert_eq!(
        refusal!(create.client_request_token(V3).secret_string("three")),
        "ResourceExistsException: The operation failed because the secret prod/a already exists."
    );
}

#[tokio::test(start_paused = true)]
async fn a_pending_version_becomes_current_only_when_the_label_moves() {
    let (_lab, sdk) = Lab::with_secret().await;
    let put = sdk
        .put_secret_value()
        .secret_id("prod/a")
        .client_request_token(V2);
    put.version_stages("AWSPENDING")
        .secret_string("two")
        .send()
        .await
        .unwrap();
    let read = || async {
        let got = sdk
            .get_secret_value()
            .secret_id("prod/a")
            .send()
            .await
            .unwrap();
        got.secret_string.unwrap()
    };
    assert_eq!(read().await, "one");
    let update = sdk
        .update_secret_version_stage()
        .secret_id("prod/a")
        .version_stage("AWSCURRENT");
    assert_eq!(
        refusal!(update.clone().move_to_version_id(V2)),
        format!(
            "InvalidParameterException: The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version {V1}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    );
    assert!(refusal!(update.clone().remove_from_version_id(V1)).contains("completely removed"));
    assert!(
        refusal!(
            update
                .clone()
                .move_to_version_id(V1)
                .remove_from_version_id(V2)
        )
        .starts_with("InvalidParameterException")
    );
    assert_eq!(
        refusal!(
            update
                .clone()
                .move_to_version_id(V3)
                .remove_from_version_id(V1)
        ),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret version."
    );
    update
        .move_to_version_id(V2)
        .remove_from_version_id(V1)
        .send()
        .await
        .unwrap();
    assert_eq!(read().await, "two");
    let described = sdk
        .describe_secret()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    let stages = described.version_ids_to_stages.unwrap();
    assert_eq!(stages[V2], ["AWSPENDING", "AWSCURRENT"]);
    assert_eq!(stages[V1], ["AWSPREVIOUS"]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_secret_cannot_be_read_comes_back_and_goes_when_its_window_ends() {
    let (_lab, sdk) = Lab::with_secret().await;
    let delete = || sdk.delete_secret().secret_id("prod/a");
    assert!(refusal!(delete().recovery_window_in_days(6)).starts_with("InvalidParameterException"));
    assert!(
        refusal!(delete().recovery_window_in_days(31)).starts_with("InvalidParameterException")
    );
    assert!(
        refusal!(
            delete()
                .recovery_window_in_days(7)
                .force_delete_without_recovery(true)
        )
        .starts_with("InvalidParameterException")
    );
    delete().recovery_window_in_days(7).send().await.unwrap();
    let read = || sdk.get_secret_value().secret_id("prod/a");
    let marked = "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(refusal!(read()), marked);
    assert_eq!(
        refusal!(
            sdk.put_secret_value()
                .secret_id("prod/a")
                .secret_string("x")
        ),
        marked
    );
    assert_eq!(
        refusal!(sdk.create_secret().name("prod/a").secret_string("x")),
        "InvalidRequestException: You can't create this secret because a secret with this name is already scheduled for deletion."
    );
    assert!(
        sdk.list_secrets()
            .send()
            .await
            .unwrap()
            .secret_list()
            .is_empty()
    );
    let all = sdk
        .list_secrets()
        .include_planned_deletion(true)
        .send()
        .await
        .unwrap();
    assert_eq!(all.secret_list().len(), 1);
    sdk.restore_secret()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    assert_eq!(read().send().await.unwrap().secret_string(), Some("one"));
    delete().recovery_window_in_days(7).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(7 * 86_400)).await;
    let gone = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
    assert_eq!(refusal!(read()), gone);
    sdk.create_secret()
        .name("prod/a")
        .secret_string("anew")
        .send()
        .await
        .unwrap();
    delete()
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
    assert_eq!(refusal!(read()), gone);
    delete()
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn binary_values_and_updates_are_kept_and_limits_enforced() {
    let (_lab, sdk) = Lab::with_secret().await;
    let update = sdk.update_secret().secret_id("prod/a").description("text");
    update
        .secret_binary(Blob::new([0u8, 255]))
        .send()
        .await
        .unwrap();
    let got = sdk
        .get_secret_value()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    assert_eq!(got.secret_binary().unwrap().as_ref(), [0, 255]);
    assert_eq!(got.secret_string(), None);
    let described = sdk
        .describe_secret()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    assert_eq!(described.description(), Some("text"));
    let put = |value: String| {
        sdk.put_secret_value()
            .secret_id("prod/a")
            .secret_string(value)
    };
    put("x".repeat(65_536)).send().await.unwrap();
    let refused = refusal!(put("x".repeat(65_537)));
    assert_eq!(
        refused,
        "ValidationException: 1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536"
    );
    assert!(
        refusal!(sdk.create_secret().name("no spaces").secret_string("x")).contains("Invalid name")
    );
    assert!(
        refusal!(sdk.put_secret_value().secret_id("prod/a")).starts_with("InvalidRequestException")
    );
}
