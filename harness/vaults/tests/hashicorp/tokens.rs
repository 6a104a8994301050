//! Tokens: how they are carried, what they are told of themselves, and how they end.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use rotaproof_vaults::Vault;
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{Lab, START, errors};

const DENIED: &str = "1 error occurred:\n\t* permission denied\n\n";
const INVALID: &str = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n";

#[rstest]
#[case::none("", DENIED)]
#[case::unknown("hvs.nobody", INVALID)]
#[tokio::test(start_paused = true)]
async fn nobody_reads_without_a_token_that_exists(#[case] token: &str, #[case] error: &str) {
    let lab = Lab::new();
    lab.put("git/a", json!({"k": "v"})).await;
    for path in [
        "secret/data/git/a",
        "nope/a",
        "sys/mounts",
        "auth/token/lookup-self",
    ] {
        let (status, answer) = lab.call("GET", path, token, "").await;
        assert_eq!((status, errors(&answer)), (403, vec![error]), "{path}");
        assert_eq!(lab.last().identity, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bearer_header_carries_a_token_too() {
    let lab = Lab::new();
    lab.put("git/a", json!({"k": "v"})).await;
    let request = Request::get("https://vault.example.com/v1/secret/data/git/a")
        .header("authorization", "Bearer hvs.reader")
        .body(Bytes::new())
        .unwrap();
    let answer = lab.vault.serve(request, &lab.notes).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(lab.last().identity.as_deref(), Some("reader"));
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_with_its_time() {
    let lab = Lab::new();
    let (status, answer) = lab
        .call("GET", "auth/token/lookup-self", "hvs.short", "")
        .await;
    assert_eq!(status, 200);
    let data = &answer["data"];
    assert_eq!(
        (&data["ttl"], &data["creation_ttl"]),
        (&json!(60), &json!(60))
    );
    assert_eq!(data["expire_time"], "2025-11-08T00:01:00Z");
    assert_eq!(
        (&data["type"], &data["issue_time"]),
        (&json!("service"), &json!(START))
    );
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(
        lab.call("GET", "auth/token/lookup-self", "hvs.short", "")
            .await
            .0,
        200
    );
    let renewed = lab
        .call("PUT", "auth/token/renew-self", "hvs.short", "{}")
        .await;
    assert_eq!(
        (renewed.0, &renewed.1["auth"]["lease_duration"]),
        (200, &json!(60))
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    let (status, answer) = lab
        .call("GET", "auth/token/lookup-self", "hvs.short", "")
        .await;
    assert_eq!((status, errors(&answer)), (403, vec![INVALID]));
}

#[tokio::test(start_paused = true)]
async fn the_root_token_never_ends_and_cannot_be_renewed() {
    let lab = Lab::new();
    tokio::time::advance(Duration::from_secs(40 * 365 * 86400)).await;
    let (status, answer) = lab.root("GET", "auth/token/lookup-self", Value::Null).await;
    assert_eq!(
        (status, &answer["data"]["expire_time"]),
        (200, &Value::Null)
    );
    assert_eq!(answer["data"]["policies"], json!(["root"]));
    let (status, answer) = lab.root("PUT", "auth/token/renew-self", json!({})).await;
    assert_eq!(
        (status, errors(&answer)),
        (400, vec!["lease is not renewable"])
    );
}

#[tokio::test(start_paused = true)]
async fn revoking_a_token_ends_its_children_but_no_orphan() {
    let lab = Lab::new();
    let create = |parent: String, body: Value| {
        let lab = &lab;
        async move {
            let (status, answer) = lab
                .call("POST", "auth/token/create", &parent, &body.to_string())
                .await;
            assert_eq!(status, 200, "{answer}");
            answer["auth"]["client_token"].as_str().unwrap().to_owned()
        }
    };
    let parent = create(lab.root.clone(), json!({"policies": ["root"]})).await;
    let child = create(parent.clone(), json!({"policies": "reader", "ttl": "1h"})).await;
    let orphan = create(
        parent.clone(),
        json!({"policies": ["reader"], "no_parent": true}),
    )
    .await;
    let (status, _) = lab.call("PUT", "auth/token/revoke-self", &parent, "").await;
    assert_eq!(status, 204);
    assert_eq!(lab.last().operation, "revoke-self");
    let alive = |token: String| {
        let lab = &lab;
        async move {
            lab.call("GET", "auth/token/lookup-self", &token, "")
                .await
                .0
        }
    };
    assert_eq!(
        (alive(parent).await, alive(child).await, alive(orphan).await),
        (403, 403, 200)
    );
}

#[rstest]
#[case(json!({"policies": ["root"]}), 400, "child policies must be subset of parent")]
#[case(json!({"id": "mine"}), 400, "root or sudo privileges required to specify token id")]
#[tokio::test(start_paused = true)]
async fn a_token_makes_none_that_may_more(
    #[case] body: Value,
    #[case] status: u16,
    #[case] error: &str,
) {
    let lab = Lab::new();
    let grant = json!({"policies": ["maker", "reader"], "id": "hvs.maker"});
    lab.root("POST", "auth/token/create", grant).await;
    // No policy grants creation: that is refused before the wish is looked at.
    let denied = lab
        .call("POST", "auth/token/create", "hvs.maker", &body.to_string())
        .await;
    assert_eq!((denied.0, errors(&denied.1)), (403, vec![DENIED]));
    let lab = lab.granting("auth/token/create");
    let answer = lab
        .call("POST", "auth/token/create", "hvs.reader", &body.to_string())
        .await;
    assert_eq!((answer.0, errors(&answer.1)), (status, vec![error]));
}

#[tokio::test(start_paused = true)]
async fn another_token_is_looked_up_and_revoked_by_its_text() {
    let lab = Lab::new();
    let (status, answer) = lab
        .root("POST", "auth/token/lookup", json!({"token": "hvs.reader"}))
        .await;
    assert_eq!(
        (status, &answer["data"]["display_name"]),
        (200, &json!("reader"))
    );
    assert_eq!(
        lab.root("POST", "auth/token/revoke", json!({"token": "hvs.reader"}))
            .await
            .0,
        204
    );
    let (status, answer) = lab
        .root("POST", "auth/token/lookup", json!({"token": "hvs.reader"}))
        .await;
    assert_eq!((status, errors(&answer)), (403, vec!["bad token"]));
}

#[tokio::test(start_paused = true)]
async fn health_and_seal_status_need_no_token_and_mounts_do() {
    let lab = Lab::new();
    let (status, health) = lab.call("GET", "sys/health", "", "").await;
    assert_eq!(
        (status, &health["sealed"], &health["version"]),
        (200, &json!(false), &json!("1.21.0"))
    );
    assert_eq!(
        lab.call("GET", "sys/seal-status", "", "").await.1["initialized"],
        true
    );
    let (_, mounts) = lab.root("GET", "sys/mounts", Value::Null).await;
    assert_eq!(mounts["data"]["secret/"]["options"]["version"], "2");
    assert_eq!(mounts["kv1/"]["type"], "kv");
    assert_eq!(lab.call("GET", "sys/mounts", "hvs.reader", "").await.0, 403);
}

#[rstest]
#[case("secret/git", 200)]
#[case("kv1/git", 403)]
#[case("nope/git", 403)]
#[tokio::test(start_paused = true)]
async fn the_clis_preflight_tells_the_engine_to_those_who_may_use_it(
    #[case] path: &str,
    #[case] status: u16,
) {
    let lab = Lab::new();
    let answer = lab
        .call(
            "GET",
            &format!("sys/internal/ui/mounts/{path}"),
            "hvs.reader",
            "",
        )
        .await;
    assert_eq!(answer.0, status);
    if status == 200 {
        assert_eq!(answer.1["data"]["path"], "secret/");
        assert_eq!(answer.1["data"]["options"]["version"], "2");
    } else {
        assert!(errors(&answer.1)[0].starts_with("preflight capability check returned 403"));
    }
}

#[tokio::test(start_paused = true)]
async fn capabilities_of_ones_own_are_told() {
    let lab = Lab::new();
    let body = json!({"paths": ["secret/data/git/a", "kv1/a"]}).to_string();
    let (status, answer) = lab
        .call("POST", "sys/capabilities-self", "hvs.reader", &body)
        .await;
    assert_eq!(status, 200);
    assert_eq!(answer["secret/data/git/a"], json!(["read"]));
    assert_eq!(answer["data"]["kv1/a"], json!(["deny"]));
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_with_its_parent() {
    let lab = Lab::new();
    let ttl = json!({"policies": ["root"], "ttl": "10s", "id": "hvs.parent"});
    lab.root("POST", "auth/token/create", ttl).await;
    let longer = r#"{"policies": ["reader"], "ttl": "1h", "id": "hvs.child"}"#;
    let made = lab
        .call("POST", "auth/token/create", "hvs.parent", longer)
        .await;
    assert_eq!(made.0, 200);
    let look = |second| {
        let lab = &lab;
        async move {
            tokio::time::advance(Duration::from_secs(second)).await;
            lab.call("GET", "auth/token/lookup-self", "hvs.child", "")
                .await
                .0
        }
    };
    assert_eq!((look(9).await, look(1).await), (200, 403));
}
