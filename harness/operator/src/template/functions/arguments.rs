//! Taking arguments apart, with Go's complaints.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{Result, TemplateError, Value};

/// How many arguments: at least, and at most where there is a limit.
pub(super) type Arity = (usize, Option<usize>);

pub(super) const fn exactly(count: usize) -> Arity {
    (count, Some(count))
}

pub(super) const fn at_least(count: usize) -> Arity {
    (count, None)
}

pub(super) fn check_arity(name: &str, (least, most): Arity, arguments: &[Value]) -> Result<()> {
    let got = arguments.len();
    if got < least || most.is_some_and(|most| got > most) {
        let want = if most.is_some() {
            least.to_string()
        } else {
            format!("at least {least}")
        };
        return fail(format!(
            "wrong number of args for {name}: want {want} got {got}"
        ));
    }
    Ok(())
}

pub(super) fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(TemplateError::Exec(message.into()))
}

pub(super) fn calling(name: &str, error: TemplateError) -> TemplateError {
    match error {
        TemplateError::Exec(message) => {
            TemplateError::Exec(format!("error calling {name}: {message}"))
        }
        other => other,
    }
}

fn wrong<T>(wanted: &str, got: &Value) -> Result<T> {
    fail(format!(
        "wrong type for value; expected {wanted}; got {}",
        kind(got)
    ))
}

/// The name of a value's kind, as Go's `reflect.Kind` has it.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Uint(_) => "uint",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "slice",
        Value::Map(_) => "map",
        _ => "func",
    }
}

pub(super) fn text(arguments: &[Value], at: usize) -> Result<&str> {
    match arguments.get(at) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => wrong("string", other),
        None => wrong("string", &Value::Nil),
    }
}

pub(super) fn whole(arguments: &[Value], at: usize) -> Result<i64> {
    match arguments.get(at) {
        Some(Value::Int(number)) => Ok(*number),
        Some(Value::Uint(number)) => Ok(i64::try_from(*number).unwrap_or(i64::MAX)),
        Some(other) => wrong("int", other),
        None => wrong("int", &Value::Nil),
    }
}

pub(super) fn list(arguments: &[Value], at: usize) -> Result<&[Value]> {
    match arguments.get(at) {
        Some(Value::List(items)) => Ok(items),
        Some(other) => wrong("slice", other),
        None => wrong("slice", &Value::Nil),
    }
}

pub(super) fn map(arguments: &[Value], at: usize) -> Result<&BTreeMap<Arc<str>, Value>> {
    match arguments.get(at) {
        Some(Value::Map(map)) => Ok(map),
        Some(other) => wrong("map[string]interface {}", other),
        None => wrong("map[string]interface {}", &Value::Nil),
    }
}

/// sprig's `strval`.
pub(super) fn printed(value: &Value) -> String {
    value.to_string()
}

pub(super) fn string(text: impl Into<String>) -> Result<Value> {
    Ok(Value::String(text.into().into()))
}

pub(super) fn items(items: impl IntoIterator<Item = Value>) -> Result<Value> {
    Ok(Value::List(items.into_iter().collect::<Vec<_>>().into()))
}

pub(super) fn strings<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Result<Value> {
    items(
        texts
            .into_iter()
            .map(|text| Value::String(text.into().into())),
    )
}
