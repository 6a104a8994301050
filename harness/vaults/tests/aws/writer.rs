//! The writer's promises, read back through the SDK.

use indexmap::IndexMap;
use rotaproof_base::SecretValue;
use rotaproof_vaults::{Content, Removal, Strategy, WriteError, Writer};

use crate::lab::Lab;

fn fields(pairs: &[(&str, &str)]) -> Content {
    let pairs = pairs
        .iter()
        .map(|&(k, v)| (k.to_owned(), SecretValue::new(v)));
    Content::Fields(pairs.collect::<IndexMap<_, _>>())
}

fn text(value: &str) -> Content {
    Content::Text(SecretValue::new(value))
}

async fn current(lab: &Lab) -> String {
    let got = lab
        .administrator()
        .get_secret_value()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    got.secret_string.unwrap()
}

#[tokio::test(start_paused = true)]
async fn fields_are_a_json_object_and_text_is_as_it_is() {
    let lab = Lab::new();
    let writer = lab.writer();
    let ack = writer
        .create("prod/a", &fields(&[("b", "1"), ("a", "2")]))
        .await
        .unwrap();
    assert_eq!(current(&lab).await, r#"{"b":"1","a":"2"}"#);
    assert_eq!(lab.journal.last().versions[0].version, ack.version);
    assert_eq!(ack.at, lab.clock.now());
    writer
        .rotate("prod/a", &text("plain"), None, Strategy::Put)
        .await
        .unwrap();
    assert_eq!(current(&lab).await, "plain");
}

#[tokio::test(start_paused = true)]
async fn a_staged_rotation_goes_through_pending_and_a_roll_back_moves_the_label() {
    let lab = Lab::new();
    let writer = lab.writer();
    let first = writer.create("prod/a", &text("one")).await.unwrap();
    let second = writer
        .rotate("prod/a", &text("two"), None, Strategy::Staged)
        .await
        .unwrap();
    assert_ne!(first.version, second.version);
    assert_eq!(current(&lab).await, "two");
    let described = lab
        .administrator()
        .describe_secret()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    assert_eq!(
        described.version_ids_to_stages.unwrap()[&second.version],
        ["AWSPENDING", "AWSCURRENT"]
    );
    let third = writer
        .rotate("prod/a", &text("three"), None, Strategy::Staged)
        .await
        .unwrap();
    assert_eq!(current(&lab).await, "three");
    let back = writer
        .roll_back("prod/a", &second.version, &text("two"))
        .await
        .unwrap();
    assert_eq!(back.version, second.version);
    assert_eq!(current(&lab).await, "two");
    writer
        .roll_back("prod/a", &second.version, &text("two"))
        .await
        .unwrap();
    assert_eq!(current(&lab).await, "two");
    assert_ne!(third.version, second.version);
}

#[tokio::test(start_paused = true)]
async fn a_removed_secret_is_restored_with_its_version_and_a_forced_one_is_gone() {
    let lab = Lab::new();
    let writer = lab.writer();
    let first = writer.create("prod/a", &text("one")).await.unwrap();
    writer.remove("prod/a", Removal::Recoverable).await.unwrap();
    let refused = writer
        .rotate("prod/a", &text("x"), None, Strategy::Put)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "PutSecretValue on prod/a was refused: InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion."
    );
    assert_eq!(
        writer.restore("prod/a").await.unwrap().version,
        first.version
    );
    assert_eq!(current(&lab).await, "one");
    writer.remove("prod/a", Removal::Forced).await.unwrap();
    assert!(matches!(
        writer.restore("prod/a").await,
        Err(WriteError::Refused { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn what_aws_does_not_have_is_said_and_never_sent() {
    let lab = Lab::new();
    let writer = lab.writer();
    for strategy in [Strategy::CheckAndSet, Strategy::Patch] {
        let refused = writer.rotate("prod/a", &text("x"), None, strategy).await;
        assert!(matches!(refused, Err(WriteError::Unsupported { .. })));
    }
    assert!(matches!(
        writer.destroy("prod/a", "x").await,
        Err(WriteError::Unsupported { .. })
    ));
    assert_eq!(lab.journal.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_writes_the_same_version_ids() {
    let version = async || {
        Lab::new()
            .writer()
            .create("prod/a", &text("one"))
            .await
            .unwrap()
            .version
    };
    let first = version().await;
    assert_eq!(first, version().await);
}
