//! The v2 document in protobuf (`openapi.v2.Document` of google/gnostic), the only form in which client-go reads it: kubectl
//! falls back to it for what v3 does not name, a `List` or a kind that is not there yet.
//!
//! Responses and security are left out, which no client reads in this form.

use serde_json::{Map, Value};

/// Encodes a v2 document.
pub(super) fn encode(document: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, document.get("swagger"));
    out.message(2, |info| {
        info.text(1, document.pointer("/info/title"));
        info.text(2, document.pointer("/info/version"));
    });
    out.message(8, |paths| {
        for (path, item) in members(document.get("paths")) {
            paths.named(2, path, |out| path_item(out, item));
        }
    });
    out.message(9, |definitions| {
        for (name, definition) in members(document.get("definitions")) {
            definitions.named(1, name, |out| schema(out, definition));
        }
    });
    out.0
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn path_item(out: &mut Message, item: &Value) {
    for (number, method) in [
        (2, "get"),
        (3, "put"),
        (4, "post"),
        (5, "delete"),
        (8, "patch"),
    ] {
        if let Some(described) = item.get(method) {
            out.message(number, |out| operation(out, described));
        }
    }
    for described in list(item.get("parameters")) {
        out.message(9, |out| parameter(out, described));
    }
}

fn operation(out: &mut Message, operation: &Value) {
    out.text(3, operation.get("description"));
    out.text(5, operation.get("operationId"));
    for media_type in list(operation.get("consumes")) {
        out.text(7, Some(media_type));
    }
    for described in list(operation.get("parameters")) {
        out.message(8, |out| parameter(out, described));
    }
    out.extensions(13, operation);
}

/// ParametersItem, then Parameter, then the one of its place.
fn parameter(out: &mut Message, parameter: &Value) {
    let place = parameter
        .get("in")
        .and_then(Value::as_str)
        .unwrap_or_default();
    out.message(1, |out| match place {
        "body" => out.message(1, |out| {
            out.text(2, parameter.get("name"));
            out.text(3, parameter.get("in"));
            out.boolean(4, parameter.get("required"));
            out.message(5, |out| {
                schema(out, parameter.get("schema").unwrap_or(&Value::Null))
            });
        }),
        place => out.message(2, |out| {
            let (number, kind) = match place {
                "path" => (4, 5),
                _ => (3, 6),
            };
            out.message(number, |out| {
                out.boolean(1, parameter.get("required"));
                out.text(2, parameter.get("in"));
                out.text(4, parameter.get("name"));
                out.text(kind, parameter.get("type"));
            });
        }),
    });
}

fn schema(out: &mut Message, described: &Value) {
    out.text(1, described.get("$ref"));
    out.text(2, described.get("format"));
    out.text(4, described.get("description"));
    for name in list(described.get("required")) {
        out.text(19, Some(name));
    }
    match described.get("additionalProperties") {
        Some(Value::Bool(any)) => out.message(21, |out| out.boolean(2, Some(&Value::Bool(*any)))),
        Some(inner) => out.message(21, |out| out.message(1, |out| schema(out, inner))),
        None => {}
    }
    if described.get("type").is_some_and(Value::is_string) {
        out.message(22, |out| out.text(1, described.get("type")));
    }
    if let Some(items) = described.get("items") {
        out.message(23, |out| out.message(1, |out| schema(out, items)));
    }
    if described.get("properties").is_some_and(Value::is_object) {
        out.message(25, |out| {
            for (name, property) in members(described.get("properties")) {
                out.named(1, name, |out| schema(out, property));
            }
        });
    }
    out.extensions(31, described);
}

/// A message that is being written. What is absent, or not of the type, is left out.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, field: u32, content: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(content.len() as u64);
        self.0.extend_from_slice(content);
    }

    fn text(&mut self, field: u32, text: Option<&Value>) {
        if let Some(text) = text.and_then(Value::as_str) {
            self.bytes(field, text.as_bytes());
        }
    }

    fn boolean(&mut self, field: u32, value: Option<&Value>) {
        if let Some(value) = value.and_then(Value::as_bool) {
            self.varint(u64::from(field) << 3);
            self.varint(u64::from(value));
        }
    }

    fn message(&mut self, field: u32, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// A pair of a name and a message, as maps are written.
    fn named(&mut self, field: u32, name: &str, write: impl FnOnce(&mut Message)) {
        self.message(field, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.message(2, write);
        });
    }

    /// The `x-` members, whose values are YAML: JSON is.
    fn extensions(&mut self, field: u32, of: &Value) {
        for (name, value) in members(Some(of)).filter(|(name, _)| name.starts_with("x-")) {
            self.named(field, name, |any| {
                any.bytes(2, value.to_string().as_bytes())
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_is_written_field_by_field() {
        let document = json!({"definitions": {"A": {
            "description": "d", "type": "object", "properties": {"p": {"$ref": "#/definitions/B"}}, "x-e": [1],
        }}});
        let reference = b"\x0a\x0f#/definitions/B";
        let property = [
            b"\x0a\x01p\x12".as_slice(),
            &[reference.len() as u8],
            reference,
        ]
        .concat();
        let properties = [b"\x0a".as_slice(), &[property.len() as u8], &property].concat();
        let schema = [
            b"\x22\x01d".as_slice(),
            b"\xb2\x01\x08\x0a\x06object",
            b"\xca\x01",
            &[properties.len() as u8],
            &properties,
            b"\xfa\x01\x0c\x0a\x03x-e\x12\x05\x12\x03[1]",
        ]
        .concat();
        let named = [b"\x0a\x01A\x12".as_slice(), &[schema.len() as u8], &schema].concat();
        let definitions = [b"\x0a".as_slice(), &[named.len() as u8], &named].concat();
        let whole = [
            b"\x12\x00\x42\x00\x4a".as_slice(),
            &[definitions.len() as u8],
            &definitions,
        ]
        .concat();
        assert_eq!(encode(&document), whole);
    }
}
