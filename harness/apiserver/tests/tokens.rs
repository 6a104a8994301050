//! Service account tokens.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use cluster::Cluster;
use http::StatusCode;
use rotaproof_base::jwt::{JwtError, Verifier};
use serde_json::{Value, json};

const TOKEN: &str = "/api/v1/namespaces/default/serviceaccounts/eso/token";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

async fn with_account() -> (Cluster, Value) {
    let cluster = Cluster::start();
    let path = "/api/v1/namespaces/default/serviceaccounts";
    let (_, account) = cluster
        .post(path, json!({"metadata": {"name": "eso"}}))
        .await;
    (cluster, account)
}

#[tokio::test(start_paused = true)]
async fn a_token_names_its_account_and_verifies_against_the_published_keys() {
    let (cluster, account) = with_account().await;
    let body = json!({"spec": {"audiences": ["vault"], "expirationSeconds": 600}});
    let (code, answer) = cluster.post(TOKEN, body).await;
    assert_eq!(code, StatusCode::CREATED, "{answer}");
    assert_eq!(
        answer["status"]["expirationTimestamp"],
        "2025-11-08T00:10:00Z"
    );
    let (_, document) = cluster.get("/.well-known/openid-configuration").await;
    let (_, keys) = cluster.get("/openid/v1/jwks").await;
    let verifier = Verifier::from_jwks(document["issuer"].as_str().unwrap(), &keys);
    let token = answer["status"]["token"].as_str().unwrap();
    let claims = verifier.verify(token, &cluster.clock).unwrap();
    assert_eq!(
        claims.text("sub"),
        Some("system:serviceaccount:default:eso")
    );
    assert_eq!(claims.text("iss"), Some("https://kubernetes.default.svc"));
    assert_eq!(claims.audiences(), ["vault"]);
    assert_eq!(
        claims.number("exp"),
        claims.number("iat").map(|at| at + 600)
    );
    assert_eq!(
        claims.all()["kubernetes.io"],
        json!({
            "namespace": "default", "serviceaccount": {"name": "eso", "uid": account["metadata"]["uid"]},
        })
    );
    tokio::time::advance(std::time::Duration::from_secs(600)).await;
    assert_eq!(
        verifier.verify(token, &cluster.clock).unwrap_err(),
        JwtError::Expired
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_without_wishes_is_for_the_api_server_and_lasts_an_hour() {
    let (cluster, _) = with_account().await;
    let (_, answer) = cluster.post(TOKEN, json!({})).await;
    assert_eq!(
        answer["spec"]["audiences"],
        json!(["https://kubernetes.default.svc"])
    );
    assert_eq!(answer["spec"]["expirationSeconds"], 3600);
}

#[tokio::test(start_paused = true)]
async fn a_token_needs_an_account_and_ten_minutes() {
    let (cluster, _) = with_account().await;
    let (code, status) = cluster
        .post(&TOKEN.replace("eso", "nobody"), json!({}))
        .await;
    assert_eq!(
        (code, &status["message"]),
        (
            StatusCode::NOT_FOUND,
            &json!("serviceaccounts \"nobody\" not found")
        )
    );
    let (code, status) = cluster
        .post(TOKEN, json!({"spec": {"expirationSeconds": 599}}))
        .await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .contains("may not specify a duration less than 10 minutes")
    );
}

#[tokio::test(start_paused = true)]
async fn a_review_accepts_a_token_until_its_account_is_gone() {
    let (cluster, account) = with_account().await;
    let (_, answer) = cluster
        .post(TOKEN, json!({"spec": {"audiences": ["vault"]}}))
        .await;
    let review = |audiences: Value| json!({"spec": {"token": answer["status"]["token"], "audiences": audiences}});
    let (code, good) = cluster
        .post(REVIEWS, review(json!(["vault", "other"])))
        .await;
    assert_eq!(code, StatusCode::CREATED);
    assert_eq!(good["status"]["authenticated"], true);
    assert_eq!(
        good["status"]["user"]["username"],
        "system:serviceaccount:default:eso"
    );
    assert_eq!(good["status"]["user"]["uid"], account["metadata"]["uid"]);
    assert_eq!(good["status"]["audiences"], json!(["vault"]));
    let (_, other) = cluster.post(REVIEWS, review(json!(["other"]))).await;
    assert!(other["status"]["error"].is_string() && other["status"].get("authenticated").is_none());
    cluster.delete(TOKEN.trim_end_matches("/token")).await;
    cluster
        .post(
            "/api/v1/namespaces/default/serviceaccounts",
            json!({"metadata": {"name": "eso"}}),
        )
        .await;
    let (_, gone) = cluster.post(REVIEWS, review(json!(["vault"]))).await;
    assert!(
        gone["status"].get("authenticated").is_none(),
        "a new account of the same name is another one"
    );
}
