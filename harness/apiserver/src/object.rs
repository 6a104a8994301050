//! Reading and writing the members of `metadata` on plain JSON.

use serde_json::{Map, Value};

/// The text at `metadata.<field>`; empty where there is none.
pub(crate) fn meta_text<'a>(object: &'a Value, field: &str) -> &'a str {
    object
        .get("metadata")
        .and_then(|meta| meta.get(field))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(crate) fn meta<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    object.get("metadata")?.get(field)
}

/// `metadata`, made if it is missing; an object that is not a map is left alone.
pub(crate) fn meta_mut(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let object = object.as_object_mut()?;
    object
        .entry("metadata")
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
}

pub(crate) fn set_meta(object: &mut Value, field: &str, value: impl Into<Value>) {
    if let Some(meta) = meta_mut(object) {
        meta.insert(field.to_owned(), value.into());
    }
}

pub(crate) fn remove_meta(object: &mut Value, field: &str) {
    if let Some(meta) = meta_mut(object) {
        // Keeps the order of the others, which is the order that clients are shown.
        meta.shift_remove(field);
    }
}

/// Copies `metadata.<field>` of `from`, its absence included.
pub(crate) fn copy_meta(object: &mut Value, from: &Value, field: &str) {
    match meta(from, field) {
        Some(value) => set_meta(object, field, value.clone()),
        None => remove_meta(object, field),
    }
}

/// Copies the member `field` of `from`, its absence included.
pub(crate) fn copy_member(object: &mut Value, from: &Value, field: &str) {
    let Some(map) = object.as_object_mut() else {
        return;
    };
    match from.get(field) {
        Some(value) => map.insert(field.to_owned(), value.clone()),
        None => map.shift_remove(field),
    };
}

pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    meta(object, "finalizers")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    meta(object, "deletionTimestamp").is_some_and(|at| !at.is_null())
}

/// The uids of the owners, and whether each blocks its owner's foreground deletion.
pub(crate) fn owners(object: &Value) -> impl Iterator<Item = (&str, bool)> {
    meta(object, "ownerReferences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|owner| {
            let blocks = owner.get("blockOwnerDeletion") == Some(&Value::Bool(true));
            Some((owner.get("uid")?.as_str()?, blocks))
        })
}

/// Drops members that are null, in `metadata` only: a typed server would not store them.
pub(crate) fn drop_null_metadata(object: &mut Value) {
    if let Some(meta) = meta_mut(object) {
        meta.retain(|_, value| !value.is_null());
        for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
            let empty = match meta.get(field) {
                Some(Value::Object(map)) => map.is_empty(),
                Some(Value::Array(list)) => list.is_empty(),
                _ => false,
            };
            if empty {
                meta.shift_remove(field);
            }
        }
    }
}

/// Sets a member some levels down; what is in the way and not a map is replaced.
pub(crate) fn set_at(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let mut here = object;
    for step in path {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        let Some(map) = here.as_object_mut() else {
            return;
        };
        here = map.entry((*step).to_owned()).or_insert(Value::Null);
    }
    *here = value.into();
}
