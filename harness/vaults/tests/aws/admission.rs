//! The account's judgement alone: it admits what the whole vault would serve, and refuses in the same words.

use bytes::Bytes;
use http::Request;
use rotaproof_vaults::Vault;
use rotaproof_vaults::aws::{Admission, Credentials};
use rstest::rstest;

use crate::lab::{Journal, Lab, reader, static_key};
use crate::sign::sign;

fn signed(
    lab: &Lab,
    credentials: &Credentials,
    operation: &str,
    body: &'static str,
) -> Request<Bytes> {
    let request = Request::post("http://secretsmanager.us-east-1.amazonaws.com/")
        .header("host", "secretsmanager.us-east-1.amazonaws.com")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("secretsmanager.{operation}"))
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap();
    let (region, service) = ("us-east-1", "secretsmanager");
    sign(request, region, service, credentials, lab.clock.now())
}

fn nobody() -> Credentials {
    static_key("nobody", "AKIANOBODYNOBODYNOBO")
}

fn stranger() -> Credentials {
    static_key("stranger", "AKIASTRANGERSTRANGER")
}

const SECRET: &str = r#"{"SecretId":"prod/a"}"#;

#[tokio::test(start_paused = true)]
async fn a_caller_is_admitted_by_name_and_nothing_is_taken_down_yet() {
    let lab = Lab::new();
    let journal = Journal::default();
    let request = signed(&lab, &reader(), "GetSecretValue", SECRET);
    let Admission::Admitted(caller) = lab.vault.admit(&request, &journal).await else {
        panic!("refused: {:?}", journal.last());
    };
    assert_eq!(journal.len(), 0);
    assert_eq!(caller.operation, "GetSecretValue");
    assert_eq!(caller.secret.as_deref(), Some("prod/a"));
    assert_eq!(caller.identity(), "arn:aws:iam::123456789012:user/reader");
    assert!(caller.may_read(
        "arn:aws:secretsmanager:us-east-1:1:secret:prod/b-AbCdEf",
        "prod/b"
    ));
    assert!(!caller.may_read(
        "arn:aws:secretsmanager:us-east-1:1:secret:dev/b-AbCdEf",
        "dev/b"
    ));
}

#[rstest]
#[case::unknown_key(stranger(), "GetSecretValue", SECRET)]
#[case::nothing_allowed(nobody(), "GetSecretValue", SECRET)]
#[case::another_secret(reader(), "GetSecretValue", r#"{"SecretId":"dev/a"}"#)]
#[case::another_operation(reader(), "DeleteSecret", SECRET)]
#[case::no_secret_named(reader(), "ListSecrets", "{}")]
#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_one_that_the_whole_vault_gives(
    #[case] credentials: Credentials,
    #[case] operation: &str,
    #[case] body: &'static str,
) {
    let lab = Lab::new();
    let request = signed(&lab, &credentials, operation, body);
    let (judged, served) = (Journal::default(), Journal::default());
    let Admission::Answered(answer) = lab.vault.admit(&request, &judged).await else {
        panic!("admitted");
    };
    let whole = lab.vault.serve(request, &served).await;
    assert_eq!(answer.status(), whole.status());
    assert_eq!(
        answer.headers()["x-amzn-errortype"],
        whole.headers()["x-amzn-errortype"]
    );
    assert_eq!(judged.last(), served.last());
    assert_eq!(judged.len(), 1);
}
