//! Credentials: where they come from, and what is said when they do not.

use rotaproof_kinds::external_secrets::StoreKind;
use rotaproof_operator::provider::Validation;
use serde_json::json;

use crate::account::{Account, ROLE, irsa, remote, static_keys, text, words};

const DENIED: &str = "operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, RequestID: , api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity";

#[tokio::test(start_paused = true)]
async fn static_keys_sign_without_sts_and_are_read_anew_for_each_client() {
    let account = Account::open().await;
    account.put("prod/a", "x").await;
    let mut client = account
        .client(&account.store(static_keys("reader")))
        .await
        .ok()
        .unwrap();
    assert_eq!(text(client.get_secret(&remote("prod/a")).await), "x");
    assert_eq!(client.validate().await, Ok(Validation::Ready));
    assert_eq!(account.asked(), ["GetSecretValue"]);
    let mut wrong = account
        .client(&account.store(static_keys("wrong")))
        .await
        .ok()
        .unwrap();
    assert_eq!(
        words(wrong.get_secret(&remote("prod/a")).await),
        "operation error Secrets Manager: GetSecretValue, https response error StatusCode: 400, RequestID: , api error InvalidSignatureException: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_store_names_and_the_cluster_lacks_fails_the_client() {
    let account = Account::open().await;
    let refused = async |aws| words(account.client(&account.store(aws)).await);
    assert_eq!(
        refused(irsa("absent")).await,
        "unable to create session: ServiceAccount \"absent\" not found"
    );
    assert_eq!(
        refused(irsa("plain")).await,
        "unable to create session: an IAM role must be associated with service account plain (namespace: ns)"
    );
    assert_eq!(
        refused(static_keys("absent")).await,
        "unable to create session: could not fetch SecretAccessKey secret: cannot find secret data for key: \"absent\""
    );
    assert!(account.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_account_that_the_role_does_not_trust_fails_validation_and_reads() {
    let account = Account::open().await;
    let mut client = account
        .client(&account.store(irsa("stranger")))
        .await
        .ok()
        .unwrap();
    assert_eq!(
        words(client.validate().await),
        format!("failed to refresh cached credentials, failed to retrieve credentials, {DENIED}")
    );
    assert_eq!(
        words(client.get_secret(&remote("prod/a")).await),
        format!(
            "operation error Secrets Manager: GetSecretValue, get identity: get credentials: failed to refresh cached credentials, failed to retrieve credentials, {DENIED}"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_sts_does_not_accept_is_tried_three_times() {
    let account = Account::open().await;
    let mut aws = irsa("reader");
    aws["auth"]["jwt"]["serviceAccountRef"]["audiences"] = json!(["another"]);
    let mut client = account.client(&account.store(aws)).await.ok().unwrap();
    // The audience of STS is always among them.
    assert_eq!(client.validate().await, Ok(Validation::Ready));
    assert_eq!(account.asked().len(), 1);

    let accounts: kube::Api<k8s_openapi::api::core::v1::ServiceAccount> =
        kube::Api::namespaced(account.kube.clone(), "ns");
    let patch = json!({"metadata": {"annotations": {"eks.amazonaws.com/audience": "elsewhere"}}});
    let params = kube::api::PatchParams::default();
    accounts
        .patch("reader", &params, &kube::api::Patch::Merge(patch))
        .await
        .unwrap();
    let mut client = account.irsa().await;
    assert_eq!(
        words(client.validate().await),
        "failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, exceeded maximum number of attempts, 3, https response error StatusCode: 400, RequestID: , InvalidIdentityToken: Incorrect token audience"
    );
    assert_eq!(account.asked().len(), 4);
}

fn with_role(user: &str) -> serde_json::Value {
    let mut aws = static_keys(user);
    aws["role"] = ROLE.into();
    aws["externalID"] = "id".into();
    aws["sessionTags"] = json!([{"key": "team", "value": "ml"}]);
    aws
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_anew_for_every_request() {
    let account = Account::open().await;
    account.put("prod/a", "x").await;
    account.put("prod/b", "y").await;
    let store = account.store(with_role("assumer"));
    let mut client = account.client(&store).await.ok().unwrap();
    assert_eq!(client.validate().await, Ok(Validation::Ready));
    assert_eq!(text(client.get_secret(&remote("prod/a")).await), "x");
    assert_eq!(text(client.get_secret(&remote("prod/b")).await), "y");
    assert_eq!(
        account.asked(),
        [
            "AssumeRole",
            "AssumeRole",
            "GetSecretValue",
            "AssumeRole",
            "GetSecretValue"
        ]
    );
    let entry = account.gateway.journal().entries().pop().unwrap();
    let identity = entry.identity.as_deref().unwrap();
    assert!(
        identity.starts_with("arn:aws:sts::123456789012:assumed-role/eso/aws-go-sdk-"),
        "{identity}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_be_assumed_is_said_in_awss_words() {
    let account = Account::open().await;
    let store = account.store(with_role("reader"));
    let mut client = account.client(&store).await.ok().unwrap();
    let denied = format!(
        "operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: , api error AccessDenied: User: arn:aws:iam::123456789012:user/reader is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    );
    assert_eq!(words(client.validate().await), denied);
    assert_eq!(
        words(client.get_secret(&remote("prod/a")).await),
        format!(
            "operation error Secrets Manager: GetSecretValue, get identity: get credentials: {denied}"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_store_whose_references_are_its_users_is_valid_without_a_question() {
    let account = Account::open().await;
    let mut store = account.store(irsa("reader"));
    store.kind = StoreKind::ClusterSecretStore;
    store.namespace = String::new();
    let mut client = account.client(&store).await.ok().unwrap();
    assert_eq!(client.validate().await, Ok(Validation::Ready));
    assert!(account.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_without_credentials_or_of_another_service_or_region_says_so() {
    let account = Account::open().await;
    let mut client = account
        .client(&account.store(json!({})))
        .await
        .ok()
        .unwrap();
    let none = words(client.validate().await);
    assert!(
        none.starts_with("failed to refresh cached credentials, no EC2 IMDS role found"),
        "{none}"
    );
    let mut aws = static_keys("reader");
    aws["region"] = "eu-west-1".into();
    let mut client = account.client(&account.store(aws)).await.ok().unwrap();
    let elsewhere = words(client.get_secret(&remote("prod/a")).await);
    let expected = "operation error Secrets Manager: GetSecretValue, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Post \"https://secretsmanager.eu-west-1.amazonaws.com/\": ";
    assert!(elsewhere.starts_with(expected), "{elsewhere}");
}
