//! Versions and their states: `latest` is the newest one, whatever it is.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::Lab;

async fn change(lab: &Lab, version: &str, verb: &str) -> Value {
    lab.done(
        "POST",
        &format!("/secrets/api-key/versions/{version}:{verb}"),
        json!({}),
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn latest_is_the_newest_version_and_a_number_stays() {
    let lab = Lab::new();
    lab.secret("api-key", &["v1"]).await;
    assert_eq!(lab.access("api-key", "latest").await.as_deref(), Ok("v1"));
    lab.add("api-key", "v2").await;
    assert_eq!(lab.access("api-key", "latest").await.as_deref(), Ok("v2"));
    let served = lab.last();
    assert_eq!(served.operation, "AccessSecretVersion");
    assert_eq!(served.secret.as_deref(), Some("api-key"));
    assert_eq!(served.versions[0].version, "2");
    assert_eq!(lab.access("api-key", "1").await.as_deref(), Ok("v1"));
}

#[rstest]
#[case("disable", "DISABLED")]
#[case("destroy", "DESTROYED")]
#[tokio::test(start_paused = true)]
async fn latest_never_falls_back(#[case] verb: &str, #[case] state: &str) {
    let lab = Lab::new();
    lab.secret("api-key", &["v1", "v2"]).await;
    assert_eq!(change(&lab, "2", verb).await["state"], state);
    let (status, message) = lab.access("api-key", "latest").await.unwrap_err();
    assert_eq!(status, "FAILED_PRECONDITION");
    assert_eq!(
        lab.plain(&message),
        format!("Secret Version [projects/NUMBER/secrets/api-key/versions/2] is in {state} state.")
    );
    assert!(lab.last().versions.is_empty());
    assert_eq!(lab.access("api-key", "1").await.as_deref(), Ok("v1"));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_version_is_enabled_again_and_a_destroyed_one_never() {
    let lab = Lab::new();
    lab.secret("api-key", &["v1"]).await;
    change(&lab, "1", "disable").await;
    change(&lab, "1", "enable").await;
    assert_eq!(lab.access("api-key", "1").await.as_deref(), Ok("v1"));
    let destroyed = change(&lab, "1", "destroy").await;
    assert_eq!(destroyed["destroyTime"], "2025-11-08T00:00:00Z");
    for verb in ["enable", "disable", "destroy"] {
        let path = format!("/secrets/api-key/versions/1:{verb}");
        let (status, answer) = lab.admin("POST", &path, json!({})).await;
        assert_eq!(
            (status, &answer["error"]["status"]),
            (400, &json!("FAILED_PRECONDITION"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_delayed_destruction_can_be_taken_back_until_it_happens() {
    let lab = Lab::new();
    lab.secret("api-key", &["v1", "v2"]).await;
    let ttl = json!({"versionDestroyTtl": "86400s"});
    lab.done(
        "PATCH",
        "/secrets/api-key?updateMask=versionDestroyTtl",
        ttl,
    )
    .await;
    for version in ["1", "2"] {
        let scheduled = change(&lab, version, "destroy").await;
        assert_eq!(scheduled["state"], "DISABLED");
        assert_eq!(scheduled["scheduledDestroyTime"], "2025-11-09T00:00:00Z");
    }
    assert_eq!(
        change(&lab, "1", "enable").await["scheduledDestroyTime"],
        Value::Null
    );
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(lab.access("api-key", "1").await.as_deref(), Ok("v1"));
    let gone = lab
        .done("GET", "/secrets/api-key/versions/2", Value::Null)
        .await;
    assert_eq!(
        (&gone["state"], &gone["destroyTime"]),
        (&json!("DESTROYED"), &json!("2025-11-09T00:00:00Z"))
    );
}

#[rstest]
#[case(
    "api-key",
    "9",
    "Secret Version [projects/NUMBER/secrets/api-key/versions/9] not found."
)]
#[case(
    "api-key",
    "0",
    "Secret Version [projects/NUMBER/secrets/api-key/versions/0] not found."
)]
#[case(
    "api-key",
    "alias",
    "Secret Version [projects/NUMBER/secrets/api-key/versions/alias] not found."
)]
#[case(
    "none",
    "latest",
    "Secret [projects/NUMBER/secrets/none] not found or has no versions."
)]
#[case(
    "empty",
    "latest",
    "Secret [projects/NUMBER/secrets/empty] not found or has no versions."
)]
#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found(
    #[case] id: &str,
    #[case] version: &str,
    #[case] text: &str,
) {
    let lab = Lab::new();
    lab.secret("api-key", &["v1"]).await;
    lab.secret("empty", &[]).await;
    let (status, message) = lab.access(id, version).await.unwrap_err();
    assert_eq!(
        (status.as_str(), lab.plain(&message).as_str()),
        ("NOT_FOUND", text)
    );
}

#[tokio::test(start_paused = true)]
async fn a_payload_carries_its_checksum_and_a_wrong_one_is_refused() {
    let lab = Lab::new();
    lab.secret("api-key", &[]).await;
    let payload = |crc: Value| {
        let data = BASE64_STANDARD.encode("123456789");
        json!({"payload": {"data": data, "dataCrc32c": crc}})
    };
    let path = "/secrets/api-key:addVersion";
    // The check value of CRC32C.
    let added = lab.done("POST", path, payload(json!("3808858755"))).await;
    assert_eq!(added["clientSpecifiedPayloadChecksum"], true);
    let read = lab
        .done("GET", "/secrets/api-key/versions/1:access", Value::Null)
        .await;
    assert_eq!(read["payload"]["dataCrc32c"], "3808858755");
    let (status, _) = lab.admin("POST", path, payload(json!(1))).await;
    assert_eq!(status, 400);
    let (status, _) = lab
        .admin("GET", "/secrets/api-key/versions/2", Value::Null)
        .await;
    assert_eq!(status, 404);
}

#[rstest]
#[case(65_536, 200)]
#[case(65_537, 400)]
#[tokio::test(start_paused = true)]
async fn a_payload_has_at_most_64_kib(#[case] bytes: usize, #[case] status: u16) {
    let lab = Lab::new();
    lab.secret("api-key", &[]).await;
    let body = json!({"payload": {"data": BASE64_STANDARD.encode(vec![b'x'; bytes])}});
    let (had, _) = lab.admin("POST", "/secrets/api-key:addVersion", body).await;
    assert_eq!(had, status);
}

#[tokio::test(start_paused = true)]
async fn each_change_of_a_version_wants_the_etag_it_was_seen_with() {
    let lab = Lab::new();
    lab.secret("api-key", &["v1"]).await;
    let seen = lab
        .done("GET", "/secrets/api-key/versions/1", Value::Null)
        .await["etag"]
        .clone();
    // Enabling what is enabled changes the etag all the same.
    change(&lab, "1", "enable").await;
    let path = "/secrets/api-key/versions/1:disable";
    let (status, answer) = lab.admin("POST", path, json!({"etag": seen})).await;
    assert_eq!(
        (status, &answer["error"]["status"]),
        (400, &json!("FAILED_PRECONDITION"))
    );
    let now = lab
        .done("GET", "/secrets/api-key/versions/1", Value::Null)
        .await["etag"]
        .clone();
    lab.done("POST", path, json!({"etag": now})).await;
}

#[tokio::test(start_paused = true)]
async fn a_regional_secret_is_another_one() {
    let lab = Lab::new();
    lab.secret("api-key", &["global"]).await;
    lab.done(
        "POST",
        "/locations/us-east1/secrets?secretId=api-key",
        json!({}),
    )
    .await;
    let body = json!({"payload": {"data": BASE64_STANDARD.encode("regional")}});
    let added = lab
        .done(
            "POST",
            "/locations/us-east1/secrets/api-key:addVersion",
            body,
        )
        .await;
    assert_eq!(
        lab.plain(added["name"].as_str().unwrap()),
        "projects/NUMBER/locations/us-east1/secrets/api-key/versions/1"
    );
    assert_eq!(
        lab.access("api-key", "latest").await.as_deref(),
        Ok("global")
    );
}
