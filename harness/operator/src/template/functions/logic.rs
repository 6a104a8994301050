//! Emptiness and choice.

use gotmpl::{Result, Value};

use super::Entry;
use super::arguments::{at_least, exactly, fail, kind, string, text};

pub(super) const TABLE: &[Entry] = &[
    ("default", at_least(1), |a| {
        let given = a.get(1).filter(|given| !is_empty(given));
        Ok(given.or(a.first()).cloned().unwrap_or(Value::Nil))
    }),
    ("empty", exactly(1), |a| {
        Ok(Value::Bool(a.iter().all(is_empty)))
    }),
    ("coalesce", at_least(0), |a| {
        Ok(a.iter()
            .find(|value| !is_empty(value))
            .cloned()
            .unwrap_or(Value::Nil))
    }),
    ("ternary", exactly(3), ternary),
    ("fail", exactly(1), |a| fail(text(a, 0)?)),
    ("kindOf", exactly(1), |a| {
        string(a.first().map_or("invalid", kind))
    }),
    ("kindIs", exactly(2), |a| {
        Ok(Value::Bool(text(a, 0)? == a.get(1).map_or("invalid", kind)))
    }),
    ("deepEqual", exactly(2), |a| {
        Ok(Value::Bool(a.first() == a.get(1)))
    }),
];

/// sprig's `empty`.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_truthy()
}

fn ternary(arguments: &[Value]) -> Result<Value> {
    let chosen = match arguments.get(2) {
        Some(Value::Bool(true)) => arguments.first(),
        Some(Value::Bool(false)) => arguments.get(1),
        other => {
            return fail(format!(
                "wrong type for value; expected bool; got {}",
                other.map_or("invalid", kind)
            ));
        }
    };
    Ok(chosen.cloned().unwrap_or(Value::Nil))
}
