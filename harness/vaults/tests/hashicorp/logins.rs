//! Logging in, and every way in which that is refused.

use rotaproof_base::jwt::Issuer;
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{Lab, errors, steady};

async fn log_in(lab: &Lab, mount: &str, role: &str, jwt: &str) -> (u16, Value) {
    let body = json!({ "role": role, "jwt": jwt }).to_string();
    lab.call("PUT", &format!("auth/{mount}/login"), "", &body)
        .await
}

#[tokio::test(start_paused = true)]
async fn a_service_account_logs_in_and_may_what_its_role_grants() {
    let lab = Lab::new();
    lab.put("git/credentials", json!({"k": "v"})).await;
    let jwt = lab.service_account(json!({}));
    let (status, answer) = log_in(&lab, "kubernetes", "eso", &jwt).await;
    assert_eq!(status, 200);
    let answer = steady(answer);
    let auth = &answer["auth"];
    assert_eq!(auth["policies"], json!(["default", "reader"]));
    assert_eq!(auth["lease_duration"], 3600);
    assert_eq!(auth["renewable"], true);
    assert_eq!(auth["token_type"], "service");
    assert_eq!(auth["metadata"]["role"], "eso");
    assert_eq!(auth["metadata"]["service_account_namespace"], "team");
    assert_eq!(answer["data"], Value::Null);
    assert_eq!(lab.last().operation, "kubernetes login");
    assert_eq!(lab.last().identity.as_deref(), Some("kubernetes/eso"));
    let token = auth["client_token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("hvs."));
    assert_eq!(
        lab.call("GET", "secret/data/git/credentials", &token, "")
            .await
            .0,
        200
    );
    assert_eq!(lab.last().identity.as_deref(), Some("kubernetes/eso"));
    let (status, answer) = lab.call("GET", "secret/data/other", &token, "").await;
    assert_eq!(status, 403);
    assert_eq!(
        errors(&answer),
        ["1 error occurred:\n\t* permission denied\n\n"]
    );
    assert_eq!(lab.last().refusal.as_deref(), Some("permission denied"));
    assert_eq!(lab.last().identity.as_deref(), Some("kubernetes/eso"));
}

const AUDIENCE: &str =
    "invalid audience (aud) claim: audience claim does not match any expected audience";

#[rstest]
#[case::unknown_role("nope", json!({}), 400, "invalid role name \"nope\"")]
#[case::no_role("", json!({}), 400, "missing role")]
#[case::other_account("eso", json!({"kubernetes.io": {"namespace": "team", "serviceaccount": {"name": "x", "uid": "u"}}}), 403, "service account name not authorized")]
#[case::other_namespace("eso", json!({"kubernetes.io": {"namespace": "x", "serviceaccount": {"name": "eso", "uid": "u"}}}), 403, "namespace not authorized")]
#[case::other_audience("bound", json!({"aud": ["sts.amazonaws.com"]}), 403, AUDIENCE)]
#[case::other_issuer("eso", json!({"iss": "https://elsewhere"}), 403, "permission denied")]
#[case::no_service_account("any", json!({"kubernetes.io": null}), 403, "permission denied")]
#[case::expired("eso", json!({"exp": 1}), 403, "invalid expiration time (exp) claim: token is expired")]
#[case::not_yet_valid("eso", json!({"nbf": 4_000_000_000_u64}), 403, "invalid not before (nbf) claim: token not yet valid")]
#[tokio::test(start_paused = true)]
async fn a_kubernetes_login_is_refused(
    #[case] role: &str,
    #[case] changes: Value,
    #[case] status: u16,
    #[case] error: &str,
) {
    let lab = Lab::new();
    let jwt = lab.service_account(changes);
    let answer = log_in(&lab, "kubernetes", role, &jwt).await;
    assert_eq!((answer.0, errors(&answer.1)), (status, vec![error]));
    assert_eq!(lab.last().refusal.as_deref(), Some(error));
    assert_eq!(lab.last().identity, None);
}

#[tokio::test(start_paused = true)]
async fn a_star_admits_every_service_account() {
    let lab = Lab::new();
    let other =
        json!({"kubernetes.io": {"namespace": "x", "serviceaccount": {"name": "y", "uid": "u"}}});
    let jwt = lab.service_account(other);
    assert_eq!(log_in(&lab, "kubernetes", "any", &jwt).await.0, 200);
}

#[rstest]
#[case("kubernetes", 403, "permission denied")]
#[case(
    "jwt",
    400,
    "error validating token: error verifying token signature: no known key successfully validated the token signature"
)]
#[tokio::test(start_paused = true)]
async fn a_token_of_another_key_is_refused(
    #[case] mount: &str,
    #[case] status: u16,
    #[case] error: &str,
) {
    let lab = Lab::new();
    let forger = Lab {
        issuer: Issuer::generate("https://cluster").unwrap(),
        ..Lab::new()
    };
    let jwt = forger.service_account(json!({}));
    let answer = log_in(&lab, mount, "eso", &jwt).await;
    assert_eq!((answer.0, errors(&answer.1)), (status, vec![error]));
}

#[tokio::test(start_paused = true)]
async fn a_jwt_logs_in() {
    let lab = Lab::new();
    let jwt = lab.service_account(json!({}));
    let (status, answer) = log_in(&lab, "jwt", "eso", &jwt).await;
    assert_eq!(status, 200);
    assert_eq!(answer["auth"]["lease_duration"], 2_764_800);
    assert_eq!(answer["mount_type"], "jwt");
    assert_eq!(lab.last().identity.as_deref(), Some("jwt/eso"));
}

#[rstest]
#[case::unknown_role("nope", json!({}), "role \"nope\" could not be found")]
#[case::no_role("", json!({}), "missing role")]
#[case::other_audience("eso", json!({"aud": "x"}), "error validating token: invalid audience (aud) claim: audience claim does not match any expected audience")]
#[case::audience_unbound("unbound", json!({}), "audience claim found in JWT but no audiences bound to the role")]
#[case::other_subject("other", json!({}), "error validating token: invalid subject (sub) claim")]
#[case::other_issuer("eso", json!({"iss": "x"}), "error validating token: invalid issuer (iss) claim")]
#[case::expired("eso", json!({"exp": 1}), "error validating token: invalid expiration time (exp) claim: token is expired")]
#[case::no_user("email", json!({}), "claim \"email\" not found in token")]
#[tokio::test(start_paused = true)]
async fn a_jwt_login_is_refused(#[case] role: &str, #[case] changes: Value, #[case] error: &str) {
    let lab = Lab::new();
    let jwt = lab.service_account(changes);
    let answer = log_in(&lab, "jwt", role, &jwt).await;
    assert_eq!((answer.0, errors(&answer.1)), (400, vec![error]));
    assert_eq!(lab.last().operation, "jwt login");
}

#[rstest]
#[case("kubernetes", "missing jwt")]
#[case("jwt", "missing token")]
#[tokio::test(start_paused = true)]
async fn a_login_without_a_token_is_refused(#[case] mount: &str, #[case] error: &str) {
    let lab = Lab::new();
    let answer = log_in(&lab, mount, "eso", "").await;
    assert_eq!((answer.0, errors(&answer.1)), (400, vec![error]));
    let read = lab
        .call("GET", &format!("auth/{mount}/login"), "", "")
        .await;
    assert_eq!(read.0, 405);
}
