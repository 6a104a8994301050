//! Items: created, read, listed, replaced and deleted.

use std::time::Duration;

use rotaproof_base::Fingerprinter;
use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::{Lab, START};

#[tokio::test(start_paused = true)]
async fn a_new_item_is_answered_whole_with_what_connect_fills_in() {
    let lab = Lab::new();
    let (path, item) = lab.login("git", "p1").await;
    let vault = lab.vault("production").await;
    let expected = json!({
        "id": item["id"], "title": "git", "tags": ["git", "ci"], "version": 1, "vault": {"id": vault},
        "category": "LOGIN", "urls": [{"primary": true, "href": "https://example.com"}],
        "lastEditedBy": item["lastEditedBy"], "createdAt": START, "updatedAt": START,
        "sections": [{"id": "extra", "label": "Extra"}],
        "fields": [
            {"id": "username", "type": "STRING", "purpose": "USERNAME", "label": "username", "value": "jovyan"},
            {"id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password", "value": "p1"},
            {"id": "token", "section": {"id": "extra", "label": "Extra"}, "type": "CONCEALED", "label": "api token", "value": "t"},
            {"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain"},
        ],
    });
    assert_eq!(item, expected);
    assert_eq!(lab.get(&path).await, expected);
}

#[tokio::test(start_paused = true)]
async fn the_journal_learns_which_version_was_read_and_nothing_of_a_write() {
    let lab = Lab::new();
    let (path, _) = lab.login("git", "p1").await;
    let lab_notes = lab.count();
    assert!(lab.last().versions.is_empty());
    assert_eq!(lab.last().secret.as_deref(), Some("production/git"));
    lab.get(&path).await;
    assert_eq!(lab.count(), lab_notes + 1);
    let read = lab.last();
    assert_eq!(read.operation, "GetVaultItemById");
    assert_eq!(read.secret.as_deref(), Some("production/git"));
    assert_eq!(read.versions.len(), 1);
    assert_eq!(read.versions[0].version, "1");
    let values = br#"{"api token":"t","password":"p1","username":"jovyan"}"#;
    assert_eq!(
        read.versions[0].value,
        Fingerprinter::from_key([7; 32]).of(values)
    );
}

#[tokio::test(start_paused = true)]
async fn a_replaced_item_is_a_new_version_of_the_same_item() {
    let lab = Lab::new();
    let (path, mut item) = lab.login("git", "p1").await;
    tokio::time::advance(Duration::from_secs(90)).await;
    item["fields"][1]["value"] = json!("p2");
    item["version"] = json!(40);
    let answer = lab.call("PUT", &path, item.clone()).await;
    assert_eq!(answer.status, 200);
    let after = answer.json();
    assert_eq!(after["version"], 2);
    assert_eq!(after["createdAt"], START);
    assert_eq!(after["updatedAt"], "2025-11-08T00:01:30Z");
    assert_eq!(after["fields"], item["fields"]);
    assert_eq!(lab.get(&path).await, after);
}

#[tokio::test(start_paused = true)]
async fn what_a_replacement_leaves_out_is_gone() {
    let lab = Lab::new();
    let (path, item) = lab.login("git", "p1").await;
    let body = json!({"title": "git", "category": "PASSWORD", "vault": item["vault"]});
    let after = lab.call("PUT", &path, body).await.json();
    assert_eq!(after["category"], "PASSWORD");
    assert!(after["tags"].is_null() && after["urls"].is_null() && after["sections"].is_null());
    let fields = after["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 1);
    assert_eq!(fields[0]["id"], "notesPlain");
}

#[tokio::test(start_paused = true)]
async fn a_collection_shows_no_fields() {
    let lab = Lab::new();
    let (path, mut item) = lab.login("git", "p1").await;
    let collection = path.rsplit_once('/').unwrap().0.to_owned();
    let found = lab
        .get(&format!("{collection}?filter=title+eq+%22git%22"))
        .await;
    let members = item.as_object_mut().unwrap();
    members.remove("sections");
    members.remove("fields");
    assert_eq!(found, json!([item]));
    let read = lab.last();
    assert_eq!(read.secret.as_deref(), Some("production/git"));
    assert!(read.versions.is_empty());
}

#[rstest]
#[case::all("", &["ca", "git", "mlflow"])]
#[case::by_title("?filter=title+eq+%22mlflow%22", &["mlflow"])]
#[case::by_tag("?filter=tag+eq+%22ci%22", &["git", "mlflow"])]
#[case::by_no_such_tag("?filter=tag+eq+%22cd%22", &[])]
#[tokio::test(start_paused = true)]
async fn items_are_listed_in_the_order_of_their_creation(
    #[case] query: &str,
    #[case] titles: &[&str],
) {
    let lab = Lab::new();
    lab.login("git", "p").await;
    let (path, _) = lab.login("mlflow", "p").await;
    let collection = path.rsplit_once('/').unwrap().0.to_owned();
    let found = lab.get(&format!("{collection}{query}")).await;
    let found: Vec<&str> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["title"].as_str().unwrap())
        .collect();
    assert_eq!(found, titles);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_item_is_gone_for_good() {
    let lab = Lab::new();
    let (path, item) = lab.login("git", "p1").await;
    let answer = lab.call("DELETE", &path, Value::Null).await;
    assert_eq!((answer.status, answer.bytes.len()), (204, 0));
    assert_eq!(lab.last().secret.as_deref(), Some("production/git"));
    let message = format!("item {} not found", item["id"].as_str().unwrap());
    for method in ["GET", "DELETE", "PUT"] {
        let answer = lab.call(method, &path, item.clone()).await;
        assert_eq!(answer.error(), (404, message.clone()));
    }
}

#[rstest]
#[case::letters(json!({"length": 40, "characterSets": ["LETTERS"]}), 40, |c: char| c.is_ascii_alphabetic())]
#[case::all_sets(json!(null), 32, |c: char| c.is_ascii_graphic())]
#[case::without(json!({"length": 64, "characterSets": ["DIGITS"], "excludeCharacters": "02468"}), 64, |c: char| "13579".contains(c))]
#[tokio::test(start_paused = true)]
async fn a_field_is_generated_by_its_recipe_where_it_has_no_value(
    #[case] recipe: Value,
    #[case] length: usize,
    #[case] allowed: fn(char) -> bool,
) {
    let lab = Lab::new();
    let (path, mut item) = lab.login("git", "p1").await;
    let field = &mut item["fields"][1];
    field.as_object_mut().unwrap().remove("value");
    field["generate"] = json!(true);
    field["recipe"] = recipe;
    let after = lab.call("PUT", &path, item.clone()).await.json();
    let value = after["fields"][1]["value"].as_str().unwrap();
    assert_eq!(value.len(), length);
    assert!(value.chars().all(allowed));
    let again = lab.call("PUT", &path, item).await.json();
    assert_ne!(again["fields"][1]["value"], value);
}

#[rstest]
#[case::no_vault("/vault", json!(null), "The item doesn't have a vault field.")]
#[case::another_vault("/vault/id", json!("a"), "The item's vault is not the vault of the request.")]
#[case::no_category("/category", json!(null), "Invalid item category")]
#[case::custom("/category", json!("CUSTOM"), "Invalid item category")]
#[case::document("/category", json!("DOCUMENT"), "Items of category DOCUMENT cannot be created with Connect")]
#[case::field_type("/fields/0/type", json!("BLOB"), "Invalid field type")]
#[case::purpose("/fields/0/purpose", json!("OTHER"), "Invalid field purpose")]
#[case::section("/fields/2/section/id", json!("nope"), "Invalid field: the item doesn't have its section")]
#[case::twins("/fields/2/id", json!("password"), "Invalid item: two fields have the same id")]
#[case::no_text("/fields/1/value", json!({"hunter2": 1}), "Invalid item: a member is missing or has the wrong type")]
#[tokio::test(start_paused = true)]
async fn what_connect_cannot_keep_is_refused_and_changes_nothing(
    #[case] pointer: &str,
    #[case] value: Value,
    #[case] message: &str,
) {
    let lab = Lab::new();
    let (path, before) = lab.login("git", "p1").await;
    let mut item = before.clone();
    *item.pointer_mut(pointer).unwrap() = value;
    let answer = lab.call("PUT", &path, item.clone()).await;
    assert_eq!(answer.error(), (400, message.to_owned()));
    assert_eq!(lab.get(&path).await, before);
    let collection = path.rsplit_once('/').unwrap().0;
    let answer = lab.call("POST", collection, item).await;
    assert_eq!(answer.error(), (400, message.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_json_is_a_bad_request() {
    let lab = Lab::new();
    let (path, _) = lab.login("git", "p1").await;
    let header = format!(
        "Bearer {}",
        lab.connect.administrator().expose_str().unwrap()
    );
    for body in ["", "{", "[]", "\u{0}\u{ff}"] {
        let answer = lab.send("PUT", &path, &header, body).await;
        assert_eq!(answer.error().0, 400);
    }
    let large = vec![b' '; 5 * 1024 * 1024];
    assert_eq!(lab.send("PUT", &path, &header, large).await.error().0, 413);
}
