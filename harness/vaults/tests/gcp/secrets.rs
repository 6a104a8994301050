//! Secrets: made, read, changed, deleted, expired.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::Lab;

fn automatic() -> Value {
    json!({"replication": {"automatic": {}}})
}

#[tokio::test(start_paused = true)]
async fn a_secret_shows_what_it_was_made_with() {
    let lab = Lab::new();
    let body = json!({
        "replication": {"userManaged": {"replicas": [{"location": "us-east1"}]}},
        "labels": {"env": "prod"}, "annotations": {"Owner": "team"},
        "topics": [{"name": "projects/p/topics/t"}],
    });
    let mut made = lab
        .done("POST", "/secrets?secretId=api-key", body.clone())
        .await;
    let etag = made["etag"].take();
    assert!(etag.as_str().unwrap().starts_with('"'), "{etag}");
    assert_eq!(
        lab.plain(made["name"].as_str().unwrap()),
        "projects/NUMBER/secrets/api-key"
    );
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    assert_eq!(made["createTime"], "2025-11-08T00:00:00Z");
    let mut read = lab.done("GET", "/secrets/api-key", Value::Null).await;
    assert_eq!(read["etag"].take(), etag);
    assert_eq!(read, made);
}

#[rstest]
#[case("x", json!({}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {}}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {"userManaged": {"replicas": []}}}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {"automatic": {}, "userManaged": {}}}), "INVALID_ARGUMENT")]
#[case("x.y", automatic(), "INVALID_ARGUMENT")]
#[case("", automatic(), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {"automatic": {}}, "labels": {"Upper": "x"}}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {"automatic": {}}, "annotations": {"-x": "x"}}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {"automatic": {}}, "versionAliases": {"a": "1"}}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {"automatic": {}}, "ttl": "59s"}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {"automatic": {}}, "expireTime": "2025-01-01T00:00:00Z"}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": {"automatic": {}}, "nonsense": 1}), "INVALID_ARGUMENT")]
#[case("x", json!({"replication": 1}), "INVALID_ARGUMENT")]
#[case("x", json!([]), "INVALID_ARGUMENT")]
#[case("taken", automatic(), "ALREADY_EXISTS")]
#[tokio::test(start_paused = true)]
async fn a_secret_that_google_would_not_take_is_refused(
    #[case] id: &str,
    #[case] body: Value,
    #[case] status: &str,
) {
    let lab = Lab::new();
    lab.secret("taken", &[]).await;
    let (_, answer) = lab
        .admin("POST", &format!("/secrets?secretId={id}"), body)
        .await;
    assert_eq!(answer["error"]["status"], status, "{answer}");
    assert_eq!(lab.last().refusal.as_deref(), Some(status));
}

#[tokio::test(start_paused = true)]
async fn an_update_changes_what_its_mask_names_and_nothing_else() {
    let lab = Lab::new();
    lab.secret("api-key", &["v1"]).await;
    let body =
        json!({"labels": {"a": "b"}, "annotations": {"c": "d"}, "versionAliases": {"good": 1}});
    let changed = lab
        .done(
            "PATCH",
            "/secrets/api-key?updateMask=labels,versionAliases",
            body,
        )
        .await;
    assert_eq!(changed["labels"], json!({"a": "b"}));
    assert_eq!(changed["versionAliases"], json!({"good": "1"}));
    assert_eq!(changed["annotations"], Value::Null);
    assert_eq!(lab.access("api-key", "good").await.as_deref(), Ok("v1"));

    for (mask, body) in [
        ("", json!({"labels": {}})),
        ("name", json!({"name": "x"})),
        ("versionAliases", json!({"versionAliases": {"good": 2}})),
        ("versionAliases", json!({"versionAliases": {"latest": 1}})),
        ("labels", json!({"etag": "\"other\"", "labels": {}})),
    ] {
        let (status, answer) = lab
            .admin(
                "PATCH",
                &format!("/secrets/api-key?updateMask={mask}"),
                body,
            )
            .await;
        assert_eq!(status, 400, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_deleted_for_good_under_its_etag() {
    let lab = Lab::new();
    lab.secret("api-key", &["v1"]).await;
    let (status, answer) = lab
        .admin("DELETE", "/secrets/api-key?etag=%22x%22", Value::Null)
        .await;
    assert_eq!(
        (status, &answer["error"]["status"]),
        (400, &json!("FAILED_PRECONDITION"))
    );
    let etag = lab.done("GET", "/secrets/api-key", Value::Null).await["etag"].clone();
    let etag = etag.as_str().unwrap().replace('"', "%22");
    lab.done(
        "DELETE",
        &format!("/secrets/api-key?etag={etag}"),
        Value::Null,
    )
    .await;
    let (_, message) = lab.access("api-key", "latest").await.unwrap_err();
    assert_eq!(
        lab.plain(&message),
        "Secret [projects/NUMBER/secrets/api-key] not found or has no versions."
    );
    // A new one of the same name begins anew.
    lab.secret("api-key", &["other"]).await;
    assert_eq!(lab.access("api-key", "1").await.as_deref(), Ok("other"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_with_a_time_to_live_is_gone_after_it() {
    let lab = Lab::new();
    let body = json!({"replication": {"automatic": {}}, "ttl": "3600s"});
    let made = lab.done("POST", "/secrets?secretId=short", body).await;
    assert_eq!(made["expireTime"], "2025-11-08T01:00:00Z");
    lab.add("short", "v1").await;
    tokio::time::sleep(Duration::from_secs(3599)).await;
    assert!(lab.access("short", "latest").await.is_ok());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        lab.access("short", "latest").await.unwrap_err().0,
        "NOT_FOUND"
    );
}

#[rstest]
#[case("PUT", "/v1/projects/my-project-id/secrets/api-key", 404)]
#[case("POST", "/v1/projects/my-project-id/secrets/api-key:nothing", 404)]
#[case("GET", "/v2/projects/my-project-id/secrets", 404)]
#[case("GET", "/v1/folders/x/secrets", 404)]
#[case("GET", "/", 404)]
#[case("GET", "/v1/projects/my-project-id/secrets/%FF", 404)]
#[case("GET", "/token", 404)]
#[tokio::test(start_paused = true)]
async fn a_route_that_no_method_has_is_not_found(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: u16,
) {
    let lab = Lab::new();
    let request = http::Request::builder()
        .method(method)
        .uri(format!("https://secretmanager.googleapis.com{path}"))
        .body(bytes::Bytes::new());
    assert_eq!(lab.send(request.unwrap()).await.status(), status);
    assert_eq!(lab.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_error_repeats_a_value() {
    let lab = Lab::new();
    lab.secret("api-key", &[]).await;
    for body in [
        json!({"payload": {"data": "hunter2!"}}),
        json!({"payload": "hunter2"}),
        json!({"payload": {"data": 7, "dataCrc32c": "hunter2"}}),
    ] {
        let (status, answer) = lab.admin("POST", "/secrets/api-key:addVersion", body).await;
        assert_eq!(status, 400);
        assert!(!answer.to_string().contains("hunter2"), "{answer}");
    }
}
