//! Lists of type `set` and `map` hold no item twice (k8s.io/apiextensions-apiserver `schema/listtype`).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::node::{ListType, Node};
use super::{FieldError, Path};

pub(super) fn check(
    node: &Node,
    value: &Value,
    old: Option<&Value>,
    path: &mut Path,
    errors: &mut Vec<FieldError>,
) {
    if !node.unique_below || old == Some(value) {
        return;
    }
    match value {
        Value::Object(object) => {
            for (name, field) in object {
                if let Some(child) = node.child(name) {
                    let old = old.and_then(|old| old.get(name));
                    path.field(name, |path| check(child, field, old, path, errors));
                }
            }
        }
        Value::Array(items) => {
            report_duplicates(node, items, path, errors);
            if let Some(child) = &node.items {
                for (index, item) in items.iter().enumerate() {
                    let old = node.correlate(old, item);
                    path.index(index, |path| check(child, item, old, path, errors));
                }
            }
        }
        _ => {}
    }
}

fn report_duplicates(node: &Node, items: &[Value], path: &mut Path, errors: &mut Vec<FieldError>) {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let identity = match &node.list_type {
            ListType::Atomic => return,
            ListType::Set => item.clone(),
            ListType::Map(keys) => Value::Object(
                keys.iter()
                    .filter_map(|key| Some((key.clone(), item.get(key)?.clone())))
                    .collect::<Map<_, _>>(),
            ),
        };
        if !seen.insert(identity.to_string()) {
            path.index(index, |path| {
                errors.push(FieldError::duplicate(path.as_str(), &identity));
            });
        }
    }
}
