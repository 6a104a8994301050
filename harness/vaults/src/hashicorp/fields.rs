//! The fields of a request, from its JSON body or its query, decoded as leniently as Vault's framework does.

use std::time::Duration;

use serde_json::{Map, Value};

use super::answer::Answer;
use super::time::parse_duration;

/// The fields of one request.
#[derive(Default)]
pub(super) struct Fields(Map<String, Value>);

fn invalid(field: &str, detail: &str) -> Answer {
    Answer::bad_request(format!(
        "Field validation failed: error converting input for field {field:?}: {detail}"
    ))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(_) => "json.Number",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A whole number, from a number, digits, or a truth value.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().map(|f| f as i64)),
        Value::String(text) if text.is_empty() => Some(0),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(yes) => Some(i64::from(*yes)),
        Value::Null => Some(0),
        _ => None,
    }
}

impl Fields {
    /// Reads a JSON body; an empty one has no fields. What follows the first JSON value is ignored, as Vault does.
    pub(super) fn from_body(body: &[u8]) -> Result<Self, Answer> {
        let parse =
            |detail: String| Answer::bad_request(format!("failed to parse JSON input: {detail}"));
        let Some(&first) = body.iter().find(|b| !b.is_ascii_whitespace()) else {
            return Ok(Self::default());
        };
        let mut values = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(fields))) => Ok(Self(fields)),
            Some(Ok(Value::Null)) | None => Ok(Self::default()),
            Some(Ok(other)) => {
                let kind = match other {
                    Value::Array(_) => "array",
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    _ => "number",
                };
                Err(parse(format!(
                    "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
                )))
            }
            Some(Err(error)) if error.is_eof() => Err(parse("unexpected EOF".to_owned())),
            // Where in the body the fault is would need a value's surroundings; only a bad start is quoted.
            Some(Err(_)) if !matches!(first, b'{' | b'[' | b'"') && first.is_ascii_graphic() => {
                Err(parse(format!(
                    "invalid character '{}' looking for beginning of value",
                    char::from(first)
                )))
            }
            Some(Err(error)) => Err(parse(format!(
                "invalid character at line {} column {}",
                error.line(),
                error.column()
            ))),
        }
    }

    /// Reads a query string.
    pub(super) fn from_query(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect(),
        )
    }

    /// All fields.
    pub(super) fn all(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Text; numbers and truth values are written out. Empty where absent.
    pub(super) fn text(&self, field: &str) -> Result<String, Answer> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(yes)) => Ok(if *yes { "1" } else { "0" }.to_owned()),
            Some(other) => Err(invalid(
                field,
                &format!(
                    "expected type 'string', got unconvertible type '{}'",
                    kind(other)
                ),
            )),
        }
    }

    /// A whole number.
    pub(super) fn number(&self, field: &str) -> Result<Option<i64>, Answer> {
        let Some(value) = self.0.get(field) else {
            return Ok(None);
        };
        match (whole(value), value) {
            (Some(number), _) => Ok(Some(number)),
            (None, Value::String(text)) => Err(invalid(
                field,
                &format!("strconv.ParseInt: parsing {text:?}: invalid syntax"),
            )),
            (None, other) => Err(invalid(
                field,
                &format!(
                    "expected type 'int', got unconvertible type '{}'",
                    kind(other)
                ),
            )),
        }
    }

    /// A truth value.
    pub(super) fn truth(&self, field: &str) -> Result<Option<bool>, Answer> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(false)),
            Some(Value::Bool(yes)) => Ok(Some(*yes)),
            Some(Value::Number(number)) => Ok(Some(number.as_f64() != Some(0.0))),
            Some(Value::String(text)) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Some(true)),
                "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Some(false)),
                other => Err(invalid(
                    field,
                    &format!("strconv.ParseBool: parsing {other:?}: invalid syntax"),
                )),
            },
            Some(other) => Err(invalid(
                field,
                &format!(
                    "expected type 'bool', got unconvertible type '{}'",
                    kind(other)
                ),
            )),
        }
    }

    /// A duration: seconds, or `1h30m`.
    pub(super) fn duration(&self, field: &str) -> Result<Option<Duration>, Answer> {
        let parsed = match self.0.get(field) {
            None => return Ok(None),
            Some(Value::Null) => Some(Duration::ZERO),
            Some(Value::Number(number)) => number.as_u64().map(Duration::from_secs),
            Some(Value::String(text)) => parse_duration(text),
            Some(_) => None,
        };
        parsed
            .map(Some)
            .ok_or_else(|| invalid(field, "could not parse duration from input"))
    }

    /// Whole numbers: a list of them, one, or `1,2`.
    pub(super) fn numbers(&self, field: &str) -> Result<Vec<u64>, Answer> {
        let list: Vec<Value> = match self.0.get(field) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(Value::String(text)) => text
                .split(',')
                .filter(|part| !part.trim().is_empty())
                .map(|part| Value::String(part.trim().to_owned()))
                .collect(),
            Some(one) => vec![one.clone()],
        };
        list.iter()
            .map(|value| whole(value).and_then(|n| u64::try_from(n).ok()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| invalid(field, "expected a list of whole numbers"))
    }

    /// Texts: a list of them, or `a,b`.
    pub(super) fn texts(&self, field: &str) -> Result<Vec<String>, Answer> {
        let split = |text: &str| {
            let parts = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(split(text)),
            Some(Value::Array(list)) => list
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| invalid(field, "expected a list of strings")),
            Some(other) => Err(invalid(
                field,
                &format!("expected a list, got '{}'", kind(other)),
            )),
        }
    }

    /// An object; `Some(None)` where it is `null`.
    pub(super) fn object(
        &self,
        field: &str,
    ) -> Result<Option<Option<&Map<String, Value>>>, Answer> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::Object(members)) => Ok(Some(Some(members))),
            Some(other) => Err(invalid(
                field,
                &format!("'' expected a map, got '{}'", kind(other)),
            )),
        }
    }
}

/// The number in a `cas` option, if it is one.
pub(super) fn check_and_set(value: &Value) -> Option<i64> {
    whole(value)
}
