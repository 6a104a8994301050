//! Routes, verbs and ids.

use proptest::prelude::*;
use rotaproof_vaults::Vault;
use rstest::rstest;
use serde_json::Value;

use crate::lab::Lab;

#[rstest]
#[case("GET", "/", 404)]
#[case("GET", "/v2/vaults", 404)]
#[case("GET", "/v1/items", 404)]
#[case("GET", "/v1/vaults/a/items/b/files/c/content/d", 404)]
#[case("POST", "/v1/vaults", 405)]
#[case("DELETE", "/v1/vaults/a", 405)]
#[case("PUT", "/v1/vaults/a/items", 405)]
#[case("POST", "/v1/vaults/a/items/b", 405)]
#[case("POST", "/v1/vaults/a/items/b/files", 405)]
#[case("POST", "/heartbeat", 405)]
#[tokio::test(start_paused = true)]
async fn unknown_routes_and_verbs_are_refused_in_connects_form(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: u16,
) {
    let lab = Lab::new();
    let answer = lab.call(method, path, Value::Null).await;
    let message = if status == 404 {
        "Not Found"
    } else {
        "Method Not Allowed"
    };
    assert_eq!(answer.error(), (status, message.to_owned()));
    assert_eq!(lab.last().operation, "unknown");
}

#[rstest]
#[case("/v1/vaults/production", "Invalid Vault UUID")]
#[case("/v1/vaults/ABCDEFGHIJKLMNOPQRSTUVWXYZ/items", "Invalid Vault UUID")]
#[case("/v1/vaults/{vault}/items/git", "Invalid Item UUID")]
#[case("/v1/vaults/{vault}/items/{vault}/files/a", "Invalid File UUID")]
#[tokio::test(start_paused = true)]
async fn an_id_of_another_form_is_a_bad_request(#[case] path: &str, #[case] message: &str) {
    let lab = Lab::new();
    let path = path.replace("{vault}", &lab.vault("production").await);
    let answer = lab.call("GET", &path, Value::Null).await;
    assert_eq!(answer.error(), (400, message.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn health_is_told_to_anybody() {
    let lab = Lab::new();
    let answer = lab.send("GET", "/heartbeat", "", "").await;
    assert_eq!((answer.status, &answer.bytes[..]), (200, &b"."[..]));
    let answer = lab.send("GET", "/health", "", "").await;
    let health = answer.json();
    assert_eq!(health["name"], "1Password Connect API");
    assert_eq!(
        answer.headers["1password-connect-version"],
        health["version"].as_str().unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_is_described_as_it_is_then_recorded() {
    let lab = Lab::new();
    let (path, item) = lab.login("git", "p1").await;
    let (collection, _) = path.rsplit_once('/').unwrap();
    let by_title = format!("{collection}?filter=title+eq+%22git%22");
    for (method, path, body) in [
        ("GET", path.as_str(), Value::Null),
        ("GET", &by_title, Value::Null),
        ("GET", "/v1/vaults", Value::Null),
        ("POST", collection, item),
    ] {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.body(body.to_string().into()).unwrap();
        let (operation, secret) = lab.connect.describe(&request);
        lab.call(method, path, body).await;
        let recorded = lab.last();
        assert_eq!((operation, secret), (recorded.operation, recorded.secret));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_path_and_no_body_is_a_panic(segments in prop::collection::vec("[a-z0-9/~%.]{0,30}", 0..8), body in any::<Vec<u8>>()) {
        let lab = Lab::new();
        let path = format!("/v1/vaults/{}", segments.join("/")).replace('%', "%25");
        let header = format!("Bearer {}", lab.connect.administrator().expose_str().unwrap());
        futures::executor::block_on(async {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                let answer = lab.send(method, &path, &header, body.clone()).await;
                assert!(answer.status < 500);
            }
        });
        prop_assert_eq!(lab.count(), 5);
    }

    #[test]
    fn no_patch_is_a_panic(op in "add|remove|replace", path in "/(fields|tags|sections|urls|title|vault)(/[a-z0-9~-]{0,4}){0,3}", value in "null|1|\"x\"|\\[\\]|\\{\\}") {
        let lab = Lab::new();
        futures::executor::block_on(async {
            let (item, _) = lab.login("git", "p1").await;
            let patch = format!(r#"[{{"op":"{op}","path":"{path}","value":{value}}}]"#);
            let patch: Value = serde_json::from_str(&patch).unwrap();
            let answer = lab.call("PATCH", &item, patch).await;
            assert!([200, 400].contains(&answer.status));
            assert_eq!(lab.call("GET", &item, Value::Null).await.status, 200);
        });
    }
}
