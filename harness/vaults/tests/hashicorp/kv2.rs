//! KV v2: versions, deletion and destruction, check-and-set, patches, metadata.

use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{Lab, START, errors, steady};

fn envelope(data: Value) -> Value {
    json!({
        "request_id": "", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data,
        "wrap_info": null, "warnings": null, "auth": null, "mount_type": "kv",
    })
}

#[tokio::test(start_paused = true)]
async fn a_write_and_a_read_have_vaults_shapes() {
    let lab = Lab::new();
    let body = json!({ "data": {"b": "2", "a": {"z": 1, "y": null}} });
    let (status, answer) = lab.root("POST", "secret/data/git/credentials", body).await;
    let metadata = json!({
        "created_time": START, "custom_metadata": null, "deletion_time": "", "destroyed": false, "version": 1,
    });
    assert_eq!((status, steady(answer)), (200, envelope(metadata.clone())));
    let (status, answer) = lab
        .root("GET", "secret/data/git/credentials", Value::Null)
        .await;
    let data = json!({ "data": {"a": {"y": null, "z": 1}, "b": "2"}, "metadata": metadata });
    assert_eq!((status, steady(answer)), (200, envelope(data)));
    let served = lab.last();
    assert_eq!(served.operation, "kv-v2 read");
    assert_eq!(served.secret.as_deref(), Some("secret/git/credentials"));
    assert_eq!(served.identity.as_deref(), Some("root"));
    assert_eq!(served.refusal, None);
    let version = &served.versions[0];
    assert_eq!(version.secret, "secret/git/credentials");
    assert_eq!(version.version, "1");
    let fingerprinter = rotaproof_base::Fingerprinter::from_key([7; 32]);
    let value = fingerprinter.of(br#"{"a":{"y":null,"z":1},"b":"2"}"#);
    assert_eq!(version.value, value);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_newest_version_is_404_with_its_metadata_and_never_falls_back() {
    let lab = Lab::new();
    lab.put("a", json!({"k": "1"})).await;
    lab.put("a", json!({"k": "2"})).await;
    let (status, answer) = lab.root("DELETE", "secret/data/a", Value::Null).await;
    assert_eq!((status, answer), (204, Value::Null));
    let (status, answer) = lab.root("GET", "secret/data/a", Value::Null).await;
    assert_eq!(status, 404);
    assert_eq!(answer["data"]["data"], Value::Null);
    assert_eq!(answer["data"]["metadata"]["deletion_time"], START);
    assert_eq!(answer["data"]["metadata"]["version"], 2);
    assert_eq!(lab.last().refusal.as_deref(), Some("version is deleted"));
    assert!(lab.last().versions.is_empty());
    let (status, answer) = lab
        .root("GET", "secret/data/a?version=1", Value::Null)
        .await;
    assert_eq!((status, &answer["data"]["data"]["k"]), (200, &json!("1")));

    let (status, _) = lab
        .root("PUT", "secret/undelete/a", json!({"versions": [2]}))
        .await;
    assert_eq!(status, 204);
    let (status, answer) = lab.root("GET", "secret/data/a", Value::Null).await;
    assert_eq!((status, &answer["data"]["data"]["k"]), (200, &json!("2")));

    let (status, _) = lab
        .root("POST", "secret/destroy/a", json!({"versions": "2"}))
        .await;
    assert_eq!(status, 204);
    lab.root("POST", "secret/undelete/a", json!({"versions": [2]}))
        .await;
    let (status, answer) = lab.root("GET", "secret/data/a", Value::Null).await;
    assert_eq!(
        (status, &answer["data"]["metadata"]["destroyed"]),
        (404, &json!(true))
    );
    assert_eq!(answer["data"]["data"], Value::Null);
}

#[rstest]
#[case("", 200, json!("3"))]
#[case("?version=0", 200, json!("3"))]
#[case("?version=2", 200, json!("2"))]
#[case("?version=9", 404, Value::Null)]
#[case("?version=-1", 200, json!("3"))]
#[tokio::test(start_paused = true)]
async fn a_version_is_read_by_its_number(
    #[case] query: &str,
    #[case] status: u16,
    #[case] value: Value,
) {
    let lab = Lab::new();
    for n in 1..=3 {
        lab.put("a", json!({"k": n.to_string()})).await;
    }
    let answer = lab
        .root("GET", &format!("secret/data/a{query}"), Value::Null)
        .await;
    assert_eq!(
        (answer.0, answer.1["data"]["data"]["k"].clone()),
        (status, value)
    );
}

#[rstest]
#[case::matches(json!({"cas": 1}), 200, "")]
#[case::as_text(json!({"cas": "1"}), 200, "")]
#[case::stale(json!({"cas": 0}), 400, "check-and-set parameter did not match the current version")]
#[case::ahead(json!({"cas": 2}), 400, "check-and-set parameter did not match the current version")]
#[case::no_number(json!({"cas": "x"}), 400, "error parsing check-and-set parameter")]
#[case::absent(json!({}), 200, "")]
#[tokio::test(start_paused = true)]
async fn check_and_set_guards_a_write(
    #[case] options: Value,
    #[case] status: u16,
    #[case] error: &str,
) {
    let lab = Lab::new();
    lab.put("a", json!({"k": "1"})).await;
    let body = json!({ "options": options, "data": {"k": "2"} });
    let answer = lab.root("POST", "secret/data/a", body).await;
    assert_eq!(answer.0, status);
    if status == 400 {
        assert_eq!(errors(&answer.1), [error]);
        let (_, answer) = lab.root("GET", "secret/data/a", Value::Null).await;
        assert_eq!(answer["data"]["data"]["k"], "1");
        assert_eq!(answer["data"]["metadata"]["version"], 1);
    }
}

#[rstest]
#[case::no_data("POST", "secret/data/a", "{}", 400, "no data provided")]
#[case::text_for_data(
    "POST",
    "secret/data/a",
    r#"{"data":"x"}"#,
    400,
    "Field validation failed: error converting input for field \"data\": '' expected a map, got 'string'"
)]
#[case::broken_json(
    "POST",
    "secret/data/a",
    "{\"data\":",
    400,
    "failed to parse JSON input: unexpected EOF"
)]
#[case::no_json(
    "POST",
    "secret/data/a",
    "hello",
    400,
    "failed to parse JSON input: invalid character 'h' looking for beginning of value"
)]
#[case::a_list(
    "POST",
    "secret/data/a",
    "[1]",
    400,
    "failed to parse JSON input: json: cannot unmarshal array into Go value of type map[string]interface {}"
)]
#[case::no_versions("POST", "secret/destroy/a", "{}", 400, "No version number provided")]
#[case::bad_version(
    "GET",
    "secret/data/a?version=x",
    "",
    400,
    "Field validation failed: error converting input for field \"version\": strconv.ParseInt: parsing \"x\": invalid syntax"
)]
#[case::reading_destroy(
    "GET",
    "secret/destroy/a",
    "",
    405,
    "1 error occurred:\n\t* unsupported operation\n\n"
)]
#[case::no_mount(
    "GET",
    "nope/a",
    "",
    404,
    "no handler for route \"nope/a\". route entry not found."
)]
#[case::writing_no_mount(
    "POST",
    "nope/a",
    "{}",
    404,
    "no handler for route \"nope/a\". route entry not found."
)]
#[tokio::test(start_paused = true)]
async fn a_wrong_request_is_refused_in_vaults_words(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] error: &str,
) {
    let lab = Lab::new();
    let answer = lab.call(method, path, &lab.root, body).await;
    assert_eq!((answer.0, errors(&answer.1)), (status, vec![error]));
    assert!(lab.last().refusal.is_some());
    assert_eq!(lab.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_patch_merges_into_the_current_version() {
    let lab = Lab::new();
    let (status, answer) = lab
        .root("PATCH", "secret/data/a", json!({"data": {"k": "1"}}))
        .await;
    assert_eq!((status, answer), (404, json!({"errors": []})));
    lab.put(
        "a",
        json!({"keep": "1", "drop": "1", "deep": {"x": 1, "y": 2}}),
    )
    .await;
    let patch = json!({"data": {"drop": null, "add": "2", "deep": {"y": null}}});
    let (status, answer) = lab.root("PATCH", "secret/data/a", patch).await;
    assert_eq!((status, &answer["data"]["version"]), (200, &json!(2)));
    let (_, answer) = lab.root("GET", "secret/data/a", Value::Null).await;
    assert_eq!(
        answer["data"]["data"],
        json!({"add": "2", "deep": {"x": 1}, "keep": "1"})
    );
    let stale = json!({"options": {"cas": 1}, "data": {"k": "1"}});
    assert_eq!(lab.root("PATCH", "secret/data/a", stale).await.0, 400);
    lab.root("DELETE", "secret/data/a", Value::Null).await;
    let (status, answer) = lab
        .root("PATCH", "secret/data/a", json!({"data": {}}))
        .await;
    assert_eq!((status, &answer["data"]["version"]), (404, &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn metadata_tells_of_all_versions_and_carries_tags() {
    let lab = Lab::new();
    for n in 0..11 {
        lab.put("a", json!({"k": n})).await;
    }
    let body = json!({"custom_metadata": {"env": "prod", "team": "x"}, "max_versions": 12});
    assert_eq!(lab.root("POST", "secret/metadata/a", body).await.0, 204);
    let body = json!({"custom_metadata": {"team": null, "tier": "1"}});
    assert_eq!(lab.root("PATCH", "secret/metadata/a", body).await.0, 204);
    let (status, answer) = lab.root("GET", "secret/metadata/a", Value::Null).await;
    let data = &answer["data"];
    assert_eq!(status, 200);
    assert_eq!(data["custom_metadata"], json!({"env": "prod", "tier": "1"}));
    assert_eq!(
        (&data["current_version"], &data["oldest_version"]),
        (&json!(11), &json!(2))
    );
    assert_eq!(data["versions"].as_object().unwrap().len(), 10);
    assert_eq!(
        (&data["max_versions"], &data["delete_version_after"]),
        (&json!(12), &json!("0s"))
    );
    assert_eq!(
        lab.root("DELETE", "secret/metadata/a", Value::Null).await.0,
        204
    );
    let gone = lab.root("GET", "secret/data/a", Value::Null).await;
    assert_eq!(gone, (404, json!({"errors": []})));
    assert_eq!(lab.last().refusal.as_deref(), Some("not found"));
    let long = json!({"custom_metadata": {"k": "x".repeat(513)}});
    let (status, answer) = lab.root("POST", "secret/metadata/a", long).await;
    assert_eq!(status, 400);
    assert!(errors(&answer)[0].contains("length of value for key \"k\" is 513"));
}

#[rstest]
#[case("LIST", "secret/metadata/", 200, json!(["git/", "top"]))]
#[case("LIST", "secret/metadata", 200, json!(["git/", "top"]))]
#[case("GET", "secret/metadata/git?list=true", 200, json!(["a", "b/"]))]
#[case("LIST", "secret/metadata/none", 404, Value::Null)]
#[tokio::test(start_paused = true)]
async fn a_folder_is_listed_in_either_spelling(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: u16,
    #[case] keys: Value,
) {
    let lab = Lab::new();
    for key in ["git/b/c", "git/a", "top"] {
        lab.put(key, json!({})).await;
    }
    let answer = lab.root(method, path, Value::Null).await;
    assert_eq!((answer.0, answer.1["data"]["keys"].clone()), (status, keys));
}

#[rstest]
#[case("GET", "secret/git", "vault kv get")]
#[case("POST", "secret/git", "vault kv put")]
#[case("LIST", "secret/git", "vault kv list")]
#[case("DELETE", "secret/git", "vault kv delete")]
#[case("GET", "secret/data/git/", "vault kv get")]
#[tokio::test(start_paused = true)]
async fn a_kv_v1_path_on_kv_v2_warns(#[case] method: &str, #[case] path: &str, #[case] hint: &str) {
    let lab = Lab::new();
    let (status, answer) = lab.root(method, path, json!({})).await;
    let warning = answer["warnings"][0].as_str().unwrap();
    assert_eq!(status, 404);
    assert!(
        warning.starts_with("Invalid path for a versioned K/V secrets engine."),
        "{warning}"
    );
    assert!(warning.contains(hint), "{warning}");
    assert_eq!(answer["data"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn subkeys_show_names_without_values() {
    let lab = Lab::new();
    lab.put(
        "a",
        json!({"user": "hunter2", "deep": {"x": "hunter2", "e": {}}}),
    )
    .await;
    let (status, answer) = lab.root("GET", "secret/subkeys/a", Value::Null).await;
    assert_eq!(status, 200);
    let keys = json!({"deep": {"e": null, "x": null}, "user": null});
    assert_eq!(answer["data"]["subkeys"], keys);
    assert!(!answer.to_string().contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn an_engine_can_demand_check_and_set_and_end_versions_by_themselves() {
    let lab = Lab::new();
    let body = json!({"cas_required": true, "delete_version_after": "1m"});
    assert_eq!(lab.root("POST", "secret/config", body).await.0, 204);
    let (_, answer) = lab.root("GET", "secret/config", Value::Null).await;
    let config = json!({"cas_required": true, "delete_version_after": "1m0s", "max_versions": 0});
    assert_eq!(answer["data"], config);
    let (status, answer) = lab.root("POST", "secret/data/a", json!({"data": {}})).await;
    assert_eq!(
        (status, errors(&answer)),
        (400, vec!["check-and-set parameter required for this call"])
    );
    let body = json!({"options": {"cas": 0}, "data": {}});
    assert_eq!(lab.root("POST", "secret/data/a", body).await.0, 200);
    tokio::time::advance(std::time::Duration::from_secs(59)).await;
    assert_eq!(lab.root("GET", "secret/data/a", Value::Null).await.0, 200);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(lab.root("GET", "secret/data/a", Value::Null).await.0, 404);
}
