//! Connect's JSON Patch (RFC 6902): `add`, `remove` and `replace`, with fields and sections addressed by their id.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Step {
    op: String,
    path: String,
    #[serde(default)]
    value: Option<Value>,
}

/// Applies a patch to an item as [`super::item::Item::full`] writes it; how many operations it had.
/// An error is Connect's message, and never has a value in it.
pub(super) fn apply(item: &mut Value, patch: &[u8]) -> Result<usize, String> {
    let steps: Vec<Step> = serde_json::from_slice(patch)
        .map_err(|_| "Invalid patch: a list of operations is expected".to_owned())?;
    let count = steps.len();
    for step in steps {
        step.apply(item)?;
    }
    Ok(count)
}

impl Step {
    fn apply(self, item: &mut Value) -> Result<(), String> {
        if !["add", "remove", "replace"].contains(&self.op.as_str()) {
            return Err("Invalid patch: operations are add, remove and replace".to_owned());
        }
        let removes = self.op == "remove";
        let value = match (self.value, removes) {
            (Some(value), false) => Some(value),
            (_, true) => None,
            (None, false) => return Err("Invalid patch: a value is expected".to_owned()),
        };
        let nowhere = || "Invalid patch: the path leads nowhere".to_owned();
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        let segments: Vec<String> = path.split('/').map(unescape).collect();
        let (last, parents) = segments.split_last().ok_or_else(nowhere)?;
        if parents.is_empty() && last.is_empty() {
            let value = value.ok_or("Invalid patch: the item itself cannot be removed")?;
            *item = value;
            return Ok(());
        }
        let mut parent = item;
        for segment in parents {
            parent = descend(parent, segment).ok_or_else(nowhere)?;
        }
        // To add to a list without a place in it is to append.
        if self.op == "add"
            && let Some(Value::Array(list)) = descend(parent, last)
            && let Some(value) = value.as_ref().filter(|value| !value.is_array())
        {
            list.push(value.clone());
            return Ok(());
        }
        match parent {
            Value::Object(members) => match value {
                Some(value) => {
                    let appended = self.op == "add" && is_list(last) && !value.is_array();
                    let value = match appended {
                        true => Value::Array(vec![value]),
                        false => value,
                    };
                    members.insert(last.clone(), value);
                }
                None => {
                    members.shift_remove(last.as_str()).ok_or_else(nowhere)?;
                }
            },
            Value::Array(list) => {
                let at = position(list, last);
                match (value, at) {
                    (Some(value), Some(at)) if self.op == "replace" || value.is_object() => {
                        let slot = list.get_mut(at).ok_or_else(nowhere)?;
                        *slot = keeping_id(value, slot);
                    }
                    (Some(value), Some(at)) => list.insert(at, value),
                    (Some(value), None) if self.op == "add" && last == "-" => list.push(value),
                    (None, Some(at)) => {
                        list.remove(at);
                    }
                    _ => return Err(nowhere()),
                }
            }
            _ => return Err(nowhere()),
        }
        Ok(())
    }
}

/// The members of an item that are lists.
fn is_list(name: &str) -> bool {
    ["fields", "sections", "urls", "tags"].contains(&name)
}

/// What replaces a field is the same field.
fn keeping_id(mut value: Value, before: &Value) -> Value {
    if let (Value::Object(members), Some(id)) = (&mut value, before.get("id")) {
        members.entry("id").or_insert_with(|| id.clone());
    }
    value
}

fn descend<'a>(value: &'a mut Value, segment: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(members) => members.get_mut(segment),
        Value::Array(list) => {
            let at = position(list, segment)?;
            list.get_mut(at)
        }
        _ => None,
    }
}

/// By id where entries have one, by index otherwise.
fn position(list: &[Value], segment: &str) -> Option<usize> {
    let by_id = |entry: &Value| entry.get("id").and_then(Value::as_str) == Some(segment);
    list.iter()
        .position(by_id)
        .or_else(|| segment.parse().ok().filter(|at| *at < list.len()))
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}
