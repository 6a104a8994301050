//! Who may: tokens, keys, workload identity, roles.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use prost::Message;
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{CLOUD, HOST, Lab, READER, Reply};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const GENERATE: &str = "/google.iam.credentials.v1.IAMCredentials/GenerateAccessToken";

#[derive(Clone, PartialEq, Message)]
struct GenerateAccessToken {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "4")]
    scope: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Token {
    #[prost(string, tag = "1")]
    access_token: String,
}

fn generate(email: &str) -> GenerateAccessToken {
    GenerateAccessToken {
        name: format!("projects/-/serviceAccounts/{email}"),
        scope: vec![CLOUD.to_owned()],
    }
}

async fn impersonate(lab: &Lab, token: &str, email: &str) -> Reply {
    // The direct endpoint's way: any host of no cloud's.
    let message = generate(email);
    let mut body = vec![0];
    body.extend(u32::try_from(message.encoded_len()).unwrap().to_be_bytes());
    body.extend(message.encode_to_vec());
    let request = Request::post(format!("https://iamcredentials.googleapis.com{GENERATE}"))
        .header("content-type", "application/grpc")
        .header("authorization", format!("Bearer {token}"))
        .body(Bytes::from(body));
    Reply::of(lab.send(request.unwrap()).await)
}

#[tokio::test(start_paused = true)]
async fn a_kubernetes_service_account_acts_as_the_google_one_that_trusts_it() {
    let lab = Lab::new();
    lab.secret("api-key", &["v1"]).await;
    let federated = lab.federated("team:eso").await;
    let token: Token = impersonate(&lab, &federated, READER).await.decode();
    let read = lab
        .access_as(&token.access_token, "api-key", "latest")
        .await;
    assert_eq!(read.as_deref(), Ok("v1"));
    assert_eq!(
        lab.last().identity,
        Some(format!("serviceAccount:{READER}"))
    );
}

#[rstest]
#[case("team:other", READER)]
#[case("team:eso", "nobody@my-project-id.iam.gserviceaccount.com")]
#[tokio::test(start_paused = true)]
async fn without_the_binding_there_is_no_token(#[case] account: &str, #[case] email: &str) {
    let lab = Lab::new();
    let federated = lab.federated(account).await;
    let reply = impersonate(&lab, &federated, email).await;
    assert_eq!(
        (reply.status, reply.message.as_str()),
        (
            Some(7),
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
        )
    );
}

#[rstest]
#[case("team:direct", Ok("v1"))]
#[case("team:eso", Err("PERMISSION_DENIED"))]
#[tokio::test(start_paused = true)]
async fn a_federated_token_has_the_roles_of_the_kubernetes_account_itself(
    #[case] account: &str,
    #[case] outcome: Result<&str, &str>,
) {
    let lab = Lab::new();
    lab.secret("api-key", &["v1"]).await;
    let federated = lab.federated(account).await;
    let read = lab.access_as(&federated, "api-key", "latest").await;
    assert_eq!(
        read.as_deref().map_err(|(status, _)| status.as_str()),
        outcome
    );
}

#[rstest]
#[case::another_audience(json!({"aud": ["other.svc.id.goog"]}), json!({}), "invalid_grant")]
#[case::another_issuer(json!({"iss": "https://elsewhere"}), json!({}), "invalid_grant")]
#[case::expired(json!({"exp": 1}), json!({}), "invalid_grant")]
#[case::no_service_account(json!({"sub": "somebody"}), json!({}), "invalid_grant")]
#[case::another_cluster(json!({}), json!({"audience": "identitynamespace:my-project-id.svc.id.goog:https://container.googleapis.com/v1/projects/my-project-id/locations/us-central1/clusters/other"}), "invalid_target")]
#[case::another_grant(json!({}), json!({"grant_type": "password"}), "invalid_request")]
#[case::another_scope(json!({}), json!({"scope": "email"}), "invalid_scope")]
#[case::garbage(json!({}), json!({"subject_token": "garbage"}), "invalid_grant")]
#[tokio::test(start_paused = true)]
async fn an_exchange_is_refused(
    #[case] claims: Value,
    #[case] request: Value,
    #[case] error: &str,
) {
    let lab = Lab::new();
    let token = lab.service_account("team:eso", claims);
    let (status, answer) = lab.exchange(&token, request).await;
    assert_eq!((status, &answer["error"]), (400, &json!(error)), "{answer}");
    assert_eq!(lab.last().refusal.as_deref(), Some(error));
}

#[tokio::test(start_paused = true)]
async fn a_key_gets_a_token_that_ends_after_an_hour() {
    let lab = Lab::with_key();
    lab.secret("api-key", &["v1"]).await;
    let assertion = lab.signed(0, json!({}));
    let (status, answer) = lab
        .oauth(&[("grant_type", JWT_BEARER), ("assertion", &assertion)])
        .await;
    assert_eq!(
        (status, &answer["token_type"]),
        (200, &json!("Bearer")),
        "{answer}"
    );
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(
        lab.access_as(token, "api-key", "latest").await.as_deref(),
        Ok("v1")
    );
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let (status, message) = lab.access_as(token, "api-key", "latest").await.unwrap_err();
    assert_eq!(status, "UNAUTHENTICATED");
    assert!(message.starts_with("Request had invalid authentication credentials."));
}

#[rstest]
#[case::another_key(1, json!({}), "invalid_grant", "Invalid JWT Signature.")]
#[case::another_account(0, json!({"iss": "other@my-project-id.iam.gserviceaccount.com"}), "invalid_grant", "Invalid grant: account not found")]
#[case::another_audience(0, json!({"aud": "https://elsewhere/token"}), "invalid_grant", "Invalid JWT: Failed audience check. The right audience is https://oauth2.googleapis.com/token")]
#[case::expired(0, json!({"iat": 1, "exp": 3601}), "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")]
#[case::too_long(0, json!({"exp": 9_999_999_999_i64}), "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")]
#[case::no_scope(0, json!({"scope": null}), "invalid_scope", "Invalid OAuth scope or ID token audience provided.")]
#[tokio::test(start_paused = true)]
async fn an_assertion_is_refused_in_googles_words(
    #[case] key: usize,
    #[case] claims: Value,
    #[case] error: &str,
    #[case] description: &str,
) {
    let lab = Lab::with_key();
    let assertion = lab.signed(key, claims);
    let (status, answer) = lab
        .oauth(&[("grant_type", JWT_BEARER), ("assertion", &assertion)])
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        answer,
        json!({"error": error, "error_description": description})
    );
}

#[rstest]
#[case(&[], "invalid_request")]
#[case(&[("grant_type", "password")], "unsupported_grant_type")]
#[case(&[("grant_type", JWT_BEARER)], "invalid_request")]
#[case(&[("grant_type", JWT_BEARER), ("assertion", "a.b.c")], "invalid_request")]
#[tokio::test(start_paused = true)]
async fn a_request_for_a_token_that_is_none_is_refused(
    #[case] form: &[(&str, &str)],
    #[case] error: &str,
) {
    let lab = Lab::new();
    let (status, answer) = lab.oauth(form).await;
    assert_eq!((status, &answer["error"]), (400, &json!(error)));
}

#[rstest]
#[case::by_audience(0, json!({"aud": format!("https://{HOST}/"), "scope": null}), true)]
#[case::by_scope(0, json!({"aud": null}), true)]
#[case::another_service(0, json!({"aud": "https://storage.googleapis.com/", "scope": null}), false)]
#[case::another_key(1, json!({"aud": null}), false)]
#[case::for_somebody_else(0, json!({"aud": null, "sub": "other"}), false)]
#[case::expired(0, json!({"aud": null, "iat": 1, "exp": 2}), false)]
#[tokio::test(start_paused = true)]
async fn a_service_account_signs_its_own_token(
    #[case] key: usize,
    #[case] claims: Value,
    #[case] accepted: bool,
) {
    let lab = Lab::with_key();
    lab.secret("api-key", &["v1"]).await;
    let token = lab.signed(key, claims);
    let read = lab.access_as(&token, "api-key", "latest").await;
    match accepted {
        true => assert_eq!(read.as_deref(), Ok("v1")),
        false => assert_eq!(read.unwrap_err().0, "UNAUTHENTICATED"),
    }
}

#[rstest]
#[case("", "Request is missing required authentication credential. ")]
#[case("Basic eDp5", "Request had invalid authentication credentials. ")]
#[case("Bearer garbage", "Request had invalid authentication credentials. ")]
#[case("Bearer a.b.c", "Request had invalid authentication credentials. ")]
#[tokio::test(start_paused = true)]
async fn who_is_not_known_is_unauthenticated(#[case] header: &str, #[case] text: &str) {
    let lab = Lab::new();
    let mut request = Request::get(format!("https://{HOST}/v1/projects/my-project-id/secrets"));
    if !header.is_empty() {
        request = request.header("authorization", header);
    }
    let answer = lab.send(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(answer.status(), 401);
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with(text), "{message}");
    assert_eq!(lab.last().identity, None);
}

#[tokio::test(start_paused = true)]
async fn a_role_reaches_its_secrets_and_no_others() {
    let lab = Lab::with_key();
    for id in ["api-key", "other"] {
        lab.secret(id, &["v1"]).await;
    }
    let token = lab.signed(0, json!({"aud": null}));
    assert!(lab.access_as(&token, "api-key", "latest").await.is_ok());
    let (status, message) = lab.access_as(&token, "other", "latest").await.unwrap_err();
    assert_eq!(status, "PERMISSION_DENIED");
    assert_eq!(
        message,
        "Permission 'secretmanager.versions.access' denied for resource 'projects/my-project-id/secrets/other/versions/latest' (or it may not exist)."
    );
    let (status, answer) = lab.rest("GET", "/secrets", &token, &Value::Null).await;
    assert_eq!(status, 403);
    assert_eq!(
        answer["error"]["details"][0]["metadata"]["permission"],
        "secretmanager.secrets.list"
    );
}

#[tokio::test(start_paused = true)]
async fn another_project_is_nobodys() {
    let lab = Lab::new();
    let request = Request::get(format!("https://{HOST}/v1/projects/other/secrets"))
        .header("authorization", format!("Bearer {}", lab.administrator))
        .body(Bytes::new());
    assert_eq!(lab.send(request.unwrap()).await.status(), 403);
}

#[rstest]
#[case("v1/project/project-id", true, 200, "my-project-id")]
#[case("v1/instance/attributes/cluster-name", true, 200, "my-cluster")]
#[case("v1/instance/attributes/cluster-location", true, 200, "us-central1")]
#[case(
    "v1/project/project-id",
    false,
    403,
    "Missing Metadata-Flavor:Google header."
)]
#[case(
    "v1/instance/service-accounts/default/token",
    true,
    404,
    "404 page not found"
)]
#[tokio::test(start_paused = true)]
async fn the_metadata_server_tells_of_project_and_cluster(
    #[case] key: &str,
    #[case] flavored: bool,
    #[case] status: u16,
    #[case] text: &str,
) {
    let lab = Lab::new();
    let mut request = Request::get(format!("http://169.254.169.254/computeMetadata/{key}"));
    if flavored {
        request = request.header("metadata-flavor", "Google");
    }
    let answer = lab.send(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(answer.status(), status);
    assert_eq!(answer.body(), text);
    assert_eq!(answer.headers()["metadata-flavor"], "Google");
}
