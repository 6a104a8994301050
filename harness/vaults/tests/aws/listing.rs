//! Lists, batches, tags, regions and permissions, as AWS's SDK sees them.

use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};

use crate::lab::{Lab, reader, refusal};

const V2: &str = "22222222-2222-4222-8222-222222222222";
const V3: &str = "33333333-3333-4333-8333-333333333333";

#[tokio::test(start_paused = true)]
async fn secrets_are_listed_and_read_in_batches_by_filter_and_page() {
    let lab = Lab::new();
    let sdk = lab.administrator();
    for n in 0..25 {
        let tag = Tag::builder()
            .key("team")
            .value(if n < 3 { "ml" } else { "web" })
            .build();
        let create = sdk.create_secret().name(format!("prod/{n:02}")).tags(tag);
        create
            .secret_string(format!("value {n}"))
            .send()
            .await
            .unwrap();
    }
    sdk.create_secret()
        .name("dev/x")
        .secret_string("x")
        .send()
        .await
        .unwrap();
    let filter =
        |key: FilterNameStringType, value: &str| Filter::builder().key(key).values(value).build();
    let count = async |filters: Vec<Filter>| {
        let listed = sdk
            .list_secrets()
            .set_filters(Some(filters))
            .send()
            .await
            .unwrap();
        listed.secret_list().len()
    };
    assert_eq!(
        count(vec![filter(FilterNameStringType::Name, "prod/")]).await,
        25
    );
    assert_eq!(
        count(vec![filter(FilterNameStringType::Name, "!prod/")]).await,
        1
    );
    assert_eq!(
        count(vec![
            filter(FilterNameStringType::TagKey, "team"),
            filter(FilterNameStringType::TagValue, "ml")
        ])
        .await,
        3
    );
    assert_eq!(
        count(vec![filter(FilterNameStringType::All, "PROD 07")]).await,
        1
    );
    assert_eq!(
        count(vec![filter(FilterNameStringType::Name, "PROD")]).await,
        0
    );

    let first = sdk.list_secrets().max_results(20).send().await.unwrap();
    assert_eq!(first.secret_list().len(), 20);
    let second = sdk
        .list_secrets()
        .max_results(20)
        .next_token(first.next_token().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!((second.secret_list().len(), second.next_token()), (6, None));
    assert!(
        refusal!(sdk.list_secrets().next_token("garbage")).starts_with("InvalidNextTokenException")
    );

    let batch = sdk.batch_get_secret_value();
    let page = batch
        .clone()
        .filters(filter(FilterNameStringType::Name, "prod/"))
        .send()
        .await
        .unwrap();
    assert_eq!(page.secret_values().len(), 20);
    assert_eq!(lab.journal.last().versions.len(), 20);
    assert!(page.next_token().is_some());
    let by_id = batch
        .secret_id_list("prod/00")
        .secret_id_list("absent")
        .send()
        .await
        .unwrap();
    assert_eq!(by_id.secret_values()[0].secret_string(), Some("value 0"));
    assert_eq!(
        by_id.errors()[0].error_code(),
        Some("ResourceNotFoundException")
    );
}

#[tokio::test(start_paused = true)]
async fn tags_are_put_and_taken_away_and_versions_are_listed() {
    let (_lab, sdk) = Lab::with_secret().await;
    let tag = Tag::builder().key("owner").value("me").build();
    sdk.tag_resource()
        .secret_id("prod/a")
        .tags(tag)
        .send()
        .await
        .unwrap();
    let tags = async || {
        sdk.describe_secret()
            .secret_id("prod/a")
            .send()
            .await
            .unwrap()
            .tags
            .unwrap_or_default()
    };
    assert_eq!(tags().await[0].key(), Some("owner"));
    sdk.untag_resource()
        .secret_id("prod/a")
        .tag_keys("owner")
        .send()
        .await
        .unwrap();
    assert!(tags().await.is_empty());
    for token in [V2, V3] {
        let put = sdk
            .put_secret_value()
            .secret_id("prod/a")
            .client_request_token(token);
        put.secret_string(token).send().await.unwrap();
    }
    let list = sdk.list_secret_version_ids().secret_id("prod/a");
    assert_eq!(list.clone().send().await.unwrap().versions().len(), 2);
    assert_eq!(
        list.include_deprecated(true)
            .send()
            .await
            .unwrap()
            .versions()
            .len(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn another_region_of_the_account_is_there_and_empty() {
    let (lab, _) = Lab::with_secret().await;
    let elsewhere = lab.sdk_in("eu-west-1", &lab.vault.administrator());
    assert_eq!(
        refusal!(elsewhere.get_secret_value().secret_id("prod/a")),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret."
    );
}

#[tokio::test(start_paused = true)]
async fn what_no_policy_allows_is_denied_in_awss_words_and_journalled() {
    let (lab, sdk) = Lab::with_secret().await;
    sdk.create_secret()
        .name("dev/x")
        .secret_string("x")
        .send()
        .await
        .unwrap();
    let arn = sdk
        .describe_secret()
        .secret_id("dev/x")
        .send()
        .await
        .unwrap()
        .arn
        .unwrap();
    let reader = lab.sdk(&reader());
    assert_eq!(
        reader
            .get_secret_value()
            .secret_id("prod/a")
            .send()
            .await
            .unwrap()
            .secret_string(),
        Some("one")
    );
    let user = "arn:aws:iam::123456789012:user/reader";
    let denied = |action: &str, on: &str| {
        format!(
            "AccessDeniedException: User: {user} is not authorized to perform: secretsmanager:{action}{on} because no identity-based policy allows the secretsmanager:{action} action"
        )
    };
    assert_eq!(
        refusal!(reader.get_secret_value().secret_id("dev/x")),
        denied("GetSecretValue", &format!(" on resource: {arn}"))
    );
    assert_eq!(
        refusal!(reader.get_secret_value().secret_id("dev/absent")),
        denied("GetSecretValue", " on resource: dev/absent")
    );
    assert_eq!(refusal!(reader.list_secrets()), denied("ListSecrets", ""));
    assert!(
        refusal!(
            reader
                .put_secret_value()
                .secret_id("prod/a")
                .secret_string("x")
        )
        .starts_with("AccessDeniedException")
    );
    let served = lab.journal.last();
    assert_eq!(served.refusal.as_deref(), Some("AccessDeniedException"));
    assert_eq!(served.identity.as_deref(), Some(user));
    assert_eq!(served.secret.as_deref(), Some("prod/a"));
    assert!(served.versions.is_empty());
    assert_eq!(
        refusal!(reader.get_secret_value().secret_id("prod/absent")),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret."
    );
}
