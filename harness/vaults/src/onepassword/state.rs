//! The vaults and their items.

use indexmap::IndexMap;
use jiff::Timestamp;
use rotaproof_base::Entropy;
use serde_json::{Value, json};

use super::config::{ConnectVault, Document};
use super::filter::{Attribute, Filter};
use super::input::draw_id;
use super::item::{Field, File, Item, ItemContent};

/// One vault.
pub(super) struct Vault {
    pub(super) id: String,
    pub(super) name: String,
    created: Timestamp,
    updated: Timestamp,
    /// Grows with each write to an item.
    content_version: u64,
    items: IndexMap<String, Item>,
}

impl Vault {
    pub(super) fn new(declared: &ConnectVault, entropy: &Entropy, now: Timestamp) -> Self {
        let mut vault = Self {
            id: draw_id(entropy),
            name: declared.name.clone(),
            created: now,
            updated: now,
            content_version: 1,
            items: IndexMap::new(),
        };
        for document in &declared.documents {
            let (content, file) = of_document(document, entropy);
            let id = vault.insert(draw_id(entropy), content, now);
            if let Some(item) = vault.items.get_mut(&id) {
                item.files.push(file);
            }
        }
        vault
    }

    /// As Connect shows it.
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "attributeVersion": 1,
            "contentVersion": self.content_version,
            "items": self.items.len(),
            "type": "USER_CREATED",
            "createdAt": self.created.to_string(),
            "updatedAt": self.updated.to_string(),
        })
    }

    /// Whether the vault passes a filter.
    pub(super) fn matches(&self, filter: Option<&Filter>) -> bool {
        filter.is_none_or(|filter| filter.value == self.name)
    }

    /// The items that pass a filter, in the order of their creation.
    pub(super) fn items<'a>(
        &'a self,
        filter: Option<&'a Filter>,
    ) -> impl Iterator<Item = &'a Item> {
        self.items
            .values()
            .filter(move |item| filter.is_none_or(|filter| passes(item, filter)))
    }

    pub(super) fn item(&self, id: &str) -> Option<&Item> {
        self.items.get(id)
    }

    /// Takes up a new item, and answers its id.
    pub(super) fn insert(&mut self, id: String, content: ItemContent, now: Timestamp) -> String {
        let item = Item {
            id: id.clone(),
            version: 1,
            created: now,
            updated: now,
            content,
            files: Vec::new(),
        };
        self.items.insert(id.clone(), item);
        self.touch(now);
        id
    }

    /// Replaces what an item holds; its version grows.
    pub(super) fn replace(&mut self, id: &str, content: ItemContent, now: Timestamp) {
        if let Some(item) = self.items.get_mut(id) {
            item.content = content;
            item.version += 1;
            item.updated = now;
            self.touch(now);
        }
    }

    /// Deletes an item for good.
    pub(super) fn remove(&mut self, id: &str, now: Timestamp) {
        if self.items.shift_remove(id).is_some() {
            self.touch(now);
        }
    }

    fn touch(&mut self, now: Timestamp) {
        self.content_version += 1;
        self.updated = now;
    }
}

fn passes(item: &Item, filter: &Filter) -> bool {
    match filter.attribute {
        Attribute::Title => item.content.title == filter.value,
        Attribute::Tag => item.content.tags.contains(&filter.value),
    }
}

fn of_document(document: &Document, entropy: &Entropy) -> (ItemContent, File) {
    let content = ItemContent {
        title: document.title.clone(),
        category: "DOCUMENT".to_owned(),
        urls: Vec::new(),
        favorite: false,
        tags: Vec::new(),
        sections: Vec::new(),
        fields: vec![Field::notes()],
    };
    let file = File {
        id: draw_id(entropy),
        name: document.file.clone(),
        content: document.content.clone(),
    };
    (content, file)
}
