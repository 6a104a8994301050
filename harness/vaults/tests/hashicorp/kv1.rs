//! KV v1, and the longest mount that holds a path.

use serde_json::{Value, json};

use crate::lab::{Lab, errors, steady};

#[tokio::test(start_paused = true)]
async fn a_secret_is_written_read_listed_and_deleted() {
    let lab = Lab::new();
    assert_eq!(
        lab.root("PUT", "kv1/git/a", json!({"b": "2", "a": "1"}))
            .await,
        (204, Value::Null)
    );
    let (status, answer) = lab.root("GET", "kv1/git/a", Value::Null).await;
    let expected = json!({
        "request_id": "", "lease_id": "", "renewable": false, "lease_duration": 2_764_800,
        "data": {"a": "1", "b": "2"}, "wrap_info": null, "warnings": null, "auth": null, "mount_type": "kv",
    });
    assert_eq!((status, steady(answer)), (200, expected));
    assert_eq!(lab.last().operation, "kv-v1 read");
    assert_eq!(lab.last().versions[0].secret, "kv1/git/a");
    let (_, answer) = lab.root("LIST", "kv1/git", Value::Null).await;
    assert_eq!(answer["data"]["keys"], json!(["a"]));
    assert_eq!(lab.root("DELETE", "kv1/git/a", Value::Null).await.0, 204);
    let gone = lab.root("GET", "kv1/git/a", Value::Null).await;
    assert_eq!(gone, (404, json!({"errors": []})));
    let (status, answer) = lab.root("PUT", "kv1/git/a", json!({})).await;
    assert_eq!(
        (status, errors(&answer)),
        (400, vec!["missing data fields"])
    );
}

#[tokio::test(start_paused = true)]
async fn the_longest_mount_serves_a_path() {
    let lab = Lab::new();
    assert_eq!(
        lab.root("PUT", "secret/legacy/a", json!({"k": "v"}))
            .await
            .0,
        204
    );
    assert_eq!(lab.last().operation, "kv-v1 write");
    assert_eq!(
        lab.root("GET", "secret/data/legacy/a", Value::Null).await.0,
        404
    );
}

#[tokio::test(start_paused = true)]
async fn creating_and_changing_are_different_capabilities() {
    let lab = Lab::new();
    let put = |token: &'static str, path: &'static str| {
        let lab = &lab;
        async move {
            lab.call("PUT", path, token, r#"{"data":{"k":"v"}}"#)
                .await
                .0
        }
    };
    for path in ["kv1/a", "secret/data/a"] {
        assert_eq!(put("hvs.updater", path).await, 403);
        assert!(put("hvs.creator", path).await < 300);
        assert_eq!(put("hvs.creator", path).await, 403);
        assert!(put("hvs.updater", path).await < 300);
    }
}
