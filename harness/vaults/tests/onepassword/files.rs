//! Files of items.

use serde_json::{Value, json};

use crate::lab::Lab;

async fn document(lab: &Lab) -> (String, Value) {
    let vault = lab.vault("production").await;
    let found = lab
        .get(&format!(
            "/v1/vaults/{vault}/items?filter=title+eq+%22ca%22"
        ))
        .await;
    let path = format!(
        "/v1/vaults/{vault}/items/{}",
        found[0]["id"].as_str().unwrap()
    );
    let item = lab.get(&path).await;
    (path, item)
}

#[tokio::test(start_paused = true)]
async fn a_documents_file_is_described_inlined_and_downloaded() {
    let lab = Lab::new();
    let (path, item) = document(&lab).await;
    assert_eq!(item["category"], "DOCUMENT");
    let file = &item["files"][0];
    let content_path = format!("{path}/files/{}/content", file["id"].as_str().unwrap());
    assert_eq!(
        file,
        &json!({"id": file["id"], "name": "ca.pem", "size": 15, "content_path": content_path})
    );
    assert_eq!(lab.get(&format!("{path}/files")).await, json!([file]));
    let details = format!("{path}/files/{}", file["id"].as_str().unwrap());
    assert_eq!(&lab.get(&details).await, file);
    assert!(lab.last().versions.is_empty());

    let inlined = lab.get(&format!("{details}?inline_files=true")).await;
    assert_eq!(inlined["content"], "LS0tLS1CRUdJTi0tLS0t");
    assert_eq!(lab.last().versions.len(), 1);

    let answer = lab.call("GET", &content_path, Value::Null).await;
    assert_eq!(&answer.bytes[..], b"-----BEGIN-----");
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    assert_eq!(
        answer.headers["content-disposition"],
        "attachment; filename=\"ca.pem\""
    );
    assert_eq!(lab.last().operation, "DownloadFileByID");
    assert_eq!(lab.last().secret.as_deref(), Some("production/ca"));
    assert_eq!(lab.last().versions.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_document_can_be_renamed_and_keeps_its_file() {
    let lab = Lab::new();
    let (path, item) = document(&lab).await;
    let patch = json!([{"op": "replace", "path": "/title", "value": "authority"}]);
    let after = lab.call("PATCH", &path, patch).await.json();
    assert_eq!(after["title"], "authority");
    assert_eq!(after["files"], item["files"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_there_is_named() {
    let lab = Lab::new();
    let (path, _) = document(&lab).await;
    let id = "a".repeat(26);
    for tail in ["", "/content"] {
        let answer = lab
            .call("GET", &format!("{path}/files/{id}{tail}"), Value::Null)
            .await;
        assert_eq!(answer.error(), (404, format!("file {id} not found")));
    }
    let (login, _) = lab.login("git", "p1").await;
    assert_eq!(lab.get(&format!("{login}/files")).await, json!([]));
}
