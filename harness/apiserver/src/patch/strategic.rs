//! Strategic merge patch: a merge patch that knows which lists merge and by which key.
//!
//! The rules are those of k8s.io/apimachinery `pkg/util/strategicpatch` (v0.34): directives `$patch`,
//! `$deleteFromPrimitiveList/x`, `$setElementOrder/x` and `$retainKeys`.

use serde_json::{Map, Value};

use super::{ListStrategy, MergeKeys, PatchError};

const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";
const RETAIN: &str = "$retainKeys";
const DIRECTIVE: &str = "$patch";

/// Applies a strategic merge patch. `null` deletes a field; the lists in `keys` merge.
pub fn strategic_merge_patch(
    target: &Value,
    patch: &Value,
    keys: &MergeKeys,
) -> Result<Value, PatchError> {
    let (Value::Object(target), Value::Object(patch)) = (target, patch) else {
        return Err(PatchError::Malformed(
            "a strategic merge patch and its target must be objects".to_owned(),
        ));
    };
    let mut path = Vec::new();
    Ok(Value::Object(merge_objects(
        target.clone(),
        patch,
        *keys,
        &mut path,
    )?))
}

fn merge_objects<'p>(
    mut target: Map<String, Value>,
    patch: &'p Map<String, Value>,
    keys: MergeKeys,
    path: &mut Vec<&'p str>,
) -> Result<Map<String, Value>, PatchError> {
    match patch.get(DIRECTIVE) {
        None => {}
        Some(Value::String(directive)) => match directive.as_str() {
            "replace" => return Ok(without_directives(patch)),
            "delete" => return Ok(Map::new()),
            "merge" => {}
            other => return Err(unknown_directive(other)),
        },
        Some(_) => return Err(malformed("$patch must be a string")),
    }
    retain_keys(&mut target, patch)?;
    for (field, value) in patch {
        if field == DIRECTIVE || field == RETAIN {
            continue;
        }
        if let Some(list) = field.strip_prefix(DELETE_FROM) {
            delete_scalars(&mut target, list, value)?;
            continue;
        }
        if field.starts_with(ORDER) {
            continue;
        }
        path.push(field);
        let merged = merge_field(target.get(field), value, keys, path);
        path.pop();
        match merged? {
            Some(merged) => {
                target.insert(field.clone(), merged);
            }
            None => {
                target.shift_remove(field);
            }
        }
    }
    for (field, order) in patch {
        if let Some(list) = field.strip_prefix(ORDER) {
            path.push(list);
            let strategy = keys.list(path.iter().rev().copied());
            path.pop();
            order_list(&mut target, list, order, strategy)?;
        }
    }
    Ok(target)
}

/// The field's new value; none where it is deleted.
fn merge_field<'p>(
    target: Option<&Value>,
    patch: &'p Value,
    keys: MergeKeys,
    path: &mut Vec<&'p str>,
) -> Result<Option<Value>, PatchError> {
    Ok(match (target, patch) {
        (_, Value::Null) => None,
        (Some(Value::Object(target)), Value::Object(patch)) => {
            if patch.get(DIRECTIVE).and_then(Value::as_str) == Some("delete") {
                return Ok(None);
            }
            Some(merge_objects(target.clone(), patch, keys, path)?.into())
        }
        (_, Value::Object(patch)) => {
            if patch.get(DIRECTIVE).and_then(Value::as_str) == Some("delete") {
                return Ok(None);
            }
            Some(merge_objects(Map::new(), patch, keys, path)?.into())
        }
        (target, Value::Array(patch)) => {
            let target = target
                .and_then(Value::as_array)
                .map_or(&[][..], |list| list);
            Some(merge_lists(target, patch, keys, path)?.into())
        }
        (_, scalar) => Some(scalar.clone()),
    })
}

fn merge_lists<'p>(
    target: &[Value],
    patch: &'p [Value],
    keys: MergeKeys,
    path: &mut Vec<&'p str>,
) -> Result<Vec<Value>, PatchError> {
    match keys.list(path.iter().rev().copied()) {
        ListStrategy::Atomic => Ok(patch.iter().map(clean).collect()),
        ListStrategy::Set => {
            let kept = target.iter().filter(|item| !patch.contains(item)).cloned();
            let place = |item: &Value| target.iter().position(|known| known == item);
            Ok(interleave(kept.collect(), patch.to_vec(), place))
        }
        ListStrategy::Map(key, _) => merge_keyed(target, patch, key, keys, path),
    }
}

fn merge_keyed<'p>(
    target: &[Value],
    patch: &'p [Value],
    key: &str,
    keys: MergeKeys,
    path: &mut Vec<&'p str>,
) -> Result<Vec<Value>, PatchError> {
    let replaces = patch
        .iter()
        .any(|item| item.get(DIRECTIVE).and_then(Value::as_str) == Some("replace"));
    if replaces {
        // `$patch: replace` as an item of its own replaces the list by the other items.
        return Ok(patch
            .iter()
            .filter(|item| item.get(DIRECTIVE).is_none())
            .map(clean)
            .collect());
    }
    if target.is_empty() {
        // There is nothing to merge with, and no key to merge by.
        let added = patch.iter().filter(|item| item.get(DIRECTIVE).is_none());
        return Ok(added.map(clean).collect());
    }
    let mut merged = target.to_vec();
    let mut patched = Vec::new();
    for item in patch {
        let Value::Object(item) = item else {
            return Err(malformed(&format!(
                "an item of the list {} must be an object",
                path.join(".")
            )));
        };
        let Some(id) = item.get(key) else {
            return Err(PatchError::Unknown(format!(
                "map: {} does not contain declared merge key: {key}",
                path.join(".")
            )));
        };
        let at = merged.iter().position(|known| known.get(key) == Some(id));
        match item.get(DIRECTIVE) {
            Some(Value::String(directive)) if directive == "delete" => {
                merged.retain(|known| known.get(key) != Some(id));
                continue;
            }
            None => {}
            Some(Value::String(directive)) if directive == "merge" => {}
            Some(Value::String(other)) => return Err(unknown_directive(other)),
            Some(_) => return Err(malformed("$patch must be a string")),
        }
        let known = at.and_then(|at| merged.get(at)).and_then(Value::as_object);
        let result = Value::Object(merge_objects(
            known.cloned().unwrap_or_default(),
            item,
            keys,
            path,
        )?);
        merged.retain(|known| known.get(key) != Some(id));
        patched.retain(|known: &Value| known.get(key) != Some(id));
        patched.push(result);
    }
    let place = |item: &Value| {
        target
            .iter()
            .position(|known| known.get(key) == item.get(key))
    };
    Ok(interleave(merged, patched, place))
}

/// The items that a patch left alone and those that it names: each in their own order, one that is left alone before a
/// named one only where it was before it (`mergeSortedSlice` of k8s.io/apimachinery).
fn interleave(
    kept: Vec<Value>,
    patched: Vec<Value>,
    place: impl Fn(&Value) -> Option<usize>,
) -> Vec<Value> {
    let mut kept = kept.into_iter().peekable();
    let mut merged = Vec::new();
    for item in patched {
        if let Some(at) = place(&item) {
            while let Some(earlier) = kept.next_if(|known| place(known) < Some(at)) {
                merged.push(earlier);
            }
        }
        merged.push(item);
    }
    merged.extend(kept);
    merged
}

fn retain_keys(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<(), PatchError> {
    let Some(retained) = patch.get(RETAIN) else {
        return Ok(());
    };
    let Some(retained) = retained.as_array() else {
        return Err(malformed("$retainKeys must be a list"));
    };
    target.retain(|field, _| retained.iter().any(|kept| kept.as_str() == Some(field)));
    Ok(())
}

fn delete_scalars(
    target: &mut Map<String, Value>,
    list: &str,
    values: &Value,
) -> Result<(), PatchError> {
    let Some(values) = values.as_array() else {
        return Err(malformed("$deleteFromPrimitiveList must be a list"));
    };
    if let Some(Value::Array(items)) = target.get_mut(list) {
        items.retain(|item| !values.contains(item));
    }
    Ok(())
}

/// Puts the listed items into the listed order; the others keep theirs, between them.
fn order_list(
    target: &mut Map<String, Value>,
    list: &str,
    order: &Value,
    strategy: ListStrategy,
) -> Result<(), PatchError> {
    let Some(order) = order.as_array() else {
        return Err(malformed("$setElementOrder must be a list"));
    };
    let Some(Value::Array(items)) = target.get_mut(list) else {
        return Ok(());
    };
    let rank = |item: &Value| {
        order.iter().position(|wanted| match strategy {
            ListStrategy::Map(key, _) => {
                let wanted = wanted.get(key);
                wanted.is_some() && wanted == item.get(key)
            }
            _ => wanted == item,
        })
    };
    let before = items.clone();
    let (mut listed, others): (Vec<Value>, Vec<Value>) =
        items.drain(..).partition(|item| rank(item).is_some());
    listed.sort_by_key(&rank);
    let place = |item: &Value| before.iter().position(|known| known == item);
    *items = interleave(others, listed, place);
    Ok(())
}

fn clean(value: &Value) -> Value {
    match value {
        Value::Object(object) => without_directives(object).into(),
        Value::Array(list) => list.iter().map(clean).collect(),
        other => other.clone(),
    }
}

fn without_directives(patch: &Map<String, Value>) -> Map<String, Value> {
    patch
        .iter()
        .filter(|(field, value)| {
            !value.is_null()
                && *field != DIRECTIVE
                && *field != RETAIN
                && !field.starts_with(DELETE_FROM)
                && !field.starts_with(ORDER)
        })
        .map(|(field, value)| (field.clone(), clean(value)))
        .collect()
}

fn malformed(text: &str) -> PatchError {
    PatchError::Malformed(text.to_owned())
}

fn unknown_directive(name: &str) -> PatchError {
    PatchError::Unknown(format!("unknown patch type: {name} in map"))
}
