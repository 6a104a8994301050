//! A vault that throttles, fails or hangs: attempts, waits and words.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use rotaproof_gateway::FaultSpec;
use rotaproof_gateway::fault::{Fault, Hang, Refused, Status};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::account::{Account, irsa, remote, text, words};

fn throttled() -> Status {
    Status {
        body: Some((
            HeaderValue::from_static("application/x-amz-json-1.1"),
            r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.into(),
        )),
        ..Status::new(StatusCode::BAD_REQUEST)
    }
}

fn inject(account: &Account, operation: &str, first: Option<u32>, kind: impl Fault) {
    account.gateway.faults().inject(FaultSpec {
        name: "fault".into(),
        vault: "aws".into(),
        operation: Some(operation.into()),
        first,
        share: None,
        kind: Arc::new(kind),
    });
}

#[tokio::test(start_paused = true)]
async fn a_throttled_read_is_tried_three_times_and_then_says_so() {
    let account = Account::open().await;
    account.put("prod/a", "x").await;
    inject(&account, "GetSecretValue", None, throttled());
    let mut client = account.irsa().await;
    let begun = Instant::now();
    assert_eq!(
        words(client.get_secret(&remote("prod/a")).await),
        "operation error Secrets Manager: GetSecretValue, exceeded maximum number of attempts, 3, https response error StatusCode: 400, RequestID: , api error ThrottlingException: Rate exceeded"
    );
    assert!(begun.elapsed() <= Duration::from_secs(6));
    assert!(begun.elapsed() > Duration::ZERO);
    let reads = ["GetSecretValue"; 3];
    assert_eq!(account.asked()[1..], reads);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_throttled_twice_succeeds() {
    let account = Account::open().await;
    account.put("prod/a", "x").await;
    inject(&account, "GetSecretValue", Some(2), throttled());
    let mut client = account.irsa().await;
    assert_eq!(text(client.get_secret(&remote("prod/a")).await), "x");
    assert_eq!(account.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_stores_retry_settings_replace_attempts_and_waits() {
    let account = Account::open().await;
    account.put("prod/a", "x").await;
    inject(&account, "GetSecretValue", None, throttled());
    let settings = json!({"maxRetries": 5, "retryInterval": "10s"});
    let store = account.store_with(irsa("reader"), settings);
    let mut client = account.client(&store).await.ok().unwrap();
    let begun = Instant::now();
    let said = words(client.get_secret(&remote("prod/a")).await);
    assert!(
        said.contains("exceeded maximum number of attempts, 5, "),
        "{said}"
    );
    assert_eq!(begun.elapsed().as_secs(), 40);
    let store = account.store_with(irsa("reader"), json!({"retryInterval": "soon"}));
    let refused = words(account.client(&store).await);
    assert!(
        refused.starts_with("unable to initialize aws provider: time: invalid duration"),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_sts_is_asked_nine_times_since_both_calls_retry() {
    let account = Account::open().await;
    inject(
        &account,
        "AssumeRoleWithWebIdentity",
        None,
        Status::new(StatusCode::SERVICE_UNAVAILABLE),
    );
    let mut client = account.irsa().await;
    assert_eq!(
        words(client.get_secret(&remote("prod/a")).await),
        "operation error Secrets Manager: GetSecretValue, exceeded maximum number of attempts, 3, get identity: get credentials: failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, exceeded maximum number of attempts, 3, https response error StatusCode: 503, RequestID: , api error UnknownError: UnknownError"
    );
    assert_eq!(account.asked().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_json_is_said_without_being_shown() {
    let account = Account::open().await;
    let page = Status {
        body: Some((HeaderValue::from_static("text/html"), "<html>".into())),
        ..Status::new(StatusCode::FORBIDDEN)
    };
    inject(&account, "GetSecretValue", None, page);
    let mut client = account.irsa().await;
    assert_eq!(
        words(client.get_secret(&remote("prod/a")).await),
        "operation error Secrets Manager: GetSecretValue, https response error StatusCode: 403, RequestID: , deserialization failed, failed to decode response body, invalid character '<' looking for beginning of value"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_tried_three_times() {
    let account = Account::open().await;
    account.gateway.faults().inject(FaultSpec {
        name: "refused".into(),
        vault: "aws".into(),
        operation: None,
        first: None,
        share: None,
        kind: Arc::new(Refused),
    });
    let mut client = account
        .client(&account.store(crate::account::static_keys("reader")))
        .await
        .ok()
        .unwrap();
    let said = words(client.get_secret(&remote("prod/a")).await);
    assert!(said.contains("exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Post \"https://secretsmanager.us-east-1.amazonaws.com/\": "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_hangs_is_waited_for_without_end() {
    let account = Account::open().await;
    inject(&account, "GetSecretValue", None, Hang);
    let mut client = account.irsa().await;
    let key = remote("prod/a");
    let read = client.get_secret(&key);
    assert!(timeout(Duration::from_secs(24 * 3600), read).await.is_err());
}
