//! From a secret's data to values: `getSecretValue` in `client_get.go`, `GetByteValue` in `runtime/esutils`, and
//! `encoding/json`'s way of writing.

use rotaproof_base::SecretValue;
use serde_json::{Map, Value};

use super::super::{ProviderError, SecretMap};
use crate::value::property as property_of;

/// `json.Marshal`: sorted keys, and `<`, `>`, `&`, U+2028 and U+2029 escaped.
pub(super) fn marshal(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    let text = value.to_string();
    // Outside of texts JSON has none of these.
    let special = ['<', '>', '&', '\u{2028}', '\u{2029}'];
    if !text.contains(special) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if special.contains(&c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A value of the data as bytes. `decoded` numbers went through a float, as `json.Unmarshal` leaves them.
fn bytes(value: &Value, decoded: bool) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Null => Vec::new(),
        Value::Bool(yes) => yes.to_string().into_bytes(),
        Value::Number(number) if decoded => match number.as_f64() {
            Some(float) => float.to_string().into_bytes(),
            None => number.to_string().into_bytes(),
        },
        Value::Number(number) => number.to_string().into_bytes(),
        nested => marshal(nested).into_bytes(),
    }
}

/// One value: all data as JSON without a property, a key of that very name, or else a gjson path.
pub(super) fn value(
    data: Map<String, Value>,
    property: Option<&str>,
) -> Result<SecretValue, ProviderError> {
    let property = property.unwrap_or_default();
    if let Some(value) = data.get(property).filter(|_| !property.is_empty()) {
        return Ok(SecretValue::new(bytes(value, false)));
    }
    let json = marshal(&Value::Object(data));
    if property.is_empty() {
        return Ok(SecretValue::new(json));
    }
    property_of(json.as_bytes(), property)
        .map(SecretValue::new)
        .ok_or_else(|| {
            ProviderError::Other(format!("cannot find secret data for key: {property:?}"))
        })
}

/// All keys of a value that is a JSON object.
pub(super) fn members(value: &SecretValue) -> Result<SecretMap, ProviderError> {
    let parsed: Value = serde_json::from_slice(value.expose()).map_err(|error| {
        // Go quotes the character where it stumbled; that would be one of the value.
        ProviderError::other(if error.is_eof() {
            "unexpected end of JSON input"
        } else {
            "invalid character looking for beginning of value"
        })
    })?;
    let kind = match parsed {
        Value::Object(members) => {
            return Ok(members
                .iter()
                .map(|(name, value)| (name.clone(), SecretValue::new(bytes(value, true))))
                .collect());
        }
        Value::Null => return Ok(SecretMap::new()),
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
    };
    Err(ProviderError::Other(format!(
        "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    )))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn data() -> Map<String, Value> {
        let value = json!({
            "user": "a", "url": "a<b>&c", "n": 5, "f": 1.5, "yes": true, "none": null,
            "nested": {"z": [1, 2], "a": "x"}, "dotted.key": "exact",
        });
        value.as_object().cloned().unwrap_or_default()
    }

    #[rstest]
    #[case("user", "a")]
    #[case("url", "a<b>&c")]
    #[case("n", "5")]
    #[case("f", "1.5")]
    #[case("yes", "true")]
    #[case("none", "")]
    #[case("nested", r#"{"a":"x","z":[1,2]}"#)]
    #[case::a_path("nested.z.1", "2")]
    #[case::a_key_of_that_name_wins("dotted.key", "exact")]
    fn a_property_is_read_as_eso_does(#[case] property: &str, #[case] expected: &str) {
        let value = value(data(), Some(property)).unwrap();
        assert_eq!(value.expose_str(), Some(expected));
    }

    #[test]
    fn without_a_property_all_data_is_written_as_go_does() {
        let value = value(data(), None).unwrap();
        assert_eq!(
            value.expose_str(),
            Some(
                r#"{"dotted.key":"exact","f":1.5,"n":5,"nested":{"a":"x","z":[1,2]},"none":null,"url":"a\u003cb\u003e\u0026c","user":"a","yes":true}"#
            )
        );
    }

    #[test]
    fn a_missing_property_is_an_error_and_not_a_missing_secret() {
        let error = value(data(), Some("nope")).err();
        let text = "cannot find secret data for key: \"nope\"";
        assert_eq!(error, Some(ProviderError::other(text)));
    }

    #[test]
    fn extracting_reads_every_key_and_refuses_what_is_no_object() {
        let all = value(data(), None).unwrap();
        let map = members(&all).unwrap();
        assert_eq!(map["url"].expose_str(), Some("a<b>&c"));
        assert_eq!(map["nested"].expose_str(), Some(r#"{"a":"x","z":[1,2]}"#));
        assert_eq!(map["n"].expose_str(), Some("5"));
        let text = members(&SecretValue::new("[1]"))
            .err()
            .map(|e| e.to_string());
        let expected = "json: cannot unmarshal array into Go value of type map[string]interface {}";
        assert_eq!(text.as_deref(), Some(expected));
        let text = members(&SecretValue::new("hunter2"))
            .err()
            .map(|e| e.to_string());
        let expected = "invalid character looking for beginning of value";
        assert_eq!(text.as_deref(), Some(expected));
    }
}
