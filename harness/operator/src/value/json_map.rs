//! The keys of a JSON object as the keys of a Secret (ESO 2.9.0, `esutils.JSONToSecretDataMap`, `GetByteValue`).

use gjson::Kind;
use rotaproof_base::SecretValue;
use serde_json::Value;

use super::{SecretMap, ValueError};

/// Text verbatim, everything else as the JSON that it is, `null` empty.
pub fn secret_map(json: &[u8]) -> Result<SecretMap, ValueError> {
    let invalid = |line: usize, column: usize| {
        // serde_json's own text can show the value.
        ValueError::new(format!("not a JSON object (line {line}, column {column})"))
    };
    serde_json::from_slice::<serde::de::IgnoredAny>(json)
        .map_err(|error| invalid(error.line(), error.column()))?;
    let text = std::str::from_utf8(json).map_err(|_| invalid(1, 1))?;
    // gjson keeps the text of each value, which a parsed tree would not.
    let object = gjson::parse(text);
    if object.kind() != Kind::Object {
        return Err(invalid(1, 1));
    }
    let mut map = SecretMap::new();
    object.each(|key, value| {
        let bytes = match value.kind() {
            Kind::Null => Vec::new(),
            Kind::String => value.str().as_bytes().to_vec(),
            _ => value.json().as_bytes().to_vec(),
        };
        map.insert(key.str().to_owned(), SecretValue::new(bytes));
        true
    });
    Ok(map)
}

/// The bytes of a parsed JSON value: text verbatim, `null` empty, containers as compact JSON.
pub fn bytes_of(value: &Value) -> SecretValue {
    match value {
        Value::Null => SecretValue::new(Vec::new()),
        Value::String(text) => SecretValue::new(text.as_bytes()),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (None, None, Some(float)) => SecretValue::new(float.to_string()),
            _ => SecretValue::new(number.to_string()),
        },
        other => SecretValue::new(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::text(r#"{"k": "a\nb"}"#, "a\nb")]
    #[case::number(r#"{"k": 1.50}"#, "1.50")]
    #[case::object(r#"{"k": {"a": [1, 2]}}"#, r#"{"a": [1, 2]}"#)]
    #[case::truth(r#"{"k": true}"#, "true")]
    #[case::null(r#"{"k": null}"#, "")]
    fn each_key_keeps_its_value(#[case] json: &str, #[case] expected: &str) {
        let map = secret_map(json.as_bytes()).ok().unwrap();
        assert_eq!(map["k"].expose_str(), Some(expected));
    }

    #[test]
    fn what_is_no_object_is_refused_without_being_shown() {
        let error = secret_map(b"hunter2").err().unwrap().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[rstest]
    #[case(serde_json::json!({"a": [1]}), r#"{"a":[1]}"#)]
    #[case(serde_json::json!("x"), "x")]
    #[case(serde_json::json!(1.50), "1.5")]
    #[case(serde_json::json!(null), "")]
    fn a_parsed_value_becomes_bytes(#[case] value: Value, #[case] expected: &str) {
        assert_eq!(bytes_of(&value).expose_str(), Some(expected));
    }
}
