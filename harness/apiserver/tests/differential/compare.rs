//! Two answers, field by field.

use std::collections::BTreeSet;

use serde_json::Value;

/// A field that differs; an absent one is none.
#[derive(Clone)]
pub(crate) struct Difference {
    /// `body.metadata.labels`
    pub(crate) at: String,
    pub(crate) real: Option<Value>,
    pub(crate) ours: Option<Value>,
}

/// What differs, down to the fields that do.
pub(crate) fn differences(real: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk("", Some(real), Some(ours), &mut found);
    found
}

fn walk(at: &str, real: Option<&Value>, ours: Option<&Value>, found: &mut Vec<Difference>) {
    match (real, ours) {
        (real, ours) if real == ours => {}
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let at = match at {
                    "" => name.clone(),
                    at => format!("{at}.{name}"),
                };
                walk(&at, one.get(name), other.get(name), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for index in 0..one.len().max(other.len()) {
                walk(
                    &format!("{at}[{index}]"),
                    one.get(index),
                    other.get(index),
                    found,
                );
            }
        }
        (real, ours) => found.push(Difference {
            at: at.to_owned(),
            real: real.cloned(),
            ours: ours.cloned(),
        }),
    }
}
