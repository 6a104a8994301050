//! The provider against a scripted Vault and a scripted API server: what goes over the wire, and what comes of it;
//! and against the built-in Vault, which is as strict as a real one.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests

mod emulated;
mod world;

use std::time::Duration;

use rotaproof_kinds::external_secrets::{Find, StoreKind};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::world::{Reply, World, read, remote, vault, with_kubernetes, with_token};
use super::super::Validation;

#[rstest]
#[case("git/credentials")]
#[case("secret/git/credentials")]
#[case("secret/data/git/credentials")]
#[tokio::test(start_paused = true)]
async fn every_spelling_of_a_key_is_one_read_with_the_stores_token(#[case] key: &str) {
    let world = World::new(StoreKind::SecretStore, with_token(json!({})), vault);
    let value = read(&world, key).await;
    assert_eq!(value.as_deref(), Ok(r#"{"password":"p","user":"u"}"#));
    assert_eq!(world.lines(), ["GET /v1/secret/data/git/credentials"]);
    let seen = world.last();
    assert_eq!(seen.headers["x-vault-token"], "hvs.static");
    assert_eq!(seen.headers["x-vault-request"], "true");
}

#[tokio::test(start_paused = true)]
async fn a_static_token_is_validated_and_never_revoked() {
    let world = World::new(StoreKind::SecretStore, with_token(json!({})), vault);
    let mut client = world.client().await.unwrap();
    assert_eq!(client.validate().await, Ok(Validation::Ready));
    client.close().await.unwrap();
    assert_eq!(world.lines(), ["GET /v1/auth/token/lookup-self"]);
}

#[tokio::test(start_paused = true)]
async fn a_kubernetes_login_is_made_per_client_and_given_back() {
    let world = World::new(StoreKind::SecretStore, with_kubernetes(), vault);
    let mut client = world.client().await.unwrap();
    assert_eq!(world.last().body, json!({"jwt": "a.b.c", "role": "eso"}));
    assert!(!world.last().headers.contains_key("x-vault-token"));
    for _ in 0..2 {
        client
            .get_secret(&remote("git/credentials", json!({"property": "user"})))
            .await
            .unwrap();
    }
    assert_eq!(world.last().headers["x-vault-token"], "hvs.issued");
    client.close().await.unwrap();
    let read = "GET /v1/secret/data/git/credentials";
    let expected = [
        "PUT /v1/auth/kubernetes/login",
        read,
        read,
        "GET /v1/auth/token/lookup-self",
        "PUT /v1/auth/token/revoke-self",
    ];
    assert_eq!(world.lines(), expected);
    let asked = world.asked.lock().unwrap();
    assert_eq!(
        asked[0].0,
        "POST /api/v1/namespaces/team/serviceaccounts/eso/token"
    );
    assert_eq!(
        asked[0].1["spec"],
        json!({"audiences": ["a"], "expirationSeconds": 600})
    );
}

#[tokio::test(start_paused = true)]
async fn a_jwt_login_asks_for_the_audience_vault() {
    let auth = json!({"jwt": {"path": "jwt", "role": " eso ", "kubernetesServiceAccountToken": {"serviceAccountRef": {"name": "eso"}}}});
    let world = World::new(
        StoreKind::SecretStore,
        with_token(json!({"auth": auth})),
        vault,
    );
    world.client().await.unwrap();
    assert_eq!(world.lines(), ["PUT /v1/auth/jwt/login"]);
    assert_eq!(world.last().body, json!({"jwt": "a.b.c", "role": "eso"}));
    let asked = world.asked.lock().unwrap();
    assert_eq!(
        asked[0].1["spec"],
        json!({"audiences": ["vault"], "expirationSeconds": 600})
    );
}

#[rstest]
#[case::missing("git/none", "Secret does not exist")]
#[case::deleted("git/gone", "Secret does not exist")]
#[case::invalid_path("git/v1path", "failed to find data field")]
#[case::denied(
    "git/denied",
    "cannot read secret data from Vault: Error making API request.\n\nURL: GET http://vault.example.com:8200/v1/secret/data/git/denied\nCode: 403. Errors:\n\n* 1 error occurred:\n\t* permission denied\n\n"
)]
#[case::hangs(
    "git/hangs",
    "cannot read secret data from Vault: context deadline exceeded"
)]
#[case::broken(
    "git/broken",
    "cannot read secret data from Vault: Error making API request.\n\nURL: GET http://vault.example.com:8200/v1/secret/data/git/broken\nCode: 500. Raw Message:\n\noops"
)]
#[tokio::test(start_paused = true)]
async fn a_failed_read_is_told_in_esos_words(#[case] key: &str, #[case] error: &str) {
    let world = World::new(StoreKind::SecretStore, with_token(json!({})), vault);
    assert_eq!(read(&world, key).await, Err(error.to_owned()));
}

#[rstest]
#[case::by_default(json!({}), 3, 3000, 4500)]
#[case::never(json!({"retrySettings": {}}), 1, 0, 0)]
#[case::as_set(json!({"retrySettings": {"maxRetries": 1, "retryInterval": "10s"}}), 2, 10_000, 10_000)]
#[tokio::test(start_paused = true)]
async fn a_server_error_is_retried(
    #[case] more: Value,
    #[case] tries: usize,
    #[case] min: u64,
    #[case] max: u64,
) {
    let world = World::new(StoreKind::SecretStore, with_token(more), vault);
    let start = Instant::now();
    assert!(read(&world, "git/broken").await.is_err());
    assert_eq!(world.lines().len(), tries);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(min) && took <= Duration::from_millis(max + 5),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hung_vault_is_given_up_after_a_minute() {
    let world = World::new(StoreKind::SecretStore, with_token(json!({})), vault);
    let start = Instant::now();
    assert!(read(&world, "git/hangs").await.is_err());
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_version_and_metadata_are_read_where_asked_for() {
    let world = World::new(StoreKind::SecretStore, with_token(json!({})), vault);
    let mut client = world.client().await.unwrap();
    let old = remote(
        "git/credentials",
        json!({"version": "2", "property": "password"}),
    );
    assert_eq!(client.get_secret(&old).await.unwrap().expose(), b"old");
    let metadata = remote("git/credentials", json!({"metadataPolicy": "Fetch"}));
    let map = client.get_secret_map(&metadata).await.unwrap();
    let texts: Vec<_> = map
        .iter()
        .map(|(k, v)| (k.as_str(), v.expose_str().unwrap()))
        .collect();
    let expected = [
        ("created_time", "t"),
        ("current_version", "3"),
        ("delete_version_after", "0s"),
        ("env", "prod"),
    ];
    assert_eq!(texts, expected);
}

#[rstest]
#[case::by_name(json!({"name": {"regexp": "^git/"}}), &["git/credentials"], 4)]
#[case::by_tags(json!({"tags": {"env": "prod"}}), &["git/credentials"], 6)]
#[case::below_a_path(json!({"path": "git", "name": {"regexp": "cred"}}), &["git/credentials"], 2)]
#[tokio::test(start_paused = true)]
async fn finding_lists_folders_and_leaves_out_what_is_deleted(
    #[case] find: Value,
    #[case] found: &[&str],
    #[case] requests: usize,
) {
    let world = World::new(StoreKind::SecretStore, with_token(json!({})), vault);
    let mut client = world.client().await.unwrap();
    let find: Find = serde_json::from_value(find).unwrap();
    let all = client.get_all_secrets(&find).await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), found);
    assert_eq!(world.lines().len(), requests, "{:?}", world.lines());
}

#[tokio::test(start_paused = true)]
async fn namespaces_headers_and_the_index_travel_along() {
    let mut spec = with_kubernetes();
    spec["auth"]["namespace"] = json!("login");
    spec["namespace"] = json!("data");
    spec["headers"] = json!({"X-Team": "a"});
    spec["readYourWrites"] = json!(true);
    spec["forwardInconsistent"] = json!(true);
    let world = World::new(StoreKind::SecretStore, spec, vault);
    let mut client = world.client().await.unwrap();
    assert_eq!(world.last().headers["x-vault-namespace"], "login");
    client
        .get_secret(&remote("git/credentials", json!({})))
        .await
        .unwrap();
    let headers = world.last().headers;
    assert_eq!(headers["x-vault-namespace"], "data");
    assert_eq!(headers["x-team"], "a");
    assert_eq!(headers["x-vault-inconsistent"], "forward-active-node");
    assert_eq!(headers["x-vault-index"], "v1:abc");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_store_that_cannot_know_its_namespace_is_ready_unasked() {
    let mut world = World::new(StoreKind::ClusterSecretStore, with_token(json!({})), vault);
    world.store.namespace = String::new();
    let mut client = world.client().await.unwrap();
    assert_eq!(client.validate().await, Ok(Validation::Ready));
    assert!(world.lines().is_empty() && world.asked.lock().unwrap().is_empty());
}

#[rstest]
#[case::no_secret(json!({"tokenSecretRef": {"name": "none", "key": "token"}}), "cannot get Kubernetes secret \"none\" from namespace \"team\": \"it\" not found")]
#[case::no_account(json!({"kubernetes": {"mountPath": "kubernetes", "role": "eso", "serviceAccountRef": {"name": "x"}}}), "cannot request Kubernetes service account token for service account \"x\": cannot get Kubernetes service account \"x\": \"it\" not found")]
#[case::no_method(json!({}), "cannot initialize Vault client: no valid auth method specified")]
#[case::no_source(json!({"jwt": {"path": "jwt"}}), "neither `secretRef` nor `kubernetesServiceAccountToken` was supplied as token source for jwt authentication")]
#[case::other_mount(json!({"kubernetes": {"mountPath": "k8s", "role": "eso", "serviceAccountRef": {"name": "eso"}}}), "login response from auth method did not return client token, client token not set")]
#[tokio::test(start_paused = true)]
async fn a_client_without_credentials_cannot_be_made(#[case] auth: Value, #[case] error: &str) {
    let world = World::new(
        StoreKind::SecretStore,
        with_token(json!({"auth": auth})),
        vault,
    );
    let failed = world.client().await.err().map(|e| e.to_string());
    assert_eq!(failed.as_deref(), Some(error));
}

fn revoked(line: &str) -> Reply {
    match line {
        "GET /v1/auth/token/lookup-self" => {
            Reply::Json(403, json!({"errors": ["permission denied"]}))
        }
        other => vault(other),
    }
}

fn about_to_expire(line: &str) -> Reply {
    match line {
        "GET /v1/auth/token/lookup-self" => Reply::Json(
            200,
            json!({"data": {"type": "service", "ttl": 59, "expire_time": "2025-11-08T00:00:59Z"}}),
        ),
        other => vault(other),
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_fails_validation_and_closing() {
    let world = World::new(StoreKind::SecretStore, with_kubernetes(), revoked);
    let mut client = world.client().await.unwrap();
    let text = "Error making API request.\n\nURL: GET http://vault.example.com:8200/v1/auth/token/lookup-self\nCode: 403. Errors:\n\n* permission denied";
    let error = client.validate().await.unwrap_err().to_string();
    assert_eq!(error, format!("invalid vault credentials: {text}"));
    let error = client.close().await.unwrap_err().to_string();
    assert_eq!(error, format!("error while revoking token: {text}"));
}

#[tokio::test(start_paused = true)]
async fn a_token_about_to_expire_is_left_alone() {
    let world = World::new(StoreKind::SecretStore, with_kubernetes(), about_to_expire);
    let mut client = world.client().await.unwrap();
    client.close().await.unwrap();
    assert!(!world.lines().iter().any(|line| line.contains("revoke")));
}
