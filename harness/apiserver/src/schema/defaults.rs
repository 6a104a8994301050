//! Defaulting (k8s.io/apiextensions-apiserver `schema/defaulting`).

use serde_json::Value;

use super::node::{Additional, Node};

pub(super) fn apply(node: &Node, value: &mut Value) {
    if !node.defaults_below {
        return;
    }
    match value {
        Value::Object(object) => {
            for (name, child) in &node.properties {
                match (object.get_mut(name), &child.default) {
                    (Some(field), default) => settle(child, field, default.as_ref()),
                    (None, Some(default)) => {
                        let mut field = default.clone();
                        apply(child, &mut field);
                        object.insert(name.clone(), field);
                    }
                    (None, None) => {}
                }
            }
            if let Additional::Schema(child) = &node.additional {
                for (name, field) in object.iter_mut() {
                    if !node.properties.contains_key(name) {
                        settle(child, field, child.default.as_ref());
                    }
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = &node.items {
                for item in items {
                    settle(child, item, child.default.as_ref());
                }
            }
        }
        _ => {}
    }
}

/// A value that is there: `null` gives way to a default unless the field is nullable.
fn settle(node: &Node, value: &mut Value, default: Option<&Value>) {
    if let Some(default) = default
        && value.is_null()
        && !node.nullable
    {
        *value = default.clone();
    }
    apply(node, value);
}

/// Drops the nulls that no default has replaced, where a field is not nullable
/// (`PruneNonNullableNullsWithoutDefaults`).
pub(super) fn drop_nulls(node: &Node, value: &mut Value) {
    match value {
        Value::Object(object) => object.retain(|name, field| match node.child(name) {
            Some(child) if field.is_null() => child.nullable || child.default.is_some(),
            Some(child) => {
                drop_nulls(child, field);
                true
            }
            None => true,
        }),
        Value::Array(items) => {
            if let Some(child) = &node.items {
                items.iter_mut().for_each(|item| drop_nulls(child, item));
            }
        }
        _ => {}
    }
}
