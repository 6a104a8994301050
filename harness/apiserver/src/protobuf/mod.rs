//! Bodies in `application/vnd.kubernetes.protobuf`, which kubectl and client-go send for built-in kinds.
//!
//! The envelope is four magic bytes and a `runtime.Unknown`; what is in it is read by the table
//! of the messages' fields into the JSON of the same object. Answers are JSON: all these clients accept it.

mod wire;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use wire::Raw;

use crate::typed::{self, Field, Message, Type};

/// `runtime.NewSerializer`'s prefix.
const MAGIC: &[u8] = b"k8s\0";
/// No message of Kubernetes is nested as deeply; the reader recurses.
const MAX_DEPTH: usize = 48;

/// Why a body cannot be read. Never shows a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error("provided data does not appear to be a protobuf message, expected prefix 6b387300")]
    NoMagic,
    #[error("unexpected EOF or malformed field")]
    Malformed,
    /// A kind without Protobuf form, e.g. a custom resource.
    #[error("no kind {0:?} is known in Protobuf")]
    UnknownKind(String),
}

/// Reads a body into the JSON form of its object, `apiVersion` and `kind` included.
pub(crate) fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let body = body.strip_prefix(MAGIC).ok_or(ProtobufError::NoMagic)?;
    let (mut version, mut kind) = (String::new(), String::new());
    let (mut object, mut content_type) = (&[][..], String::new());
    for (number, raw) in wire::fields(body)? {
        match (number, raw) {
            (1, Raw::Bytes(meta)) => {
                for (number, raw) in wire::fields(meta)? {
                    match number {
                        1 => version = raw.text()?,
                        2 => kind = raw.text()?,
                        _ => {}
                    }
                }
            }
            (2, Raw::Bytes(bytes)) => object = bytes,
            (4, raw) => content_type = raw.text()?,
            _ => {}
        }
    }
    let mut value = match content_type.as_str() {
        "application/json" => {
            serde_json::from_slice(object).map_err(|_| ProtobufError::Malformed)?
        }
        _ => {
            let message = typed::message(&kind);
            let message = message.ok_or_else(|| ProtobufError::UnknownKind(kind.clone()))?;
            Value::Object(read(message, object, MAX_DEPTH)?)
        }
    };
    if let Some(object) = value.as_object_mut() {
        for (at, (field, text)) in [("apiVersion", version), ("kind", kind)]
            .into_iter()
            .enumerate()
        {
            object.shift_insert(at, field.to_owned(), text.into());
        }
    }
    Ok(value)
}

fn read(message: &Message, body: &[u8], depth: usize) -> Result<Map<String, Value>, ProtobufError> {
    let depth = depth.checked_sub(1).ok_or(ProtobufError::Malformed)?;
    let mut object = Map::new();
    for (number, raw) in wire::fields(body)? {
        let Some(field) = message.field(number) else {
            continue;
        };
        match &field.kind {
            Type::List(kind) => {
                let values = match (&**kind, raw) {
                    (Type::Integer(_), Raw::Bytes(packed)) => {
                        wire::packed(packed)?.into_iter().map(Value::from).collect()
                    }
                    (kind, raw) => vec![value(kind, raw, depth)?],
                };
                if let Some(list) = object
                    .entry(field.name.as_str())
                    .or_insert_with(|| Value::Array(Vec::new()))
                    .as_array_mut()
                {
                    list.extend(values);
                }
            }
            Type::Map(kind) => {
                let (key, value) = entry(kind, raw, depth)?;
                if let Some(map) = object
                    .entry(field.name.as_str())
                    .or_insert_with(|| Value::Object(Map::new()))
                    .as_object_mut()
                {
                    map.insert(key, value);
                }
            }
            kind => {
                let value = value(kind, raw, depth)?;
                match value {
                    Value::Object(inner) if field.name.is_empty() => object.extend(inner),
                    value if is_shown(field, &value) => {
                        object.insert(field.name.clone(), value);
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(object)
}

/// Go writes the zero value of every field that is no pointer; in JSON they are left out.
fn is_shown(field: &Field, value: &Value) -> bool {
    field.pointer
        || match value {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
        }
}

fn entry(kind: &Type, raw: Raw<'_>, depth: usize) -> Result<(String, Value), ProtobufError> {
    let (mut key, mut found) = (String::new(), None);
    for (number, raw) in wire::fields(raw.bytes()?)? {
        match number {
            1 => key = raw.text()?,
            2 => found = Some(value(kind, raw, depth)?),
            _ => {}
        }
    }
    // An entry without a value has the zero value.
    let found = match found {
        Some(value) => value,
        None => value(kind, Raw::Bytes(&[]), depth)?,
    };
    Ok((key, found))
}

fn value(kind: &Type, raw: Raw<'_>, depth: usize) -> Result<Value, ProtobufError> {
    Ok(match kind {
        Type::Text => raw.text()?.into(),
        Type::Integer(_) => raw.integer()?.into(),
        Type::Boolean => (raw.integer()? != 0).into(),
        Type::Double => raw.double()?.into(),
        Type::Bytes => BASE64_STANDARD.encode(raw.bytes()?).into(),
        Type::Time => time(raw, crate::server::seconds)?,
        Type::MicroTime => time(raw, |at| at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())?,
        Type::Quantity => {
            first(raw, 1)?.map_or(Ok(Value::Null), |raw| raw.text().map(Value::from))?
        }
        Type::Json => match first(raw, 1)? {
            None => Value::Null,
            Some(raw) => {
                serde_json::from_slice(raw.bytes()?).map_err(|_| ProtobufError::Malformed)?
            }
        },
        Type::Texts => {
            let texts = wire::fields(raw.bytes()?)?.into_iter();
            let texts = texts.filter(|(number, _)| *number == 1);
            texts
                .map(|(_, raw)| raw.text().map(Value::from))
                .collect::<Result<_, _>>()?
        }
        Type::IntOrString => {
            // 1 for a text, which is the third field; the second is the number.
            let is_text = match first(raw, 1)? {
                Some(raw) => raw.integer()? == 1,
                None => false,
            };
            match (is_text, first(raw, 2)?, first(raw, 3)?) {
                (true, _, Some(text)) => text.text()?.into(),
                (true, _, None) => "".into(),
                (false, Some(number), _) => number.integer()?.into(),
                (false, None, _) => 0.into(),
            }
        }
        Type::Message(name) => match typed::message(name) {
            Some(message) => Value::Object(read(message, raw.bytes()?, depth)?),
            None => Value::Null,
        },
        Type::List(_) | Type::Map(_) => Value::Null,
    })
}

fn first(raw: Raw<'_>, wanted: u64) -> Result<Option<Raw<'_>>, ProtobufError> {
    let fields = wire::fields(raw.bytes()?)?;
    Ok(fields
        .into_iter()
        .find_map(|(number, raw)| (number == wanted).then_some(raw)))
}

fn time(raw: Raw<'_>, format: impl Fn(Timestamp) -> String) -> Result<Value, ProtobufError> {
    let part = |number| first(raw, number)?.map_or(Ok(0), Raw::integer);
    let (seconds, nanos) = (part(1)?, part(2)?);
    if (seconds, nanos) == (0, 0) {
        return Ok(Value::Null);
    }
    let nanos = i32::try_from(nanos).map_err(|_| ProtobufError::Malformed)?;
    let at = Timestamp::new(seconds, nanos).map_err(|_| ProtobufError::Malformed)?;
    Ok(format(at).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

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

    fn block(number: u64, body: impl AsRef<[u8]>) -> Vec<u8> {
        let body = body.as_ref();
        let length = varint(body.len() as u64);
        [varint(number << 3 | 2), length, body.to_vec()].concat()
    }

    fn integer(number: u64, value: i64) -> Vec<u8> {
        [varint(number << 3), varint(value.cast_unsigned())].concat()
    }

    fn envelope(version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
        let meta = [block(1, version), block(2, kind)].concat();
        [MAGIC.to_vec(), block(1, meta), block(2, object)].concat()
    }

    #[test]
    fn a_secret_comes_out_as_its_json() {
        let meta = [
            block(1, "s"),
            block(2, ""),
            block(8, ""),
            block(11, [block(1, "tier"), block(2, "one")].concat()),
        ]
        .concat();
        let secret = [
            block(1, meta),
            block(2, [block(1, "k"), block(2, "v")].concat()),
            block(2, block(1, "empty")),
            block(3, "Opaque"),
            integer(5, 0),
        ]
        .concat();
        assert_eq!(
            decode(&envelope("v1", "Secret", &secret)),
            Ok(json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "s", "labels": {"tier": "one"}},
                "data": {"k": "dg==", "empty": ""}, "type": "Opaque", "immutable": false,
            }))
        );
    }

    #[test]
    fn a_zero_counts_where_go_has_a_pointer_and_inlined_messages_dissolve() {
        let source = block(6, block(1, "the-secret"));
        let volume = [block(1, "v"), block(2, source)].concat();
        let probe = [
            block(
                1,
                block(
                    2,
                    block(2, [integer(1, 1), integer(2, 0), block(3, "http")].concat()),
                ),
            ),
            integer(2, 0),
        ]
        .concat();
        let container = [block(1, "c"), block(10, probe)].concat();
        let spec = [
            block(1, volume),
            block(2, container),
            integer(4, 0),
            integer(11, 0),
        ]
        .concat();
        let pod = decode(&envelope("v1", "Pod", &block(2, spec))).unwrap();
        assert_eq!(
            pod["spec"],
            json!({
                "volumes": [{"name": "v", "secret": {"secretName": "the-secret"}}],
                "containers": [{"name": "c", "livenessProbe": {"httpGet": {"port": "http"}}}],
                "terminationGracePeriodSeconds": 0,
            })
        );
    }

    #[test]
    fn numbers_may_be_negative_and_times_have_seconds() {
        let meta = block(8, [integer(1, 1_762_560_000), integer(2, 0)].concat());
        let job = [block(1, meta), block(2, integer(7, -1))].concat();
        let job = decode(&envelope("batch/v1", "Job", &job)).unwrap();
        assert_eq!(job["metadata"]["creationTimestamp"], "2025-11-08T00:00:00Z");
        assert_eq!(job["spec"]["backoffLimit"], -1);
    }

    #[test]
    fn what_is_not_protobuf_or_not_a_known_kind_is_refused() {
        assert_eq!(decode(b"{}"), Err(ProtobufError::NoMagic));
        assert_eq!(decode(b"k8s\0\x0a\xff"), Err(ProtobufError::Malformed));
        assert_eq!(
            decode(&envelope("example.com/v1", "Thing", b"")),
            Err(ProtobufError::UnknownKind("Thing".to_owned()))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(body in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&[MAGIC, &body].concat());
            for kind in ["Pod", "Secret", "DeleteOptions", "Job"] {
                let _ = decode(&envelope("v1", kind, &body));
            }
        }
    }
}
