//! Whatever arrives is answered, and taken down exactly once.

use bytes::Bytes;
use http::Request;
use proptest::prelude::*;
use rotaproof_vaults::Vault;
use rstest::rstest;

use crate::lab::Lab;

fn path() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "secret/data/a",
        "secret/metadata/a",
        "secret/config",
        "secret/destroy/a",
        "secret/subkeys/a",
        "secret/x",
        "kv1/a",
        "auth/kubernetes/login",
        "auth/jwt/login",
        "auth/token/create",
        "auth/token/renew-self",
        "auth/token/lookup",
        "sys/health",
        "sys/internal/ui/mounts/secret",
        "sys/capabilities-self",
        "secret/undelete/a",
    ]);
    prop_oneof![
        3 => known.prop_map(|path| format!("/v1/{path}")),
        1 => "/v1/[a-z0-9/._%~+-]{0,30}",
        1 => "/[a-z0-9/.%]{0,20}",
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        r#"\{"(data|options|role|jwt|versions|ttl|policies|custom_metadata|cas|max_versions|meta|paths)":("x"|-1|1e9|null|true|\[1,"a",\{\}\]|\{"cas":"x","k":[1]\}|\{\})\}"#
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn any_request_is_answered_and_recorded_once(
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "LIST", "OPTIONS", "BREW"]),
        path in path(),
        query in prop::sample::select(vec!["", "?list=true", "?version=x", "?version=99999999999999999999", "?%ff=%"]),
        body in body(),
        known in any::<bool>(),
    ) {
        let lab = Lab::new();
        let token = if known { lab.root.clone() } else { "x".to_owned() };
        let request = Request::builder()
            .method(method)
            .uri(format!("https://vault.example.com{path}{query}"))
            .header("x-vault-token", token)
            .header("content-type", "application/merge-patch+json")
            .body(Bytes::from(body));
        prop_assume!(request.is_ok());
        let request = request.unwrap();
        let (operation, secret) = lab.vault.describe(&request);
        let answer = futures::executor::block_on(lab.vault.serve(request, &lab.notes));
        prop_assert!(answer.status().as_u16() >= 200 && answer.status().as_u16() < 500);
        prop_assert_eq!(lab.count(), 1);
        prop_assert_eq!(lab.last().operation, operation);
        prop_assert_eq!(lab.last().secret, secret);
    }
}

#[rstest]
#[case(
    "GET",
    "/v1/secret/data/git/a?version=2",
    "kv-v2 read",
    Some("secret/git/a")
)]
#[case("PUT", "/v1/secret/data/git/a", "kv-v2 write", Some("secret/git/a"))]
#[case(
    "GET",
    "/v1/secret/metadata/git?list=true",
    "kv-v2 list",
    Some("secret/git/")
)]
#[case("GET", "/v1/kv1/a", "kv-v1 read", Some("kv1/a"))]
#[case("PUT", "/v1/auth/kubernetes/login", "kubernetes login", None)]
#[case("GET", "/v1/auth/token/lookup-self", "lookup-self", None)]
#[case("GET", "/ui/", "unknown", None)]
fn a_request_is_described_by_its_form(
    #[case] method: &str,
    #[case] path: &str,
    #[case] operation: &str,
    #[case] secret: Option<&str>,
) {
    let lab = Lab::new();
    let uri = format!("https://vault.example.com{path}");
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .body(Bytes::new())
        .unwrap();
    let described = lab.vault.describe(&request);
    assert_eq!(
        (described.0.as_str(), described.1.as_deref()),
        (operation, secret)
    );
}

#[tokio::test(start_paused = true)]
async fn an_unclean_path_is_sent_to_its_clean_spelling() {
    let lab = Lab::new();
    let request = Request::get("https://vault.example.com/v1/secret//data/x/../a?version=1");
    let request = request.body(Bytes::new()).unwrap();
    let answer = lab.vault.serve(request, &lab.notes).await;
    assert_eq!(answer.status(), 301);
    assert_eq!(answer.headers()["location"], "/v1/secret/data/a?version=1");
}

#[tokio::test(start_paused = true)]
async fn a_body_beyond_32_mib_and_a_patch_of_another_kind_are_refused() {
    let lab = Lab::new();
    let big = "x".repeat(32 * 1024 * 1024 + 1);
    assert_eq!(
        lab.call("POST", "secret/data/a", &lab.root, &big).await.0,
        413
    );
    let request = Request::patch("https://vault.example.com/v1/secret/data/a")
        .header("content-type", "application/json")
        .body(Bytes::from("{}"))
        .unwrap();
    assert_eq!(lab.vault.serve(request, &lab.notes).await.status(), 415);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_tokens_and_ids() {
    let (one, two) = (Lab::new(), Lab::new());
    assert_eq!(one.root, two.root);
    let first = one.call("GET", "secret/data/a", "hvs.reader", "").await;
    assert_eq!(
        first,
        two.call("GET", "secret/data/a", "hvs.reader", "").await
    );
}

#[rstest]
#[case("sys/health", 200)]
#[case("secret/data/git/a", 405)]
#[tokio::test(start_paused = true)]
async fn only_probes_may_ask_for_the_head_alone(#[case] path: &str, #[case] status: u16) {
    let lab = Lab::new();
    lab.put("git/a", serde_json::json!({})).await;
    assert_eq!(lab.call("HEAD", path, &lab.root, "").await.0, status);
    assert!(lab.last().versions.is_empty());
}
