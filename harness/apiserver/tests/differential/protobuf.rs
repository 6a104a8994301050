//! Protobuf bodies, as the files of `calls/` write them: a map of field numbers to texts, numbers, messages and lists.

use serde_json::{Map, Value};

/// `{apiVersion, kind, fields}` in the envelope in which client-go sends it.
pub(crate) fn body(notation: &Value) -> Vec<u8> {
    let text = |name: &str| notation[name].as_str().unwrap_or_default().as_bytes();
    let meta = [block(1, text("apiVersion")), block(2, text("kind"))].concat();
    let object = notation["fields"].as_object().map(message);
    [
        b"k8s\0".to_vec(),
        block(1, &meta),
        block(2, &object.unwrap_or_default()),
        // Two empty texts: the encoding and the type of the content.
        block(3, b""),
        block(4, b""),
    ]
    .concat()
}

fn message(fields: &Map<String, Value>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, value) in fields {
        let number = number.parse().unwrap();
        match value {
            Value::Array(items) => items
                .iter()
                .for_each(|item| bytes.extend(field(number, item))),
            value => bytes.extend(field(number, value)),
        }
    }
    bytes
}

fn field(number: u64, value: &Value) -> Vec<u8> {
    match value {
        Value::Object(fields) => block(number, &message(fields)),
        Value::String(text) => block(number, text.as_bytes()),
        Value::Bool(flag) => [varint(number << 3), varint((*flag).into())].concat(),
        Value::Number(value) => [
            varint(number << 3),
            varint(value.as_i64().unwrap().cast_unsigned()),
        ]
        .concat(),
        other => panic!("no notation of Protobuf: {other}"),
    }
}

fn block(number: u64, body: &[u8]) -> Vec<u8> {
    [
        varint(number << 3 | 2),
        varint(body.len() as u64),
        body.to_vec(),
    ]
    .concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
