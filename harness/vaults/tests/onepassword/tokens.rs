//! Who is let in, and to what.

use std::time::Duration;

use rotaproof_base::Entropy;
use rotaproof_vaults::onepassword::draw_token;
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{Lab, token};

#[rstest]
#[case::absent("", "Invalid bearer token")]
#[case::empty("Bearer ", "Invalid bearer token")]
#[case::another_scheme("Basic dXNlcjpwYXNz", "Invalid bearer token")]
#[case::garbage("Bearer hunter2", "Invalid bearer token")]
#[case::two_parts("Bearer e30.e30", "Invalid bearer token")]
#[case::no_signature("Bearer e30.e30.", "Invalid bearer token")]
#[case::no_json("Bearer aGk.aGk.aGk", "Invalid bearer token")]
#[case::another_issuer("Bearer e30.e30.aGk", "Invalid token signature")]
#[tokio::test(start_paused = true)]
async fn a_token_that_is_none_is_refused_everywhere(#[case] header: &str, #[case] message: &str) {
    let lab = Lab::new();
    let vault = lab.vault("production").await;
    for path in [
        "/v1/vaults",
        &format!("/v1/vaults/{vault}"),
        "/v1/vaults/nope/items",
    ] {
        let answer = lab.send("GET", path, header, "").await;
        assert_eq!(answer.error(), (401, message.to_owned()));
        assert_eq!(lab.last().identity, None);
        assert_eq!(lab.last().refusal.as_deref(), Some(message));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_server_has_no_valid_signature() {
    let lab = Lab::new();
    let other = draw_token(&Entropy::from_seed(8));
    let header = format!("Bearer {}", other.expose_str().unwrap());
    let answer = lab.send("GET", "/v1/vaults", &header, "").await;
    assert_eq!(answer.error(), (401, "Invalid token signature".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_with_its_life() {
    let lab = Lab::new();
    let status = async || {
        lab.by("short", "GET", "/v1/vaults", Value::Null)
            .await
            .status
    };
    tokio::time::advance(Duration::from_millis(59_999)).await;
    assert_eq!(status().await, 200);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(status().await, 401);
}

#[tokio::test(start_paused = true)]
async fn a_vault_out_of_scope_is_refused_whether_it_exists_or_not() {
    let lab = Lab::new();
    let staging = lab.vault("staging").await;
    let nowhere = "a".repeat(26);
    for vault in [&staging, &nowhere] {
        for path in [
            format!("/v1/vaults/{vault}"),
            format!("/v1/vaults/{vault}/items"),
        ] {
            let answer = lab.by("reader", "GET", &path, Value::Null).await;
            let message = "Authorization: token does not have access to vault";
            assert_eq!(answer.error(), (403, message.to_owned()));
            assert_eq!(lab.last().identity.as_deref(), Some("reader"));
        }
    }
    let answer = lab
        .call("GET", &format!("/v1/vaults/{nowhere}"), Value::Null)
        .await;
    assert_eq!(answer.error(), (404, format!("vault {nowhere} not found")));
}

#[rstest]
#[case("reader", "GET", 200)]
#[case("reader", "PUT", 403)]
#[case("reader", "PATCH", 403)]
#[case("reader", "DELETE", 403)]
#[case("writer", "GET", 403)]
#[case("writer", "PUT", 200)]
#[case::would_read_the_item("writer", "PATCH", 403)]
#[case("writer", "DELETE", 204)]
#[tokio::test(start_paused = true)]
async fn reading_and_writing_are_granted_apart(
    #[case] bearer: &str,
    #[case] method: &str,
    #[case] status: u16,
) {
    let lab = Lab::new();
    let (path, item) = lab.login("git", "p1").await;
    let body = if method == "PATCH" {
        json!([])
    } else {
        item.clone()
    };
    assert_eq!(lab.by(bearer, method, &path, body).await.status, status);
    if status == 403 {
        assert_eq!(lab.get(&path).await, item);
    }
}

#[tokio::test(start_paused = true)]
async fn no_refusal_repeats_a_token() {
    let lab = Lab::new();
    let staging = lab.vault("staging").await;
    let answer = lab
        .by(
            "reader",
            "GET",
            &format!("/v1/vaults/{staging}"),
            Value::Null,
        )
        .await;
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    assert!(!text.contains(&token("reader")));
}
