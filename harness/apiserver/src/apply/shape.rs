//! How the maps and lists of an object merge, from its schema or from the built-in table.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::patch::{ListStrategy, MergeKeys};
use crate::schema::{ListType, Node, Structural};

/// A list's way to merge.
pub(super) enum ListShape {
    Atomic,
    Set,
    /// The fields that identify an item, sorted.
    Map(Vec<String>),
}

/// The position in an object, with what is known of its types there; a field's shape leans on its parent's.
pub(super) struct Shape<'s> {
    node: Option<&'s Node>,
    keys: MergeKeys,
    parent: Option<&'s Shape<'s>>,
    /// The name of this field; none at the root.
    name: Option<&'s str>,
}

impl<'s> Shape<'s> {
    pub(super) fn new(schema: Option<&'s Structural>, object: &Value) -> Self {
        Self {
            node: schema.map(Structural::root),
            keys: MergeKeys::of(object),
            parent: None,
            name: None,
        }
    }

    pub(super) fn field<'c>(&'c self, name: &'c str) -> Shape<'c> {
        Shape {
            // The schema of `metadata` is the server's, not the CRD's.
            node: self
                .node
                .filter(|_| !(self.is_root() && name == "metadata"))
                .and_then(|node| node.child(name)),
            keys: self.keys,
            parent: Some(self),
            name: Some(name),
        }
    }

    pub(super) fn item(&self) -> Self {
        Self {
            node: self.node.and_then(Node::item),
            ..*self
        }
    }

    pub(super) fn is_root(&self) -> bool {
        self.name.is_none()
    }

    /// Whether this is the object's `metadata`.
    pub(super) fn is_metadata(&self) -> bool {
        self.name == Some("metadata") && self.parent.is_some_and(Shape::is_root)
    }

    /// The field names from here up to the root.
    fn path(&self) -> impl Iterator<Item = &str> + Clone {
        std::iter::successors(Some(self), |shape| shape.parent).filter_map(|shape| shape.name)
    }

    pub(super) fn atomic_map(&self) -> bool {
        // `metav1.OwnerReference` is one, whatever the kind: an item, whose list has its name.
        if self.name == Some("ownerReferences") && self.parent.is_some_and(Shape::is_metadata) {
            return true;
        }
        // `LocalObjectReference`s and `ObjectReference`s of a ServiceAccount.
        if self.keys.is_service_account() && self.parent.is_some_and(Shape::is_root) {
            return matches!(self.name, Some("secrets" | "imagePullSecrets"));
        }
        match self.node {
            Some(node) => node.is_atomic_map(),
            None => self.keys.is_atomic_map(self.name),
        }
    }

    pub(super) fn list(&self) -> ListShape {
        if let Some(node) = self.node {
            return match node.list_type() {
                ListType::Atomic => ListShape::Atomic,
                ListType::Set => ListShape::Set,
                ListType::Map(keys) => {
                    let mut keys = keys.clone();
                    keys.sort();
                    ListShape::Map(keys)
                }
            };
        }
        // Atomic here, although strategic merge patches merge it.
        if self.keys.is_service_account() && self.name == Some("imagePullSecrets") {
            return ListShape::Atomic;
        }
        match self.keys.list(self.path()) {
            ListStrategy::Atomic => ListShape::Atomic,
            ListStrategy::Set => ListShape::Set,
            ListStrategy::Map(_, keys) => {
                ListShape::Map(keys.iter().map(|&key| key.to_owned()).collect())
            }
        }
    }

    /// An item's element in a path.
    pub(super) fn element(&self, list: &ListShape, index: usize, item: &Value) -> String {
        match list {
            ListShape::Atomic => format!("i:{index}"),
            ListShape::Set => format!("v:{item}"),
            ListShape::Map(keys) => {
                let identity: BTreeMap<&str, Value> = keys
                    .iter()
                    .filter_map(|key| Some((key.as_str(), self.key_value(key, item)?)))
                    .collect();
                match serde_json::to_string(&identity) {
                    Ok(identity) if !identity.is_empty() => format!("k:{identity}"),
                    _ => format!("i:{index}"),
                }
            }
        }
    }

    fn key_value(&self, key: &str, item: &Value) -> Option<Value> {
        if let Some(value) = item.get(key) {
            return Some(value.clone());
        }
        match self.node {
            Some(node) => node.item()?.child(key)?.default_value().cloned(),
            // The only defaulted key of the built-in lists.
            None => (key == "protocol").then(|| Value::from("TCP")),
        }
    }
}
