//! YAML in and out, as ESO's sigs.k8s.io/yaml does it: through JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{TemplateError, text};

/// A rendered YAML map of texts; numbers and booleans become text, `null` becomes empty.
pub(super) fn string_map(rendered: &[u8]) -> Result<BTreeMap<String, String>, TemplateError> {
    let source = text::from_bytes(rendered);
    if source.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    let value = parse(&source)?;
    let object = match value {
        Value::Null => return Ok(BTreeMap::new()),
        Value::Object(object) => object,
        other => {
            return Err(TemplateError::new(format!(
                "error unmarshaling JSON: json: cannot unmarshal {} into Go value of type map[string]string",
                kind(&other)
            )));
        }
    };
    object
        .into_iter()
        .map(|(key, value)| {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text,
                Value::Bool(truth) => truth.to_string(),
                Value::Number(number) => number.to_string(),
                other => {
                    return Err(TemplateError::new(format!(
                        "error unmarshaling JSON: json: cannot unmarshal {} into Go value of type string (key {key})",
                        kind(&other)
                    )));
                }
            };
            Ok((key, text))
        })
        .collect()
}

/// Any YAML document; the error says where, never what.
pub(super) fn parse(source: &str) -> Result<Value, TemplateError> {
    serde_saphyr::from_str(source).map_err(|error| {
        let at = error
            .location()
            .map(|location| format!("line {}: ", location.line()))
            .unwrap_or_default();
        TemplateError::new(format!(
            "error converting YAML to JSON: yaml: {at}not valid YAML"
        ))
    })
}

/// YAML with sorted keys and no final line break; empty where it cannot be written, as `toYaml` is.
pub(super) fn write(value: &Value) -> String {
    serde_saphyr::to_string(value)
        .map(|text| text.trim_end_matches('\n').to_owned())
        .unwrap_or_default()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
