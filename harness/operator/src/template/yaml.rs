//! YAML in and out, as ESO's sigs.k8s.io/yaml does it: through JSON.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

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
                Value::Number(number) => go_number(&number),
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
    // Go's parser is of YAML 1.1: a leading zero means octal, and of two equal keys the later stays.
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
    };
    serde_saphyr::from_str_with_options(source, options).map_err(|error| {
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

/// A number as sigs.k8s.io/yaml turns it into text: Go's `FormatFloat(f, 'g', -1, 64)` where it is no integer.
fn go_number(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    let scientific = format!("{float:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) if !(-4..6).contains(&exponent) => {
                let sign = if exponent < 0 { '-' } else { '+' };
                format!("{digits}e{sign}{:02}", exponent.abs())
            }
            _ => float.to_string(),
        },
        None => scientific,
    }
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::text("plain", "plain")]
    #[case::quoted("'0123'", "0123")]
    #[case::whole("5432", "5432")]
    #[case::octal("0644", "420")]
    #[case::fraction("1.50", "1.5")]
    #[case::large("1.5e7", "1.5e+07")]
    #[case::truth("true", "true")]
    #[case::null("~", "")]
    #[case::empty("", "")]
    #[case::date("2025-11-08", "2025-11-08")]
    fn a_value_becomes_the_text_that_go_makes_of_it(#[case] written: &str, #[case] expected: &str) {
        let map = string_map(format!("k: {written}").as_bytes()).unwrap();
        assert_eq!(map["k"], expected);
    }

    #[test]
    fn of_two_equal_keys_the_later_stays() {
        assert_eq!(string_map(b"a: one\na: two").unwrap()["a"], "two");
    }

    #[test]
    fn what_is_no_yaml_is_refused_without_being_shown() {
        let error = string_map(b"a: 'hunter2").unwrap_err().to_string();
        assert!(
            error.starts_with("error converting YAML to JSON: yaml: "),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}
