//! JSON Patch of items.

use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::Lab;

#[rstest]
#[case::a_value(json!([{"op": "replace", "path": "/fields/password/value", "value": "p2"}]), "/fields/1/value", json!("p2"))]
#[case::a_label(json!([{"op": "add", "path": "/fields/token/label", "value": "key"}]), "/fields/2/label", json!("key"))]
#[case::a_field(json!([{"op": "replace", "path": "/fields/token", "value": {"label": "key", "type": "string", "value": "k"}}]),
    "/fields/2", json!({"id": "token", "type": "STRING", "label": "key", "value": "k"}))]
#[case::a_field_less(json!([{"op": "remove", "path": "/fields/password"}]), "/fields/1/id", json!("token"))]
#[case::a_value_less(json!([{"op": "remove", "path": "/fields/password/value"}]), "/fields/1/value", json!(null))]
#[case::a_field_more(json!([{"op": "add", "path": "/fields", "value": {"id": "new", "type": "CONCEALED", "label": "new", "value": "n"}}]),
    "/fields/4/value", json!("n"))]
#[case::favorite(json!([{"op": "replace", "path": "/favorite", "value": true}]), "/favorite", json!(true))]
#[case::a_tag_less(json!([{"op": "remove", "path": "/tags/1"}]), "/tags", json!(["git"]))]
#[case::a_tag_more(json!([{"op": "add", "path": "/tags/0", "value": "new"}]), "/tags", json!(["new", "git", "ci"]))]
#[case::other_tags(json!([{"op": "replace", "path": "/tags", "value": ["one"]}]), "/tags", json!(["one"]))]
#[case::a_section(json!([{"op": "replace", "path": "/sections/extra/label", "value": "More"}]), "/sections/0/label", json!("More"))]
#[case::in_order(json!([{"op": "replace", "path": "/title", "value": "a"}, {"op": "replace", "path": "/title", "value": "b"}]), "/title", json!("b"))]
#[case::the_whole(json!([{"op": "replace", "path": "/", "value": {"title": "whole"}}]), "/tags", json!(null))]
#[tokio::test(start_paused = true)]
async fn a_patch_changes_what_it_names_and_makes_one_version(
    #[case] patch: Value,
    #[case] pointer: &str,
    #[case] expected: Value,
) {
    let lab = Lab::new();
    let (path, _) = lab.login("git", "p1").await;
    let answer = lab.call("PATCH", &path, patch).await;
    assert_eq!(answer.status, 200, "{:?}", answer.bytes);
    let item = answer.json();
    let found = item.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(found, expected);
    assert_eq!(item["version"], 2);
    assert_eq!(lab.get(&path).await, item);
}

#[tokio::test(start_paused = true)]
async fn an_empty_patch_leaves_the_item_as_it_is() {
    let lab = Lab::new();
    let (path, before) = lab.login("git", "p1").await;
    assert_eq!(lab.call("PATCH", &path, json!([])).await.json(), before);
}

#[rstest]
#[case::no_list(json!({"op": "remove"}), "Invalid patch: a list of operations is expected")]
#[case::move_(json!([{"op": "move", "path": "/title", "from": "/id"}]), "Invalid patch: operations are add, remove and replace")]
#[case::nowhere(json!([{"op": "replace", "path": "/fields/nope/value", "value": "x"}]), "Invalid patch: the path leads nowhere")]
#[case::not_there(json!([{"op": "remove", "path": "/favorite"}]), "Invalid patch: the path leads nowhere")]
#[case::through_a_text(json!([{"op": "add", "path": "/title/x", "value": "x"}]), "Invalid patch: the path leads nowhere")]
#[case::no_value(json!([{"op": "add", "path": "/title"}]), "Invalid patch: a value is expected")]
#[case::the_whole(json!([{"op": "remove", "path": ""}]), "Invalid patch: the item itself cannot be removed")]
#[case::bad_item(json!([{"op": "replace", "path": "/category", "value": "CUSTOM"}]), "Invalid item category")]
#[case::second_fails(json!([{"op": "replace", "path": "/title", "value": "x"}, {"op": "remove", "path": "/nope"}]), "Invalid patch: the path leads nowhere")]
#[tokio::test(start_paused = true)]
async fn a_patch_that_fails_changes_nothing(#[case] patch: Value, #[case] message: &str) {
    let lab = Lab::new();
    let (path, before) = lab.login("git", "p1").await;
    let answer = lab.call("PATCH", &path, patch).await;
    assert_eq!(answer.error(), (400, message.to_owned()));
    assert_eq!(lab.get(&path).await, before);
}
