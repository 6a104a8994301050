//! Dicts. Values do not change in place here, so `set` and `unset` are not among them.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{Result, Value};

use super::Entry;
use super::arguments::{at_least, exactly, fail, items, map, printed, strings, text};
use super::logic::is_empty;

type Dict = BTreeMap<Arc<str>, Value>;

pub(super) const TABLE: &[Entry] = &[
    ("dict", at_least(0), |a| {
        made(
            a.chunks(2)
                .map(|pair| {
                    let empty = || Value::String("".into());
                    let key: Arc<str> = pair.first().map(printed).unwrap_or_default().into();
                    (key, pair.get(1).cloned().unwrap_or_else(empty))
                })
                .collect(),
        )
    }),
    ("get", exactly(2), |a| {
        let found = map(a, 0)?.get(text(a, 1)?).cloned();
        Ok(found.unwrap_or_else(|| Value::String("".into())))
    }),
    ("hasKey", exactly(2), |a| {
        Ok(Value::Bool(map(a, 0)?.contains_key(text(a, 1)?)))
    }),
    ("keys", at_least(0), |a| {
        let mut keys: Vec<String> = Vec::new();
        for at in 0..a.len() {
            keys.extend(map(a, at)?.keys().map(ToString::to_string));
        }
        strings(keys)
    }),
    ("values", exactly(1), |a| {
        items(map(a, 0)?.values().cloned())
    }),
    ("pluck", at_least(1), |a| {
        let key = text(a, 0)?;
        let mut found = Vec::new();
        for at in 1..a.len() {
            found.extend(map(a, at)?.get(key).cloned());
        }
        items(found)
    }),
    ("pick", at_least(1), |a| {
        let wanted = names(a)?;
        made(
            map(a, 0)?
                .iter()
                .filter(|(key, _)| wanted.contains(&key.as_ref()))
                .map(owned)
                .collect(),
        )
    }),
    ("omit", at_least(1), |a| {
        let unwanted = names(a)?;
        made(
            map(a, 0)?
                .iter()
                .filter(|(key, _)| !unwanted.contains(&key.as_ref()))
                .map(owned)
                .collect(),
        )
    }),
    ("merge", at_least(1), |a| merged(a, false)),
    ("mustMerge", at_least(1), |a| merged(a, false)),
    ("mergeOverwrite", at_least(1), |a| merged(a, true)),
    ("mustMergeOverwrite", at_least(1), |a| merged(a, true)),
    ("dig", at_least(3), dig),
    ("deepCopy", exactly(1), |a| {
        Ok(a.first().cloned().unwrap_or(Value::Nil))
    }),
    ("mustDeepCopy", exactly(1), |a| {
        Ok(a.first().cloned().unwrap_or(Value::Nil))
    }),
];

fn made(dict: Dict) -> Result<Value> {
    Ok(Value::Map(Arc::new(dict)))
}

fn owned((key, value): (&Arc<str>, &Value)) -> (Arc<str>, Value) {
    (key.clone(), value.clone())
}

fn names(arguments: &[Value]) -> Result<Vec<&str>> {
    (1..arguments.len()).map(|at| text(arguments, at)).collect()
}

/// mergo: dicts merge deeply; a value that is there wins unless it is empty, or loses with `overwrite`.
fn merged(arguments: &[Value], overwrite: bool) -> Result<Value> {
    let mut result = map(arguments, 0)?.clone();
    for at in 1..arguments.len() {
        merge_into(&mut result, map(arguments, at)?, overwrite);
    }
    made(result)
}

fn merge_into(target: &mut Dict, source: &Dict, overwrite: bool) {
    for (key, value) in source {
        let merged = match (target.get(key), value) {
            (Some(Value::Map(known)), Value::Map(value)) => {
                let mut inner = (**known).clone();
                merge_into(&mut inner, value, overwrite);
                Value::Map(Arc::new(inner))
            }
            (Some(known), value) if overwrite => {
                if is_empty(value) {
                    known.clone()
                } else {
                    value.clone()
                }
            }
            (Some(known), _) if !is_empty(known) => known.clone(),
            (_, value) => value.clone(),
        };
        target.insert(key.clone(), merged);
    }
}

fn dig(arguments: &[Value]) -> Result<Value> {
    let [path @ .., default, dict] = arguments else {
        return fail("dig needs at least three arguments");
    };
    let mut at = dict;
    for step in path {
        let Value::Map(map) = at else {
            return fail("dig reached a value that is no dict");
        };
        match map.get(printed(step).as_str()) {
            Some(value) => at = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(at.clone())
}
