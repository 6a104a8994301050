//! What is read, and with which requests.

use aws_sdk_secretsmanager::types::Tag;
use rotaproof_kinds::external_secrets::{Find, FindName, MetadataPolicy, RemoteRef};
use rotaproof_operator::provider::ProviderError;
use rstest::rstest;

use crate::account::{Account, property, remote, text, words};

const JSON: &str =
    r#"{"user": "u", "port": 5432, "a.b": "dotted", "a": {"b": "nested"}, "o": {"k": [1]}}"#;

#[tokio::test(start_paused = true)]
async fn two_properties_of_one_secret_are_one_session_and_one_read() {
    let account = Account::open().await;
    account.put("prod/a", JSON).await;
    let mut client = account.irsa().await;
    assert!(
        account.asked().is_empty(),
        "nothing is asked before the first read"
    );
    assert_eq!(
        text(client.get_secret(&property("prod/a", "user")).await),
        "u"
    );
    assert_eq!(
        text(client.get_secret(&property("prod/a", "port")).await),
        "5432"
    );
    assert_eq!(
        account.asked(),
        ["AssumeRoleWithWebIdentity", "GetSecretValue"]
    );
    let mut client = account.irsa().await;
    assert_eq!(text(client.get_secret(&remote("prod/a")).await), JSON);
    assert_eq!(
        account.asked().len(),
        4,
        "the next reconcile asks for both anew"
    );
    let entry = account.gateway.journal().entries().pop().unwrap();
    let session = "arn:aws:sts::123456789012:assumed-role/eso/external-secrets-provider-aws";
    assert_eq!(entry.identity.as_deref(), Some(session));
}

#[rstest]
#[case("user", "u")]
#[case("a.b", "dotted")]
#[case("o.k.0", "1")]
#[case("o", r#"{"k": [1]}"#)]
#[tokio::test(start_paused = true)]
async fn a_property_is_a_key_or_a_path(#[case] path: &str, #[case] expected: &str) {
    let account = Account::open().await;
    account.put("prod/a", JSON).await;
    let mut client = account.irsa().await;
    assert_eq!(
        text(client.get_secret(&property("prod/a", path)).await),
        expected
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_said_as_eso_says_it() {
    let account = Account::open().await;
    account.put("prod/a", JSON).await;
    account.put("prod/text", "plain").await;
    let mut client = account.irsa().await;
    let absent = client.get_secret(&remote("nope")).await;
    assert_eq!(absent.err(), Some(ProviderError::NoSecret));
    let missing = client.get_secret(&property("prod/a", "nope")).await;
    assert_eq!(words(missing), "key nope does not exist in secret prod/a");
    let not_json = client.get_secret(&property("prod/text", "user")).await;
    assert_eq!(
        words(not_json),
        "key user does not exist in secret prod/text"
    );
    let unmapped = words(client.get_secret_map(&remote("prod/text")).await);
    assert!(
        unmapped.starts_with("unable to unmarshal secret prod/text: "),
        "{unmapped}"
    );
    assert!(!unmapped.contains("plain"), "{unmapped}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_marked_for_deletion_is_an_error_and_not_a_missing_secret() {
    let account = Account::open().await;
    account.put("prod/a", "x").await;
    account
        .sdk
        .delete_secret()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    let mut client = account.irsa().await;
    assert_eq!(
        words(client.get_secret(&remote("prod/a")).await),
        "operation error Secrets Manager: GetSecretValue, https response error StatusCode: 400, RequestID: , InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion."
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_is_a_stage_unless_it_begins_with_uuid() {
    let account = Account::open().await;
    account.put("prod/a", "one").await;
    let first = account
        .sdk
        .get_secret_value()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    let first = first.version_id.unwrap();
    account
        .sdk
        .put_secret_value()
        .secret_id("prod/a")
        .secret_string("two")
        .send()
        .await
        .unwrap();
    let mut client = account.irsa().await;
    let at = |version: &str| RemoteRef {
        version: Some(version.into()),
        ..remote("prod/a")
    };
    assert_eq!(text(client.get_secret(&remote("prod/a")).await), "two");
    assert_eq!(text(client.get_secret(&at("AWSPREVIOUS")).await), "one");
    assert_eq!(
        text(client.get_secret(&at(&format!("uuid/{first}"))).await),
        "one"
    );
    assert_eq!(
        client.get_secret(&at(&first)).await.err(),
        Some(ProviderError::NoSecret)
    );
}

#[tokio::test(start_paused = true)]
async fn all_keys_of_a_secret_keep_their_json() {
    let account = Account::open().await;
    account.put("prod/a", JSON).await;
    let mut client = account.irsa().await;
    let map = client.get_secret_map(&remote("prod/a")).await.ok().unwrap();
    let map: Vec<(&str, &str)> = map
        .iter()
        .map(|(k, v)| (k.as_str(), v.expose_str().unwrap()))
        .collect();
    assert_eq!(
        map,
        [
            ("a", r#"{"b": "nested"}"#),
            ("a.b", "dotted"),
            ("o", r#"{"k": [1]}"#),
            ("port", "5432"),
            ("user", "u")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn metadata_is_the_secrets_tags() {
    let account = Account::open().await;
    account.put("prod/a", "x").await;
    for (key, value) in [("team", "ml"), ("app", "a&b")] {
        let tag = Tag::builder().key(key).value(value).build();
        account
            .sdk
            .tag_resource()
            .secret_id("prod/a")
            .tags(tag)
            .send()
            .await
            .unwrap();
    }
    let mut client = account.irsa().await;
    let metadata = RemoteRef {
        metadata_policy: Some(MetadataPolicy::Fetch),
        ..remote("prod/a")
    };
    assert_eq!(
        text(client.get_secret(&metadata).await),
        r#"{"app":"a\u0026b","team":"ml"}"#
    );
    let team = RemoteRef {
        property: Some("team".into()),
        ..metadata
    };
    assert_eq!(text(client.get_secret(&team).await), "ml");
    assert_eq!(
        account.asked(),
        ["AssumeRoleWithWebIdentity", "DescribeSecret"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_prefix_is_part_of_every_key() {
    let account = Account::open().await;
    account.put("prod/a", "x").await;
    let mut store = crate::account::irsa("reader");
    store["prefix"] = "prod/".into();
    let mut client = account.client(&account.store(store)).await.ok().unwrap();
    assert_eq!(text(client.get_secret(&remote("a")).await), "x");
}

#[tokio::test(start_paused = true)]
async fn find_lists_by_name_and_reads_in_batches_with_a_path_or_tags() {
    let account = Account::open().await;
    for n in 0..25 {
        account
            .put(&format!("prod/{n:02}"), &format!("value {n}"))
            .await;
    }
    account.put("dev/00", "x").await;
    let tag = Tag::builder().key("team").value("ml").build();
    account
        .sdk
        .tag_resource()
        .secret_id("prod/03")
        .tags(tag)
        .send()
        .await
        .unwrap();
    let by_name = |pattern: &str| Find {
        name: Some(FindName {
            regexp: Some(pattern.into()),
        }),
        ..Find::default()
    };
    let mut client = account.irsa().await;
    let found = client
        .get_all_secrets(&by_name("0[0-1]$"))
        .await
        .ok()
        .unwrap();
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        ["dev/00", "prod/00", "prod/01"]
    );
    assert_eq!(
        account.asked()[1..],
        [
            "ListSecrets",
            "GetSecretValue",
            "GetSecretValue",
            "GetSecretValue"
        ]
    );

    let mut client = account.irsa().await;
    let below = Find {
        path: Some("prod/".into()),
        ..by_name(".*")
    };
    assert_eq!(client.get_all_secrets(&below).await.ok().unwrap().len(), 25);
    assert_eq!(
        account.asked()[6..],
        ["BatchGetSecretValue", "BatchGetSecretValue"]
    );

    let tagged = Find {
        tags: Some([("team".to_owned(), "ml".to_owned())].into()),
        ..Find::default()
    };
    let found = client.get_all_secrets(&tagged).await.ok().unwrap();
    assert_eq!(found["prod/03"].expose_str(), Some("value 3"));
    assert_eq!(found.len(), 1);
    let nothing = client.get_all_secrets(&Find::default()).await;
    assert_eq!(words(nothing), "unexpected find operator");
    let broken = words(client.get_all_secrets(&by_name("(")).await);
    assert!(
        broken.starts_with("could not compile find.name.regexp [(]: "),
        "{broken}"
    );
}
