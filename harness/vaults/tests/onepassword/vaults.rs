//! Vaults: what is listed, to whom, by which filter.

use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{Lab, START};

#[tokio::test(start_paused = true)]
async fn a_vault_is_shown_with_its_versions_and_the_number_of_its_items() {
    let lab = Lab::new();
    lab.login("git", "p1").await;
    let id = lab.vault("production").await;
    assert!(
        id.len() == 26
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    );
    let expected = json!({
        "id": id, "name": "production", "attributeVersion": 1, "contentVersion": 3, "items": 2,
        "type": "USER_CREATED", "createdAt": START, "updatedAt": START,
    });
    assert_eq!(lab.get(&format!("/v1/vaults/{id}")).await, expected);
    assert_eq!(lab.last().operation, "GetVaultById");
}

#[rstest]
#[case::all("", &["production", "staging"])]
#[case::by_name("?filter=name%20eq%20%22staging%22", &["staging"])]
#[case::by_title_as_the_go_sdk_says("?filter=title+eq+%22production%22", &["production"])]
#[case::none("?filter=name+eq+%22Production%22", &[])]
#[tokio::test(start_paused = true)]
async fn vaults_are_listed_by_name(#[case] query: &str, #[case] names: &[&str]) {
    let lab = Lab::new();
    let found = lab.get(&format!("/v1/vaults{query}")).await;
    let found: Vec<&str> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|vault| vault["name"].as_str().unwrap())
        .collect();
    assert_eq!(found, names);
}

#[rstest]
#[case(
    "?filter=tag+eq+%22a%22",
    "Invalid filter: the attribute is not supported"
)]
#[case(
    "?filter=name+co+%22a%22",
    "Invalid filter: the operator is not supported"
)]
#[case(
    "?filter='",
    "Invalid filter: an attribute, an operator and a value are expected"
)]
#[tokio::test(start_paused = true)]
async fn a_filter_that_connect_cannot_read_is_a_bad_request(
    #[case] query: &str,
    #[case] message: &str,
) {
    let lab = Lab::new();
    let answer = lab
        .call("GET", &format!("/v1/vaults{query}"), Value::Null)
        .await;
    assert_eq!(answer.error(), (400, message.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_token_sees_the_vaults_of_its_scope_only() {
    let lab = Lab::new();
    let answer = lab.by("reader", "GET", "/v1/vaults", Value::Null).await;
    let vaults = answer.json();
    assert_eq!(vaults.as_array().unwrap().len(), 1);
    assert_eq!(vaults[0]["name"], "production");
    assert_eq!(lab.last().identity.as_deref(), Some("reader"));
}
