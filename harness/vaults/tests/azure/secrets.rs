//! The secrets' operations, their paging, their refusals.

use http::{Method, Request, header};
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{HOST, Lab};

#[tokio::test(start_paused = true)]
async fn the_newest_version_is_read_and_an_older_one_by_its_id() {
    let lab = Lab::new();
    let token = lab.administrator().await;
    let first = lab.set(&token, "db-host", "one").await.version();
    let second = lab.set(&token, "DB-HOST", "two").await.version();
    let read = lab.get(&token, "/secrets/db-host/").await;
    assert_eq!(read.body["value"], "two");
    assert_eq!(read.version(), second);
    let served = lab.journal.last();
    assert_eq!(served.operation, "SecretGet");
    assert_eq!(served.versions[0].version, second);
    assert_eq!(served.versions[0].value, lab.fingerprinter.of(b"two"));
    let read = lab.get(&token, &format!("/secrets/db-host/{first}")).await;
    assert_eq!(read.body["value"], "one");
    assert_eq!(first.len(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_newest_version_is_refused_and_no_older_one_takes_its_place() {
    let lab = Lab::new();
    let token = lab.administrator().await;
    lab.set(&token, "x", "one").await;
    let path = format!("/secrets/x/{}", lab.set(&token, "x", "two").await.version());
    let switch = |enabled: bool| json!({"attributes": {"enabled": enabled}});
    lab.vault(&token, Method::PATCH, &path, switch(false)).await;
    assert_eq!(
        lab.get(&token, "/secrets/x/").await.refusal(),
        "403 SecretDisabled"
    );
    assert!(lab.journal.last().versions.is_empty());
    lab.vault(&token, Method::PATCH, &path, switch(true)).await;
    assert_eq!(lab.get(&token, "/secrets/x/").await.body["value"], "two");
}

#[tokio::test(start_paused = true)]
async fn a_version_outside_its_times_is_read_all_the_same() {
    let lab = Lab::new();
    let token = lab.administrator().await;
    let body = json!({"value": "v", "attributes": {"nbf": 4_000_000_000_i64, "exp": 1}});
    lab.vault(&token, Method::PUT, "/secrets/x", body).await;
    let read = lab.get(&token, "/secrets/x/").await;
    assert_eq!(
        (read.status, &read.body["attributes"]["exp"]),
        (200, &json!(1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_deleted_secret_is_recovered_purged_or_forgotten_after_ninety_days() {
    let lab = Lab::new();
    let token = lab.administrator().await;
    for name in ["recovered", "purged", "forgotten"] {
        lab.set(&token, name, "v").await;
        let path = format!("/secrets/{name}");
        let gone = lab.vault(&token, Method::DELETE, &path, Value::Null).await;
        assert_eq!(
            gone.body["recoveryId"],
            format!("https://{HOST}/deletedsecrets/{name}")
        );
        assert_eq!(
            lab.get(&token, &format!("{path}/")).await.refusal(),
            "404 SecretNotFound"
        );
        let again = lab.set(&token, name, "w").await;
        assert_eq!(again.refusal(), "409 ObjectIsDeletedButRecoverable");
    }
    let recover = "/deletedsecrets/recovered/recover";
    lab.vault(&token, Method::POST, recover, Value::Null).await;
    assert_eq!(
        lab.get(&token, "/secrets/recovered/").await.body["value"],
        "v"
    );
    let purged = lab
        .vault(
            &token,
            Method::DELETE,
            "/deletedsecrets/purged",
            Value::Null,
        )
        .await;
    assert_eq!(purged.status, 204);
    assert_eq!(lab.set(&token, "purged", "w").await.status, 200);
    tokio::time::advance(std::time::Duration::from_secs(90 * 24 * 3600)).await;
    let token = lab.administrator().await;
    assert_eq!(lab.set(&token, "forgotten", "w").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_followed_link_by_link_and_shows_no_value() {
    let lab = Lab::new();
    let token = lab.administrator().await;
    for number in 0..7 {
        lab.set(&token, &format!("s-{number}"), "hidden").await;
    }
    let mut path = "/secrets?maxresults=3".to_owned();
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        let page = lab.get(&token, &path).await.body;
        assert!(!page.to_string().contains("hidden"));
        for item in page["value"].as_array().unwrap() {
            names.push(
                item["id"]
                    .as_str()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap()
                    .to_owned(),
            );
        }
        pages += 1;
        let Some(next) = page["nextLink"].as_str() else {
            break;
        };
        let (_, rest) = next.split_once(HOST).unwrap();
        path = rest.replace("api-version=7.6&", "");
    }
    let expected: Vec<String> = (0..7).map(|number| format!("s-{number}")).collect();
    assert_eq!((names, pages), (expected, 3));
}

#[tokio::test(start_paused = true)]
async fn a_backup_comes_back_with_its_versions_and_hides_its_values() {
    let lab = Lab::new();
    let token = lab.administrator().await;
    let first = lab.set(&token, "x", "one").await.version();
    lab.set(&token, "x", "two").await;
    let backup = lab
        .vault(&token, Method::POST, "/secrets/x/backup", Value::Null)
        .await
        .body;
    let restore = |body: Value| lab.vault(&token, Method::POST, "/secrets/restore", body);
    assert_eq!(restore(backup.clone()).await.refusal(), "409 Conflict");
    lab.vault(&token, Method::DELETE, "/secrets/x", Value::Null)
        .await;
    lab.vault(&token, Method::DELETE, "/deletedsecrets/x", Value::Null)
        .await;
    assert_eq!(restore(backup).await.status, 200);
    let read = lab.get(&token, &format!("/secrets/x/{first}")).await;
    assert_eq!(read.body["value"], "one");
    let garbage = json!({"value": "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    assert_eq!(restore(garbage).await.refusal(), "400 BadParameter");
}

#[rstest]
#[case(Method::GET, "/nope", "404 NotFound")]
#[case(Method::GET, "/secrets/a/b/c/d", "404 NotFound")]
#[case(Method::POST, "/secrets/a", "405 MethodNotAllowed")]
#[case(Method::PUT, "/deletedsecrets/a", "405 MethodNotAllowed")]
#[case(Method::GET, "/secrets/no_name/", "400 BadParameter")]
#[case(Method::GET, "/secrets?maxresults=26", "400 BadParameter")]
#[case(Method::GET, "/secrets?$skiptoken=!", "400 BadParameter")]
#[case(Method::PUT, "/secrets/a", "400 BadParameter")]
#[case(Method::GET, "/keys/a", "404 KeyNotFound")]
#[case(Method::GET, "/certificates/a/b", "404 CertificateNotFound")]
#[tokio::test(start_paused = true)]
async fn what_the_vault_has_not_is_refused_in_its_own_way(
    #[case] method: Method,
    #[case] path: &str,
    #[case] expected: &str,
) {
    let lab = Lab::new();
    let token = lab.administrator().await;
    let answer = lab.vault(&token, method, path, Value::Null).await;
    assert_eq!(answer.refusal(), expected);
    assert!(answer.body["error"]["message"].is_string());
    assert_eq!(lab.journal.len(), 2);
}

#[rstest]
#[case("", "api-version must be specified")]
#[case("?api-version=", "api-version must be specified")]
#[case("?api-version=nope", "The specified version (nope) is not recognized.")]
#[case("?api-version=7.x", "The specified version (7.x) is not recognized.")]
#[tokio::test(start_paused = true)]
async fn a_version_of_the_api_that_cannot_be_is_refused(#[case] query: &str, #[case] words: &str) {
    let lab = Lab::new();
    let token = lab.administrator().await;
    let request = Request::get(format!("/secrets{query}"))
        .header(header::HOST, HOST)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(bytes::Bytes::new());
    let answer = lab.send(request.unwrap()).await;
    assert_eq!(answer.refusal(), "400 BadParameter");
    let message = answer.body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with(words), "{message}");
}
