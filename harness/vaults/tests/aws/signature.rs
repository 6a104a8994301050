//! A request signed by AWS's own signer, and everything that may be changed in it.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use rotaproof_vaults::Vault;
use rotaproof_vaults::aws::Credentials;
use rstest::rstest;
use serde_json::Value;

use crate::lab::{Lab, ROLE, element, static_key, text};
use crate::sign::sign;

async fn get(lab: &Lab) -> Request<Bytes> {
    let sdk = lab.administrator();
    sdk.create_secret()
        .name("prod/a")
        .secret_string("x")
        .send()
        .await
        .unwrap();
    signed(lab, &lab.vault.administrator())
}

fn signed(lab: &Lab, credentials: &Credentials) -> Request<Bytes> {
    let request = Request::post("http://secretsmanager.us-east-1.amazonaws.com/")
        .header("host", "secretsmanager.us-east-1.amazonaws.com")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .body(Bytes::from_static(br#"{"SecretId":"prod/a"}"#))
        .unwrap();
    sign(
        request,
        "us-east-1",
        "secretsmanager",
        credentials,
        lab.clock.now(),
    )
}

async fn send(lab: &Lab, request: Request<Bytes>) -> (u16, Value, Option<String>) {
    let response = lab.client.send(request).await.unwrap();
    let kind = response
        .headers()
        .get("x-amzn-errortype")
        .map(|v| v.to_str().unwrap().to_owned());
    assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
    let (status, body) = text(response);
    (
        status,
        serde_json::from_str(&body).unwrap_or(Value::Null),
        kind,
    )
}

#[tokio::test(start_paused = true)]
async fn a_request_signed_by_awss_signer_is_served() {
    let lab = Lab::new();
    let request = get(&lab).await;
    let (status, body, _) = send(&lab, request).await;
    assert_eq!((status, &body["SecretString"]), (200, &Value::from("x")));
}

#[rstest]
#[case::target(
    "x-amz-target",
    "secretsmanager.DescribeSecret",
    "InvalidSignatureException"
)]
#[case::content_type("content-type", "application/json", "InvalidSignatureException")]
#[case::date("x-amz-date", "20251108T000001Z", "InvalidSignatureException")]
#[case::old_date("x-amz-date", "20251107T234459Z", "InvalidSignatureException")]
#[case::no_date("x-amz-date", "", "IncompleteSignatureException")]
#[case::garbage_date("x-amz-date", "yesterday", "IncompleteSignatureException")]
#[case::host(
    "host",
    "secretsmanager.eu-west-1.amazonaws.com",
    "InvalidSignatureException"
)]
#[case::unsigned_amz_header("x-amz-extra", "1", "InvalidSignatureException")]
#[case::session_token("x-amz-security-token", "x", "UnrecognizedClientException")]
#[case::no_authorization("authorization", "", "MissingAuthenticationTokenException")]
#[case::garbage_authorization(
    "authorization",
    "AWS4-HMAC-SHA256 x",
    "IncompleteSignatureException"
)]
#[case::bearer("authorization", "Bearer x", "IncompleteSignatureException")]
#[tokio::test(start_paused = true)]
async fn a_changed_header_is_refused(#[case] name: &str, #[case] value: &str, #[case] code: &str) {
    let lab = Lab::new();
    let mut request = get(&lab).await;
    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
    if value.is_empty() {
        request.headers_mut().remove(&name);
    } else {
        request
            .headers_mut()
            .insert(&name, HeaderValue::from_str(value).unwrap());
    }
    let before = lab.journal.len();
    let (status, body, kind) = send(&lab, request).await;
    assert_eq!(
        (status, body["__type"].as_str(), kind.as_deref()),
        (400, Some(code), Some(code)),
        "{body}"
    );
    assert_eq!(lab.journal.len(), before + 1);
    assert_eq!(lab.journal.last().identity, None);
    assert_eq!(lab.journal.last().refusal.as_deref(), Some(code));
    assert_eq!(lab.journal.last().secret.as_deref(), Some("prod/a"));
}

#[tokio::test(start_paused = true)]
async fn a_changed_body_path_query_or_method_is_refused() {
    let lab = Lab::new();
    let request = get(&lab).await;
    let changes: [fn(&mut Request<Bytes>); 4] = [
        |r| *r.body_mut() = Bytes::from_static(br#"{"SecretId":"prod/b"}"#),
        |r| {
            *r.uri_mut() = "http://secretsmanager.us-east-1.amazonaws.com/x"
                .parse()
                .unwrap()
        },
        |r| {
            *r.uri_mut() = "http://secretsmanager.us-east-1.amazonaws.com/?x=1"
                .parse()
                .unwrap()
        },
        |r| *r.method_mut() = http::Method::PUT,
    ];
    for change in changes {
        let mut changed = request.clone();
        change(&mut changed);
        let (status, body, _) = send(&lab, changed).await;
        assert_eq!(
            (status, &body["__type"]),
            (400, &Value::from("InvalidSignatureException"))
        );
    }
    assert_eq!(send(&lab, request).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_and_an_unknown_key_are_told_apart() {
    let lab = Lab::new();
    let wrong = signed(&lab, &static_key("someone", "AKIAREADERREADERREAD"));
    assert_eq!(
        send(&lab, wrong).await.1["__type"],
        "InvalidSignatureException"
    );
    let unknown = signed(&lab, &static_key("someone", "AKIAUNKNOWNUNKNOWNUN"));
    let (_, body, _) = send(&lab, unknown).await;
    assert_eq!(body["__type"], "UnrecognizedClientException");
    assert_eq!(
        body["message"],
        "The security token included in the request is invalid."
    );
}

#[tokio::test(start_paused = true)]
async fn a_signature_is_good_for_fifteen_minutes() {
    let lab = Lab::new();
    let request = get(&lab).await;
    tokio::time::sleep(std::time::Duration::from_secs(900)).await;
    assert_eq!(send(&lab, request.clone()).await.0, 200);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let (_, body, _) = send(&lab, request).await;
    let message = body["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Signature expired: 20251108T000000Z is now earlier than 20251108T000001Z"
        ),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn unknown_operations_routes_and_bodies_are_answered_as_aws_does() {
    let lab = Lab::new();
    let admin = lab.vault.administrator();
    let post = |target: &'static str, body: &'static str| {
        let request = Request::post("http://secretsmanager.us-east-1.amazonaws.com/")
            .header("host", "secretsmanager.us-east-1.amazonaws.com")
            .header("x-amz-target", target)
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        sign(
            request,
            "us-east-1",
            "secretsmanager",
            &admin,
            lab.clock.now(),
        )
    };
    for (target, body, code) in [
        ("secretsmanager.Nothing", "{}", "UnknownOperationException"),
        (
            "secretsmanager.GetSecretValue",
            "{",
            "SerializationException",
        ),
        (
            "secretsmanager.GetSecretValue",
            r#"{"SecretId":1}"#,
            "SerializationException",
        ),
        ("secretsmanager.GetSecretValue", "{}", "ValidationException"),
        (
            "secretsmanager.GetSecretValue",
            r#"{"SecretId":""}"#,
            "ValidationException",
        ),
        (
            "secretsmanager.PutSecretValue",
            r#"{"SecretId":"a"}"#,
            "ResourceNotFoundException",
        ),
        (
            "secretsmanager.CreateSecret",
            r#"{"Name":"a","SecretString":"x"}"#,
            "InvalidRequestException",
        ),
    ] {
        let (status, answer, _) = send(&lab, post(target, body)).await;
        assert_eq!(
            (status, answer["__type"].as_str()),
            (400, Some(code)),
            "{target} {body}"
        );
    }
    let bare = Request::get("http://secretsmanager.us-east-1.amazonaws.com/")
        .body(Bytes::new())
        .unwrap();
    let (status, body) = text(lab.client.send(bare).await.unwrap());
    assert_eq!((status, body.trim()), (404, "<UnknownOperationException/>"));
}

#[tokio::test(start_paused = true)]
async fn signed_sts_requests_are_answered_by_who_signed_them() {
    let lab = Lab::new();
    let call = async |credentials: &Credentials, form: &'static str| {
        let request = Request::post("http://sts.us-east-1.amazonaws.com/")
            .header("host", "sts.us-east-1.amazonaws.com")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(form.as_bytes()))
            .unwrap();
        let request = sign(request, "us-east-1", "sts", credentials, lab.clock.now());
        text(lab.client.send(request).await.unwrap())
    };
    let nobody = static_key("nobody", "AKIANOBODYNOBODYNOBO");
    let assumer = static_key("assumer", "AKIAASSUMERASSUMERAS");
    let who = "Action=GetCallerIdentity&Version=2011-06-15";
    let (status, xml) = call(&nobody, who).await;
    assert_eq!(
        (status, element(&xml, "Arn").as_str()),
        (200, "arn:aws:iam::123456789012:user/nobody")
    );
    let assume = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Feso&DurationSeconds=900";
    let (status, xml) = call(&nobody, assume).await;
    assert_eq!(status, 403);
    assert_eq!(
        element(&xml, "Message"),
        format!(
            "User: arn:aws:iam::123456789012:user/nobody is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
        )
    );
    let (status, xml) = call(&assumer, assume).await;
    assert_eq!(status, 200, "{xml}");
    assert_eq!(element(&xml, "Expiration"), "2025-11-08T00:15:00Z");
    assert_eq!(
        element(&xml, "Arn"),
        "arn:aws:sts::123456789012:assumed-role/eso/me"
    );
    let wrong = static_key("x", "AKIANOBODYNOBODYNOBO");
    let (status, xml) = call(&wrong, who).await;
    assert_eq!(
        (status, element(&xml, "Code").as_str()),
        (403, "SignatureDoesNotMatch")
    );
    let unknown = static_key("x", "AKIAUNKNOWNUNKNOWNUN");
    let (status, xml) = call(&unknown, who).await;
    assert_eq!(
        (status, element(&xml, "Code").as_str()),
        (403, "InvalidClientTokenId")
    );
}

#[test]
fn the_vault_claims_the_hosts_of_its_region_only() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let lab = runtime.block_on(async { Lab::new() });
    let hosts = lab.vault.hosts();
    let claims = |host: &str| hosts.iter().any(|pattern| pattern.matches(host));
    for host in [
        "secretsmanager.us-east-1.amazonaws.com",
        "sts.us-east-1.amazonaws.com",
        "sts.amazonaws.com",
    ] {
        assert!(claims(host), "{host}");
    }
    for host in [
        "secretsmanager.eu-west-1.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "secretsmanager.us-east-1.amazonaws.com.example",
    ] {
        assert!(!claims(host), "{host}");
    }
}
