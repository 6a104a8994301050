//! An item: what it holds, and how Connect writes it.

use jiff::Timestamp;
use rotaproof_base::{Fingerprint, Fingerprinter, SecretValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One item of a vault.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) content: ItemContent,
    pub(super) files: Vec<File>,
}

/// What a write replaces.
#[derive(Clone)]
pub(super) struct ItemContent {
    pub(super) title: String,
    pub(super) category: String,
    pub(super) urls: Vec<Url>,
    pub(super) favorite: bool,
    pub(super) tags: Vec<String>,
    pub(super) sections: Vec<Section>,
    pub(super) fields: Vec<Field>,
}

/// A web address of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Url {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) primary: bool,
    pub(super) href: String,
}

/// A section, which groups fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Section {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
}

/// A field. One without a value is there all the same.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) id: String,
    pub(super) section: Option<String>,
    pub(super) kind: String,
    /// `USERNAME`, `PASSWORD`, `NOTES`, or empty.
    pub(super) purpose: String,
    pub(super) label: String,
    pub(super) value: Option<SecretValue>,
}

/// A file of an item.
pub(super) struct File {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) content: SecretValue,
}

impl Field {
    /// The notes that every item has, written or not.
    pub(super) fn notes() -> Self {
        Self {
            id: "notesPlain".to_owned(),
            section: None,
            kind: "STRING".to_owned(),
            purpose: "NOTES".to_owned(),
            label: "notesPlain".to_owned(),
            value: None,
        }
    }

    fn json(&self, sections: &[Section]) -> Value {
        let mut field = Map::new();
        field.insert("id".into(), json!(self.id));
        if let Some(id) = &self.section {
            let section = sections.iter().find(|section| section.id == *id);
            field.insert("section".into(), json!(section));
        }
        field.insert("type".into(), json!(self.kind));
        if !self.purpose.is_empty() {
            field.insert("purpose".into(), json!(self.purpose));
        }
        field.insert("label".into(), json!(self.label));
        if let Some(value) = &self.value {
            // Values came in as JSON text, so they are UTF-8.
            field.insert("value".into(), json!(value.expose_str()));
        }
        Value::Object(field)
    }
}

impl File {
    /// `content` is inlined where it is asked for.
    pub(super) fn json(&self, path: &str, content: Option<String>) -> Value {
        let mut file = json!({
            "id": self.id,
            "name": self.name,
            "size": self.content.expose().len(),
            "content_path": format!("{path}/files/{}/content", self.id),
        });
        if let Some(content) = content {
            file["content"] = json!(content);
        }
        file
    }
}

impl Item {
    /// The item without its fields, as collections show it.
    pub(super) fn summary(&self, vault: &str, editor: &str) -> Map<String, Value> {
        let content = &self.content;
        let mut item = Map::new();
        item.insert("id".into(), json!(self.id));
        item.insert("title".into(), json!(content.title));
        if !content.tags.is_empty() {
            item.insert("tags".into(), json!(content.tags));
        }
        item.insert("version".into(), json!(self.version));
        item.insert("vault".into(), json!({ "id": vault }));
        item.insert("category".into(), json!(content.category));
        if !content.urls.is_empty() {
            item.insert("urls".into(), json!(content.urls));
        }
        if content.favorite {
            item.insert("favorite".into(), json!(true));
        }
        item.insert("lastEditedBy".into(), json!(editor));
        item.insert("createdAt".into(), json!(self.created.to_string()));
        item.insert("updatedAt".into(), json!(self.updated.to_string()));
        item
    }

    /// The whole item.
    pub(super) fn full(&self, vault: &str, editor: &str) -> Value {
        let mut item = self.summary(vault, editor);
        let content = &self.content;
        if !content.sections.is_empty() {
            item.insert("sections".into(), json!(content.sections));
        }
        let fields: Vec<Value> = content
            .fields
            .iter()
            .map(|field| field.json(&content.sections))
            .collect();
        item.insert("fields".into(), Value::Array(fields));
        if !self.files.is_empty() {
            let path = self.path(vault);
            let files: Vec<Value> = self.files.iter().map(|f| f.json(&path, None)).collect();
            item.insert("files".into(), Value::Array(files));
        }
        Value::Object(item)
    }

    /// Where the item is served.
    pub(super) fn path(&self, vault: &str) -> String {
        format!("/v1/vaults/{vault}/items/{}", self.id)
    }

    /// Of the values by label, as compact JSON with sorted keys.
    pub(super) fn fingerprint(&self, fingerprinter: &Fingerprinter) -> Fingerprint {
        let mut values: Vec<(&str, &str)> = self
            .content
            .fields
            .iter()
            .filter_map(|field| Some((field.label.as_str(), field.value.as_ref()?.expose_str()?)))
            .collect();
        values.sort_unstable();
        let object: Map<String, Value> = values
            .into_iter()
            .map(|(label, value)| (label.to_owned(), json!(value)))
            .collect();
        fingerprinter.of(Value::Object(object).to_string().as_bytes())
    }
}
