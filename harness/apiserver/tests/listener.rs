//! The API behind TLS: certificates, protocols, tokens, the kubeconfig.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod wire;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use http::header::AUTHORIZATION;
use rstest::rstest;
use serde_json::{Value, json};
use wire::{HTTP1, HTTP2, Server, request};

#[rstest]
#[case(HTTP1)]
#[case(HTTP2)]
#[tokio::test]
async fn the_administrator_is_answered_on_both_protocols(#[case] protocol: &[u8]) {
    let server = Server::start();
    let mut request = request(Method::GET, "/api/v1/namespaces/default", Value::Null);
    let token = format!("Bearer {}", server.token()).parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, token);
    let answer = server.send(protocol, request).await;
    assert_eq!(answer.code, 200);
    assert_eq!(answer.json()["metadata"]["name"], "default");
}

#[rstest]
#[case("127.0.0.1")]
#[case("localhost")]
#[case("kubernetes.default.svc")]
#[tokio::test]
async fn the_certificate_names_where_the_server_is(#[case] name: &str) {
    let server = Server::start();
    assert!(server.tls(name, HTTP1).await.is_ok());
}

#[tokio::test]
async fn another_name_and_another_authority_are_refused_by_a_client() {
    let server = Server::start();
    assert!(server.tls("example.com", HTTP1).await.is_err());
    let mut other = Server::start();
    other.dialer = server.dialer.clone();
    assert!(other.tls("127.0.0.1", HTTP1).await.is_err());
}

#[rstest]
#[case::none(None)]
#[case::wrong(Some("Bearer wrong"))]
#[case::empty(Some("Bearer "))]
#[case::another_scheme(Some("Basic YTpi"))]
#[case::garbage_jwt(Some("Bearer a.b.c"))]
#[tokio::test]
async fn who_is_not_known_is_unauthorized(#[case] authorization: Option<&str>) {
    let server = Server::start();
    let mut request = request(Method::GET, "/api/v1/secrets", Value::Null);
    if let Some(value) = authorization {
        let value = value.parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let answer = server.send(HTTP1, request).await;
    assert_eq!(answer.code, 401);
    assert_eq!(
        answer.json(),
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "Unauthorized", "reason": "Unauthorized", "code": 401,
        })
    );
}

#[rstest]
#[case("/healthz", 200)]
#[case("/livez", 200)]
#[case("/readyz", 200)]
#[case("/version", 200)]
#[case("/api", 401)]
#[case("/apis", 401)]
#[case("/no/such/path", 401)]
#[tokio::test]
async fn only_health_and_version_are_told_to_anyone(#[case] path: &str, #[case] code: u16) {
    let server = Server::start();
    assert_eq!(server.get(path, None).await.code, code, "{path}");
    // A wrong token is refused there too.
    assert_eq!(server.get(path, Some("wrong")).await.code, 401, "{path}");
}

async fn account_token(server: &Server, spec: Value) -> String {
    let path = "/api/v1/namespaces/default/serviceaccounts";
    let account = json!({"metadata": {"name": "robot"}});
    server.call(Method::POST, path, account).await;
    let path = format!("{path}/robot/token");
    let answer = server
        .call(Method::POST, &path, json!({"spec": spec}))
        .await;
    answer.json()["status"]["token"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_service_account_comes_in_until_it_is_deleted() {
    let server = Server::start();
    let token = account_token(&server, json!({})).await;
    let path = "/api/v1/namespaces/default/serviceaccounts/robot";
    assert_eq!(server.get(path, Some(&token)).await.code, 200);
    server.call(Method::DELETE, path, Value::Null).await;
    assert_eq!(server.get(path, Some(&token)).await.code, 401);
}

#[tokio::test]
async fn a_token_for_somebody_else_or_past_its_time_does_not_let_in() {
    let server = Server::start();
    let path = "/api/v1/namespaces/default";
    let foreign = account_token(&server, json!({"audiences": ["sts.amazonaws.com"]})).await;
    assert_eq!(server.get(path, Some(&foreign)).await.code, 401);
    let own = account_token(&server, json!({"expirationSeconds": 600})).await;
    assert_eq!(server.get(path, Some(&own)).await.code, 200);
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(600)).await;
    assert_eq!(server.get(path, Some(&own)).await.code, 401);
}

#[tokio::test]
async fn a_kubeconfig_says_where_whom_to_trust_and_who_to_be() {
    let server = Server::start();
    let text = server.access.kubeconfig("https://127.0.0.1:6443", "team-a");
    let config: kube::config::Kubeconfig =
        kube::config::Kubeconfig::from_yaml(text.expose_str().unwrap()).unwrap();
    let context = config.contexts[0].context.as_ref().unwrap();
    assert_eq!(
        config.current_context.as_ref(),
        Some(&config.contexts[0].name)
    );
    assert_eq!(context.namespace.as_deref(), Some("team-a"));
    let cluster = config.clusters[0].cluster.as_ref().unwrap();
    assert_eq!(cluster.server.as_deref(), Some("https://127.0.0.1:6443"));
    let authority = cluster.certificate_authority_data.as_ref().unwrap();
    let authority = BASE64_STANDARD.decode(authority).unwrap();
    assert_eq!(authority, server.access.ca_pem().as_bytes());
    assert!(
        config.auth_infos[0]
            .auth_info
            .as_ref()
            .unwrap()
            .token
            .is_some()
    );
}
