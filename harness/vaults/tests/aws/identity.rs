//! STS: who gets a session, and what it is good for.

use std::time::Duration;

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use rotaproof_base::SecretValue;
use rotaproof_base::jwt::Issuer;
use serde_json::json;

use crate::lab::{Lab, ROLE, element};

const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/other";
const DENIED: &str = "Not authorized to perform sts:AssumeRoleWithWebIdentity";

async fn refused(lab: &Lab, role: &str, token: &str) -> (u16, String, String) {
    let (status, xml) = lab.assume(role, token).await;
    (status, element(&xml, "Code"), element(&xml, "Message"))
}

fn answer(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.into(), message.into())
}

#[tokio::test(start_paused = true)]
async fn a_trusted_service_account_gets_a_session_that_reads_what_its_role_allows() {
    let lab = Lab::new();
    let admin = lab.administrator();
    for name in ["prod/a", "dev/a"] {
        admin
            .create_secret()
            .name(name)
            .secret_string(name)
            .send()
            .await
            .unwrap();
    }
    let credentials = lab.session().await;
    let session = "arn:aws:sts::123456789012:assumed-role/eso/external-secrets-provider-aws";
    assert_eq!(lab.journal.last().identity.as_deref(), Some(session));
    assert!(credentials.access_key_id.starts_with("ASIA"));
    let sdk = lab.sdk(&credentials);
    let got = sdk
        .get_secret_value()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    assert_eq!(got.secret_string(), Some("prod/a"));
    let error = sdk
        .get_secret_value()
        .secret_id("dev/a")
        .send()
        .await
        .unwrap_err();
    let message = error
        .as_service_error()
        .unwrap()
        .message()
        .unwrap()
        .to_owned();
    assert!(message.starts_with(&format!("User: {session} is not authorized to perform: secretsmanager:GetSecretValue on resource: ")), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_after_an_hour() {
    let lab = Lab::new();
    lab.administrator()
        .create_secret()
        .name("prod/a")
        .secret_string("x")
        .send()
        .await
        .unwrap();
    let sdk = lab.sdk(&lab.session().await);
    tokio::time::sleep(Duration::from_secs(3599)).await;
    sdk.get_secret_value()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = sdk
        .get_secret_value()
        .secret_id("prod/a")
        .send()
        .await
        .unwrap_err();
    let error = error.as_service_error().unwrap();
    assert_eq!(error.code(), Some("ExpiredTokenException"));
    assert_eq!(
        error.message(),
        Some("The security token included in the request is expired")
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_token_that_is_missing_or_another_one_is_refused() {
    let lab = Lab::new();
    let mut credentials = lab.session().await;
    let other = lab.session().await;
    for token in [None, other.session_token, Some(SecretValue::new("garbage"))] {
        credentials.session_token = token;
        let error = lab
            .sdk(&credentials)
            .list_secrets()
            .send()
            .await
            .unwrap_err();
        assert_eq!(
            error.as_service_error().unwrap().code(),
            Some("UnrecognizedClientException")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_that_sts_refuses_are_refused_in_its_words() {
    let lab = Lab::new();
    let expired = lab.token(|claims| claims["exp"] = json!(1_762_560_000));
    assert_eq!(
        refused(&lab, ROLE, &expired).await,
        answer(
            400,
            "ExpiredTokenException",
            "Token expired: current date/time 1762560000 must be before the expiration date/time 1762560000"
        )
    );
    let audience = lab.token(|claims| claims["aud"] = json!(["vault"]));
    assert_eq!(
        refused(&lab, ROLE, &audience).await,
        answer(400, "InvalidIdentityToken", "Incorrect token audience")
    );
    let issuer = lab.token(|claims| claims["iss"] = json!("https://elsewhere.example"));
    assert_eq!(
        refused(&lab, ROLE, &issuer).await,
        answer(
            400,
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://elsewhere.example"
        )
    );
    let garbage = refused(&lab, ROLE, "garbage").await;
    assert_eq!(
        (garbage.0, garbage.1.as_str()),
        (400, "InvalidIdentityToken")
    );
    let forger = Issuer::generate("https://oidc.cluster.example").unwrap();
    let claims = json!({"iss": "https://oidc.cluster.example", "sub": "system:serviceaccount:external-secrets:eso", "aud": "sts.amazonaws.com", "exp": 9_999_999_999_i64});
    let forged = refused(&lab, ROLE, &forger.sign(&claims).unwrap()).await;
    assert_eq!((forged.0, forged.1.as_str()), (400, "InvalidIdentityToken"));
    let own = lab.token(|_| {});
    let mut parts: Vec<&str> = own.split('.').collect();
    let foreign = lab.token(|claims| claims["sub"] = json!("system:serviceaccount:a:b"));
    parts[1] = foreign.split('.').nth(1).unwrap();
    let spliced = refused(&lab, ROLE, &parts.join(".")).await;
    assert_eq!(
        (spliced.0, spliced.1.as_str()),
        (400, "InvalidIdentityToken")
    );
    assert_eq!(
        lab.journal.last().refusal.as_deref(),
        Some("InvalidIdentityToken")
    );
    assert_eq!(lab.journal.last().identity, None);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_trust_the_caller_or_does_not_exist_is_denied_alike() {
    let lab = Lab::new();
    let denied = answer(403, "AccessDenied", DENIED);
    let subject = lab.token(|claims| claims["sub"] = json!("system:serviceaccount:other:eso"));
    assert_eq!(refused(&lab, ROLE, &subject).await, denied);
    let token = lab.token(|_| {});
    assert_eq!(
        refused(&lab, "arn:aws:iam::123456789012:role/absent", &token).await,
        denied
    );
    assert_eq!(refused(&lab, OTHER_ROLE, &token).await, denied);
    // Another role's audience is one that the account knows, but not one that this role trusts.
    let audience = lab.token(|claims| claims["aud"] = json!("other.example"));
    assert_eq!(refused(&lab, ROLE, &audience).await, denied);
}

#[tokio::test(start_paused = true)]
async fn malformed_requests_are_validation_errors() {
    let lab = Lab::new();
    let token = lab.token(|_| {});
    for role in [
        "eso",
        "arn:aws:iam::12:role/eso-of-someone",
        "arn:aws:s3:::some-bucket-name",
    ] {
        let (status, code, _) = refused(&lab, role, &token).await;
        assert_eq!((status, code.as_str()), (400, "ValidationError"), "{role}");
    }
    let (status, xml) = lab
        .sts(&[("Action", "AssumeRoleWithWebIdentity"), ("RoleArn", ROLE)])
        .await;
    assert_eq!(
        (status, element(&xml, "Code").as_str()),
        (400, "ValidationError")
    );
    assert!(
        element(&xml, "Message").contains("Value null at &apos;roleSessionName&apos;"),
        "{xml}"
    );
    let (status, xml) = lab.sts(&[("Action", "Nothing")]).await;
    assert_eq!(
        (status, element(&xml, "Code").as_str()),
        (400, "InvalidAction")
    );
    let (status, xml) = lab.sts(&[("Action", "GetCallerIdentity")]).await;
    assert_eq!(
        (status, element(&xml, "Code").as_str()),
        (403, "MissingAuthenticationToken")
    );
}
