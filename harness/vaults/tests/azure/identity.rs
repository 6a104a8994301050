//! Who gets a token, and whose token opens the vault.

use std::time::Duration;

use rotaproof_base::jwt::Issuer;
use rstest::rstest;
use serde_json::json;

use crate::lab::{ARM_ID, AUDIENCE, FEDERATED, HOST, Lab, MANAGED, READER, SUBJECT, TENANT};

const RESOURCE: &str = "https%3A%2F%2Fvault.azure.net";

#[tokio::test(start_paused = true)]
async fn without_a_token_the_vault_says_where_to_get_one_and_for_what() {
    let lab = Lab::new();
    let answer = lab.get("", "/secrets/x/").await;
    assert_eq!(answer.refusal(), "401 Unauthorized");
    assert_eq!(
        answer.challenge.unwrap(),
        format!(
            r#"Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="https://vault.azure.net""#
        )
    );
    assert!(HOST.ends_with(".vault.azure.net"));
}

#[rstest]
#[case::client_id(format!("&client_id={MANAGED}"), None)]
#[case::resource_id(format!("&mi_res_id={ARM_ID}"), None)]
#[case::the_only_one(String::new(), None)]
#[case::the_arm_id_as_a_client_id(format!("&client_id={ARM_ID}"), Some("Identity not found"))]
#[case::another(format!("&client_id={READER}"), Some("Identity not found"))]
#[tokio::test(start_paused = true)]
async fn the_metadata_service_knows_the_identities_of_the_nodes(
    #[case] identity: String,
    #[case] refusal: Option<&str>,
) {
    let lab = Lab::new();
    let query = format!("api-version=2018-02-01&resource={RESOURCE}{identity}");
    let answer = lab.imds(&query, true).await;
    match refusal {
        Some(words) => {
            assert_eq!(answer.status, 400);
            assert_eq!(answer.body["error_description"], words);
        }
        None => {
            let token = answer.body["access_token"].as_str().unwrap();
            assert_eq!(
                lab.get(token, "/secrets/x/").await.refusal(),
                "404 SecretNotFound"
            );
            assert_eq!(lab.journal.last().identity.as_deref(), Some("managed"));
        }
    }
}

#[rstest]
#[case("api-version=2018-02-01&resource=x", false, "bad_request_102")]
#[case("api-version=2018-02-01", true, "invalid_request")]
#[case("resource=https%3A%2F%2Fvault.azure.net", true, "invalid_request")]
#[case("api-version=2018-02-01&resource=x", true, "invalid_resource")]
#[tokio::test(start_paused = true)]
async fn the_metadata_service_refuses_what_is_no_request_for_a_token(
    #[case] query: &str,
    #[case] metadata: bool,
    #[case] error: &str,
) {
    let answer = Lab::new().imds(query, metadata).await;
    assert_eq!(
        (answer.status, answer.body["error"].as_str()),
        (400, Some(error))
    );
}

#[rstest]
#[case::wrong_secret(READER, "wrong", 401, 7_000_215)]
#[case::unknown_client("00000000-0000-4000-8000-000000000000", "x", 400, 700_016)]
#[tokio::test(start_paused = true)]
async fn a_wrong_client_secret_is_refused(
    #[case] id: &str,
    #[case] secret: &str,
    #[case] status: u16,
    #[case] code: i64,
) {
    let lab = Lab::new();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("scope", "https://vault.azure.net/.default"),
    ];
    let answer = lab
        .token(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
        .await;
    assert_eq!(
        (answer.status, &answer.body["error_codes"]),
        (status, &json!([code]))
    );
}

/// A cluster's token as it should be, with one claim another.
fn claims(lab: &Lab, claim: &str, value: serde_json::Value) -> serde_json::Value {
    let now = lab.clock.unix_seconds();
    let mut claims = json!({
        "iss": lab.cluster.url(), "sub": SUBJECT, "aud": [AUDIENCE], "nbf": now, "exp": now + 600,
    });
    claims[claim] = value;
    claims
}

#[rstest]
#[case::right("x", json!(1), None)]
#[case::issuer("iss", json!("https://other.example"), Some(700_211))]
#[case::audience("aud", json!(["sts.amazonaws.com"]), Some(700_212))]
#[case::subject("sub", json!("system:serviceaccount:eso:other"), Some(700_213))]
#[case::expired("exp", json!(1), Some(700_024))]
#[tokio::test(start_paused = true)]
async fn a_federated_token_needs_the_issuer_subject_and_audience_of_a_credential(
    #[case] claim: &str,
    #[case] value: serde_json::Value,
    #[case] code: Option<i64>,
) {
    let lab = Lab::new();
    let assertion = lab.cluster.sign(&claims(&lab, claim, value)).unwrap();
    let answer = exchange(&lab, &assertion).await;
    match code {
        Some(code) => assert_eq!(answer.body["error_codes"], json!([code])),
        None => assert_eq!(answer.status, 200),
    }
}

#[tokio::test(start_paused = true)]
async fn a_forged_assertion_and_garbage_are_refused() {
    let lab = Lab::new();
    let forger = Issuer::generate(lab.cluster.url()).unwrap();
    let forged = forger.sign(&claims(&lab, "x", json!(1))).unwrap();
    assert_eq!(
        exchange(&lab, &forged).await.body["error_codes"],
        json!([50_013])
    );
    assert_eq!(
        exchange(&lab, "garbage").await.body["error_codes"],
        json!([50_027])
    );
}

async fn exchange(lab: &Lab, assertion: &str) -> crate::lab::Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", FEDERATED),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion),
        (
            "scope",
            "https://vault.azure.net/.default openid offline_access profile",
        ),
    ];
    lab.token(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
        .await
}

#[tokio::test(start_paused = true)]
async fn a_token_for_something_else_a_forged_one_garbage_and_an_expired_one_open_nothing() {
    let lab = Lab::new();
    let message = |answer: &crate::lab::Answer| {
        assert_eq!(answer.status, 401);
        answer.body["error"]["message"].as_str().unwrap().to_owned()
    };
    let other = lab
        .application(READER, "reader's secret", "https://management.azure.com/")
        .await;
    let refused = message(&lab.get(&other, "/secrets/x/").await);
    assert_eq!(
        refused,
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com/."
    );
    let clusters = lab.cluster.sign(&claims(&lab, "x", json!(1))).unwrap();
    assert!(
        message(&lab.get(&clusters, "/secrets/x/").await).starts_with("AKV10032: Invalid issuer.")
    );
    let forger = Issuer::generate(format!("https://sts.windows.net/{TENANT}/")).unwrap();
    let now = lab.clock.unix_seconds();
    let forged = json!({"iss": forger.url(), "aud": "https://vault.azure.net", "appid": MANAGED, "exp": now + 60});
    let forged = forger.sign(&forged).unwrap();
    assert!(message(&lab.get(&forged, "/secrets/x/").await).starts_with("AKV10046:"));
    assert!(message(&lab.get("garbage", "/secrets/x/").await).contains("IDX12741"));
    let own = lab.administrator().await;
    assert_eq!(lab.get(&own, "/secrets").await.status, 200);
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert!(message(&lab.get(&own, "/secrets").await).contains("IDX10223"));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_read_values_is_refused_and_still_lists() {
    let lab = Lab::new();
    let token = lab
        .application(READER, "reader's secret", "https://vault.azure.net")
        .await;
    assert_eq!(lab.get(&token, "/secrets").await.status, 200);
    let answer = lab.get(&token, "/secrets/x/").await;
    assert_eq!(answer.refusal(), "403 ForbiddenByRbac");
    let message = answer.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'"));
    assert!(message.contains(&format!("Caller: appid={READER};")));
    assert_eq!(
        lab.set(&token, "x", "v").await.refusal(),
        "403 ForbiddenByRbac"
    );
}

#[tokio::test(start_paused = true)]
async fn another_tenant_is_unknown() {
    let lab = Lab::new();
    let answer = lab
        .token("/00000000-0000-4000-8000-000000000000/oauth2/token", &[])
        .await;
    assert_eq!(answer.body["error_codes"], json!([90_002]));
}
