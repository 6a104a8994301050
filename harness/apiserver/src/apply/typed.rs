//! Values as trees of fields: which fields they have, how two of them merge and differ.

use serde_json::{Map, Value};

use super::field_set::FieldSet;
use super::shape::{ListShape, Shape};

/// What identifies the object, and what the server sets.
fn has_no_owner(shape: &Shape<'_>, field: &str) -> bool {
    if shape.is_root() {
        return matches!(field, "apiVersion" | "kind");
    }
    shape.is_metadata()
        && matches!(
            field,
            "name"
                | "namespace"
                | "uid"
                | "selfLink"
                | "generation"
                | "creationTimestamp"
                | "resourceVersion"
                | "managedFields"
                | "deletionTimestamp"
                | "deletionGracePeriodSeconds"
        )
}

/// The fields that an applied configuration speaks of: its scalars, atomics, empty containers and list items.
pub(super) fn fields(value: &Value, shape: &Shape<'_>) -> FieldSet {
    let mut set = FieldSet::default();
    match value {
        Value::Object(object) if !object.is_empty() && !shape.atomic_map() => {
            for (name, field) in object {
                if !has_no_owner(shape, name) {
                    set.insert(format!("f:{name}"), fields(field, &shape.field(name)));
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let list = shape.list();
            if matches!(list, ListShape::Atomic) {
                return FieldSet::leaf();
            }
            for (index, item) in items.iter().enumerate() {
                let mut inner = fields(item, &shape.item());
                inner.member = true;
                set.insert(shape.element(&list, index, item), inner);
            }
        }
        _ => return FieldSet::leaf(),
    }
    set
}

/// Everything inside of a value that an update added: containers too.
fn all_fields(value: &Value, shape: &Shape<'_>) -> FieldSet {
    let mut set = fields(value, shape);
    mark_containers(&mut set);
    // Nobody owns `metadata` itself.
    set.member &= !shape.is_metadata();
    set
}

fn mark_containers(set: &mut FieldSet) {
    set.member = true;
    set.children.values_mut().for_each(mark_containers);
}

/// The live object with the configuration laid over it.
pub(super) fn merge(live: &Value, config: &Value, shape: &Shape<'_>) -> Value {
    match (live, config) {
        (Value::Object(live), Value::Object(config)) if !shape.atomic_map() => {
            let mut merged = live.clone();
            for (name, field) in config {
                let value = match live.get(name) {
                    Some(known) => merge(known, field, &shape.field(name)),
                    None => field.clone(),
                };
                merged.insert(name.clone(), value);
            }
            merged.into()
        }
        (Value::Array(live), Value::Array(config)) => {
            let list = shape.list();
            if matches!(list, ListShape::Atomic) {
                return config.clone().into();
            }
            let elements: Vec<String> = indexed(live, &list, shape)
                .map(|(element, _)| element)
                .collect();
            let mut merged = live.clone();
            for (element, item) in indexed(config, &list, shape) {
                let at = elements.iter().position(|known| *known == element);
                match at.and_then(|at| merged.get_mut(at)) {
                    Some(slot) => *slot = merge(slot, item, &shape.item()),
                    None => merged.push(item.clone()),
                }
            }
            merged.into()
        }
        (_, config) => config.clone(),
    }
}

fn indexed<'v>(
    items: &'v [Value],
    list: &ListShape,
    shape: &Shape<'_>,
) -> impl Iterator<Item = (String, &'v Value)> {
    items
        .iter()
        .enumerate()
        .map(move |(index, item)| (shape.element(list, index, item), item))
}

/// What differs between two values.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Added or modified.
    pub(super) changed: FieldSet,
    pub(super) removed: FieldSet,
}

impl Difference {
    fn insert(&mut self, element: String, inner: Self) {
        self.changed.insert(element.clone(), inner.changed);
        self.removed.insert(element, inner.removed);
    }

    fn modified() -> Self {
        Self {
            changed: FieldSet::leaf(),
            removed: FieldSet::default(),
        }
    }

    fn between(old: Option<&Value>, new: Option<&Value>, shape: &Shape<'_>) -> Self {
        match (old, new) {
            (Some(old), Some(new)) => compare(old, new, shape),
            (None, Some(new)) => Self {
                changed: all_fields(new, shape),
                removed: FieldSet::default(),
            },
            (Some(old), None) => Self {
                changed: FieldSet::default(),
                removed: all_fields(old, shape),
            },
            (None, None) => Self::default(),
        }
    }
}

pub(super) fn compare(old: &Value, new: &Value, shape: &Shape<'_>) -> Difference {
    if old == new {
        return Difference::default();
    }
    let mut difference = Difference::default();
    match (old, new) {
        // A list that Go writes as null was there, and empty.
        (Value::Null, Value::Array(_)) => return compare(&Value::Array(Vec::new()), new, shape),
        (Value::Object(old), Value::Object(new)) if !shape.atomic_map() => {
            let gone = old.keys().filter(|name| !new.contains_key(*name));
            for name in new.keys().chain(gone) {
                if has_no_owner(shape, name) {
                    continue;
                }
                let inner = Difference::between(old.get(name), new.get(name), &shape.field(name));
                difference.insert(format!("f:{name}"), inner);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            let list = shape.list();
            if matches!(list, ListShape::Atomic) {
                return Difference::modified();
            }
            let old: Vec<_> = indexed(old, &list, shape).collect();
            let new: Vec<_> = indexed(new, &list, shape).collect();
            let find = |items: &[(String, &Value)], element: &str| {
                items.iter().position(|(known, _)| known == element)
            };
            for (element, item) in &new {
                let known = find(&old, element)
                    .and_then(|at| old.get(at))
                    .map(|(_, known)| *known);
                difference.insert(
                    element.clone(),
                    Difference::between(known, Some(item), &shape.item()),
                );
            }
            for (element, item) in &old {
                if find(&new, element).is_none() {
                    difference.insert(
                        element.clone(),
                        Difference::between(Some(item), None, &shape.item()),
                    );
                }
            }
        }
        _ => return Difference::modified(),
    }
    difference
}

/// Takes the fields of `gone` out of a value, except where `kept` still has something; containers that this
/// empties go too.
pub(super) fn strip(value: &mut Value, gone: &FieldSet, kept: &FieldSet) {
    let nothing = FieldSet::default();
    for (element, inner) in &gone.children {
        let kept = kept.children.get(element).unwrap_or(&nothing);
        if inner.member && kept.is_empty() {
            remove(value, element);
            continue;
        }
        let Some(child) = find(value, element) else {
            continue;
        };
        let was_empty = is_empty(child);
        strip(child, inner, kept);
        if !was_empty && is_empty(child) && !kept.member {
            remove(value, element);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn find<'v>(value: &'v mut Value, element: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(object) => object.get_mut(element.strip_prefix("f:")?),
        Value::Array(items) => {
            let at = position(items, element)?;
            items.get_mut(at)
        }
        _ => None,
    }
}

fn remove(value: &mut Value, element: &str) {
    match value {
        Value::Object(object) => {
            if let Some(name) = element.strip_prefix("f:") {
                object.shift_remove(name);
            }
        }
        Value::Array(items) => {
            if let Some(at) = position(items, element) {
                items.remove(at);
            }
        }
        _ => {}
    }
}

fn position(items: &[Value], element: &str) -> Option<usize> {
    if let Some(value) = element.strip_prefix("v:") {
        let value: Value = serde_json::from_str(value).ok()?;
        return items.iter().position(|item| *item == value);
    }
    let keys: Map<String, Value> = serde_json::from_str(element.strip_prefix("k:")?).ok()?;
    items.iter().position(|item| {
        keys.iter().all(|(key, value)| match item.get(key) {
            Some(known) => known == value,
            // A key that is left out has its default in the element.
            None => item.is_object(),
        })
    })
}
