//! Between the engine's values and JSON, as Go's `encoding/json` goes between `interface{}` and JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::Value;
use serde_json::{Map, Number, Value as Json};

/// JSON numbers become floats, as in Go.
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::String(text.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect::<Vec<_>>().into()),
        Json::Object(object) => Value::Map(Arc::new(
            object
                .iter()
                .map(|(key, value)| (Arc::from(key.as_str()), from_json(value)))
                .collect::<BTreeMap<Arc<str>, Value>>(),
        )),
    }
}

/// Floats without a fraction are written as whole numbers, as in Go. None for a function.
pub(super) fn to_json(value: &Value) -> Option<Json> {
    /// Whole floats are exact below this.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    Some(match value {
        Value::Nil => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) => Json::from(*number),
        Value::Uint(number) => Json::from(*number),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < EXACT => {
            Json::from(*number as i64)
        }
        Value::Float(number) => Json::Number(Number::from_f64(*number)?),
        Value::String(text) => Json::String(text.to_string()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(map) => {
            let mut object = Map::new();
            for (key, value) in map.iter() {
                object.insert(key.to_string(), to_json(value)?);
            }
            Json::Object(object)
        }
        _ => return None,
    })
}
