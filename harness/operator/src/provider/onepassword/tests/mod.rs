//! The provider against the built-in Connect server: what goes over the wire, and what comes of it.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests

mod world;

use std::time::Duration;

use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::Find;
use rotaproof_vaults::{Content, Removal, Strategy, Writer};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::Validation;
use super::wire;
use world::{Reply, World, remote};

fn content(fields: &[(&str, &str)]) -> Content {
    let fields = fields.iter();
    let fields = fields.map(|(label, value)| ((*label).to_owned(), SecretValue::new(*value)));
    Content::Fields(fields.collect())
}

/// A world with an item in each vault, and one title that is in both.
async fn filled(world: World) -> World {
    let git = content(&[("username", "u"), ("password", "p1"), ("a.b", "dotted")]);
    world.writer.create("production/git", &git).await.unwrap();
    for (name, value) in [
        ("production/both", "first"),
        ("shared/both", "second"),
        ("shared/only", "shared"),
    ] {
        let plain = content(&[("password", value)]);
        world.writer.create(name, &plain).await.unwrap();
    }
    world
}

const BY_NAME: &str = "GET /v1/vaults?filter=title+eq+%22production%22";
const BY_TITLE: &str = "GET /v1/vaults/ID/items?filter=title+eq+%22git%22";
const ITEM: &str = "GET /v1/vaults/ID/items/ID";

#[tokio::test(start_paused = true)]
async fn one_value_costs_four_requests() {
    let world = filled(World::new()).await;
    let read = world.read("git", json!({"property": "username"})).await;
    assert_eq!(read.as_deref(), Ok("u"));
    assert_eq!(world.lines(), [BY_NAME, BY_TITLE, ITEM, ITEM]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_is_seen_by_the_next_read_of_the_same_client() {
    let world = filled(World::new()).await;
    let mut client = world.client().await.unwrap();
    let git = remote("git", json!({}));
    assert_eq!(client.get_secret(&git).await.unwrap().expose(), b"p1");
    let next = content(&[("username", "u"), ("password", "p2")]);
    let rotated = world
        .writer
        .rotate("production/git", &next, None, Strategy::Put);
    rotated.await.unwrap();
    assert_eq!(client.get_secret(&git).await.unwrap().expose(), b"p2");
}

#[rstest]
#[case::the_password_unless_it_says_otherwise("git", json!({}), "p1")]
#[case::a_label("git", json!({"property": "username"}), "u")]
#[case::a_label_is_no_path("git", json!({"property": "a.b"}), "dotted")]
#[case::a_field_by_its_prefix("git", json!({"property": "field/username"}), "u")]
#[case::a_documents_only_file("ca", json!({}), "-----BEGIN-----")]
#[case::a_file_by_its_name("ca", json!({"property": "ca.pem"}), "-----BEGIN-----")]
#[case::a_file_by_its_prefix("ca", json!({"property": "file/ca.pem"}), "-----BEGIN-----")]
#[case::the_first_vault_that_has_it("both", json!({}), "first")]
#[case::a_later_vault("only", json!({}), "shared")]
#[tokio::test(start_paused = true)]
async fn a_property_is_a_label_or_the_name_of_a_file(
    #[case] key: &str,
    #[case] more: Value,
    #[case] value: &str,
) {
    let world = filled(World::new()).await;
    assert_eq!(world.read(key, more).await.as_deref(), Ok(value));
}

#[rstest]
#[case::item("nope", json!({}), "key not found in 1Password Vaults: nope in: map[production:1 shared:2]")]
#[case::field("git", json!({"property": "nope"}), "expected one 1Password ItemField matching: 'nope' in 'git', got 0")]
#[case::file("git", json!({"property": "file/nope"}), "error finding 1Password Document: 'git', 'nope'")]
#[case::no_file("ca", json!({"property": "field/password"}), "expected one 1Password ItemField matching: 'password' in 'ca', got 0")]
#[case::version("git", json!({"version": "1"}), "'remoteRef.version' is not implemented in the 1Password provider")]
#[case::quote("a\"b", json!({}), "error finding 1Password Item: status 400: Invalid filter: the value is not a string")]
#[case::uuid("4e9f2c4e-6f0b-4e9a-8f0e-1f8d9d0f1c2b", json!({}), "Found 0 item(s) in vault \"ID\" with title \"4e9f2c4e-6f0b-4e9a-8f0e-1f8d9d0f1c2b\"")]
#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_an_error_in_esos_words(
    #[case] key: &str,
    #[case] more: Value,
    #[case] message: &str,
) {
    let world = filled(World::new()).await;
    let error = world.read(key, more).await.unwrap_err();
    let id = regex::Regex::new("\"[a-z2-7]{26}\"").unwrap();
    assert_eq!(id.replace(&error, "\"ID\""), message);
}

#[tokio::test(start_paused = true)]
async fn a_missing_item_is_no_missing_secret() {
    let world = filled(World::new()).await;
    let removed = world.writer.remove("production/git", Removal::Forced);
    removed.await.unwrap();
    let mut client = world.client().await.unwrap();
    let error = client.get_secret(&remote("git", json!({}))).await;
    assert!(matches!(error, Err(super::super::ProviderError::Other(_))));
}

#[tokio::test(start_paused = true)]
async fn two_vaults_under_one_name_or_none_are_an_error() {
    let world = World::with(json!({"nope": 1}), |_| None);
    let error = world.read("git", json!({})).await.unwrap_err();
    assert_eq!(
        error,
        "error finding 1Password Vault: Found 0 vaults with title \"nope\""
    );
}

#[rstest]
#[case::all_fields("git", json!({}), &[("a.b", "dotted"), ("notesPlain", ""), ("password", "p1"), ("username", "u")])]
#[case::one_field("git", json!({"property": "username"}), &[("username", "u")])]
#[case::all_files("ca", json!({}), &[("ca.pem", "-----BEGIN-----")])]
#[case::no_such_field("git", json!({"property": "nope"}), &[])]
#[tokio::test(start_paused = true)]
async fn extracting_takes_fields_or_files_under_their_names(
    #[case] key: &str,
    #[case] more: Value,
    #[case] expected: &[(&str, &str)],
) {
    let world = filled(World::new()).await;
    let mut client = world.client().await.unwrap();
    let map = client.get_secret_map(&remote(key, more)).await.unwrap();
    let map: Vec<_> = map
        .iter()
        .map(|(k, v)| (k.as_str(), v.expose_str().unwrap()))
        .collect();
    assert_eq!(map, expected);
}

#[rstest]
#[case::by_label(json!({"name": {"regexp": "^user"}}), &[("username", "u")])]
#[case::the_first_vault_wins(json!({"name": {"regexp": "^password$"}}), &[("password", "p1")])]
#[case::of_one_item(json!({"path": "only"}), &[("notesPlain", ""), ("password", "shared")])]
#[case::by_tags(json!({"tags": {"ci": ""}}), &[("notesPlain", ""), ("password", "first")])]
#[case::by_no_such_tag(json!({"tags": {"cd": ""}}), &[])]
#[tokio::test(start_paused = true)]
async fn finding_collects_fields_by_their_labels(
    #[case] find: Value,
    #[case] expected: &[(&str, &str)],
) {
    let world = filled(World::new()).await;
    world.tag("production/both", &["ci"]).await;
    world.tag("shared/only", &["ci"]).await;
    let find: Find = serde_json::from_value(find).unwrap();
    let mut client = world.client().await.unwrap();
    let found = client.get_all_secrets(&find).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|(k, v)| (k.as_str(), v.expose_str().unwrap()))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test(start_paused = true)]
async fn a_store_is_valid_where_every_vault_is_found() {
    let world = World::new();
    let mut client = world.client().await.unwrap();
    assert_eq!(client.validate().await, Ok(Validation::Ready));
    assert_eq!(world.lines().len(), 2);
    let world = World::new().bearing("scoped");
    let mut client = world.client().await.unwrap();
    let error = client.validate().await.unwrap_err().to_string();
    assert_eq!(error, "Found 0 vaults with title \"production\"");
}

#[rstest]
#[case::garbage(
    "garbage",
    "error finding 1Password Vault: status 401: Invalid bearer token"
)]
#[case::no_header(
    "a\nb",
    "error finding 1Password Vault: Get \"http://connect.example.com:8080/v1/vaults?filter=title+eq+%22production%22\": net/http: invalid header field value for \"Authorization\""
)]
#[tokio::test(start_paused = true)]
async fn a_token_that_is_none_is_refused(#[case] token: &str, #[case] message: &str) {
    let world = filled(World::new()).await.bearing(token);
    assert_eq!(world.read("git", json!({})).await.unwrap_err(), message);
}

#[tokio::test(start_paused = true)]
async fn a_store_without_its_secret_has_no_client() {
    let mut world = World::new();
    let mut spec = serde_json::to_value(&*world.store.spec).unwrap();
    spec["provider"]["onepassword"]["auth"]["secretRef"]["connectTokenSecretRef"]["name"] =
        json!("none");
    world.store.spec = std::sync::Arc::new(serde_json::from_value(spec).unwrap());
    let error = world.client().await.err().map(|error| error.to_string());
    let expected = "cannot get Kubernetes secret \"none\" from namespace \"eso\": \"it\" not found";
    assert_eq!(error.as_deref(), Some(expected));
}

const FORBIDDEN: &str =
    r#"{"status":403,"message":"Authorization: token does not have access to vault"}"#;

fn forbidden_twice(line: &str) -> Option<Reply> {
    line.contains("items?")
        .then_some(Reply::Times(2, 403, FORBIDDEN))
}

fn forbidden(line: &str) -> Option<Reply> {
    line.contains("items?")
        .then_some(Reply::Times(9, 403, FORBIDDEN))
}

#[tokio::test(start_paused = true)]
async fn a_spurious_403_is_tried_three_times() {
    let world = filled(World::with(json!({"production": 1}), forbidden_twice)).await;
    let start = Instant::now();
    assert_eq!(world.read("git", json!({})).await.as_deref(), Ok("p1"));
    let waited = start.elapsed();
    let (least, most) = (Duration::from_millis(600), Duration::from_millis(670));
    assert!(waited >= least && waited <= most, "{waited:?}");
    assert_eq!(
        world.lines(),
        [BY_NAME, BY_TITLE, BY_TITLE, BY_TITLE, ITEM, ITEM]
    );

    let world = filled(World::with(json!({"production": 1}), forbidden)).await;
    let error = world.read("git", json!({})).await.unwrap_err();
    let expected = "error finding 1Password Item: status 403: Authorization: token does not have access to vault";
    assert_eq!(error, expected);
    assert_eq!(world.lines().len(), 4);
}

fn without_words(line: &str) -> Option<Reply> {
    line.contains("items?").then_some(Reply::Times(9, 403, ""))
}

fn html(line: &str) -> Option<Reply> {
    line.contains("items?")
        .then_some(Reply::Times(9, 502, "<html>hunter2"))
}

fn no_error(line: &str) -> Option<Reply> {
    line.contains("items?")
        .then_some(Reply::Times(9, 400, r#""hunter2""#))
}

fn no_list(line: &str) -> Option<Reply> {
    line.contains("items?")
        .then_some(Reply::Times(9, 200, r#"{"a":"hunter2"}"#))
}

fn null(line: &str) -> Option<Reply> {
    line.contains("items?")
        .then_some(Reply::Times(9, 200, "null"))
}

#[rstest]
#[case::empty(without_words, "error finding 1Password Item: status 403: Forbidden")]
#[case::html(html, "error finding 1Password Item: status 502: Bad Gateway")]
#[case::no_error(
    no_error,
    "error finding 1Password Item: decoding error response: json: cannot unmarshal the answer into the SDK's type"
)]
#[case::no_list(
    no_list,
    "error finding 1Password Item: decoding response: json: cannot unmarshal the answer into the SDK's type"
)]
#[case::null(null, "key not found in 1Password Vaults: git in: map[production:1]")]
#[tokio::test(start_paused = true)]
async fn what_is_no_answer_of_connect_is_told_once_and_never_quoted(
    #[case] in_stead: fn(&str) -> Option<Reply>,
    #[case] message: &str,
) {
    let world = filled(World::with(json!({"production": 1}), in_stead)).await;
    assert_eq!(world.read("git", json!({})).await.unwrap_err(), message);
    assert_eq!(world.lines().len(), 2);
}

fn hangs(line: &str) -> Option<Reply> {
    line.contains("items?").then_some(Reply::Hang)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_waited_for_without_end() {
    let world = filled(World::with(json!({"production": 1}), hangs)).await;
    let week = Duration::from_secs(7 * 24 * 3600);
    let read = tokio::time::timeout(week, world.read("git", json!({})));
    assert!(read.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_vault_may_be_named_by_its_id() {
    let world = filled(World::new()).await;
    world.read("git", json!({})).await.unwrap();
    let id = world.vault_id();
    let by_id = filled(World::with(json!({id: 1}), |_| None)).await;
    assert_eq!(by_id.read("git", json!({})).await.as_deref(), Ok("p1"));
    assert_eq!(by_id.lines(), ["GET /v1/vaults/ID", BY_TITLE, ITEM, ITEM]);
}

#[rstest]
#[case("4e9f2c4e-6f0b-4e9a-8f0e-1f8d9d0f1c2b", true)]
#[case("4E9F2C4E6F0B4E9A8F0E1F8D9D0F1C2B", true)]
#[case("4e9f2c4e-6f0b-4e9a-8f0e1f8d-9d0f1c2b", false)]
#[case("git", false)]
fn a_uuid_has_its_form(#[case] text: &str, #[case] is: bool) {
    assert_eq!(wire::is_uuid(text), is);
}
