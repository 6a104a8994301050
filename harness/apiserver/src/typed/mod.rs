//! The fields and types of the built-in kinds, as Kubernetes' Go types have them.
//!
//! One table of messages (`messages.txt`) serves the reader of Protobuf bodies, and does with a JSON body what a typed
//! server does: drops unknown fields, tells of them, and refuses values of wrong types.

mod messages;

use serde_json::Value;

pub(crate) use messages::{Field, Message, Type, message};

use crate::schema::Path;

/// Drops the fields that an object's kind does not have, and returns their paths.
///
/// # Errors
/// A value of a wrong type, in the words of Go's decoder.
pub(crate) fn prune(kind: &str, object: &mut Value) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    if let Some(message) = message(kind) {
        prune_message(kind, message, object, &mut Path::new(), &mut unknown)?;
    }
    Ok(unknown)
}

/// As [`prune`], of the metadata of any kind.
pub(crate) fn prune_metadata(object: &mut Value) -> Result<Vec<String>, String> {
    const META: &str = "ObjectMeta";
    let mut unknown = Vec::new();
    if let (Some(metadata), Some(message)) = (object.get_mut("metadata"), message(META)) {
        Path::new().field("metadata", |path| {
            prune_message(META, message, metadata, path, &mut unknown)
        })?;
    }
    Ok(unknown)
}

/// Structures of kinds that the table of messages does not have.
const STRUCTURES: [(&str, &[&[&str]]); 1] = [(
    "CustomResourceDefinition",
    &[
        &["spec"],
        &["spec", "names"],
        &["status"],
        &["status", "acceptedNames"],
    ],
)];

/// Puts into `old` what a Go value of the kind of `new` always has: structures without a pointer, if empty ones, and
/// the nulls and empty texts of `new`.
pub(crate) fn fill_structures(new: &Value, old: &mut Value) {
    let kind = new.get("kind").and_then(Value::as_str).unwrap_or_default();
    if let Some(message) = message(kind) {
        fill(message, new, old);
    }
    for path in STRUCTURES
        .iter()
        .filter(|(name, _)| *name == kind)
        .flat_map(|(_, paths)| *paths)
    {
        let pointer = format!("/{}", path.join("/"));
        if new.pointer(&pointer).is_some() && old.pointer(&pointer).is_none() {
            crate::object::set_at(old, path, Value::Object(serde_json::Map::new()));
        }
    }
}

fn fill(message: &Message, new: &Value, old: &mut Value) {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object_mut()) else {
        return;
    };
    for (name, value) in new {
        if (value.is_null() || value == "") && !old.contains_key(name) {
            old.insert(name.clone(), value.clone());
        }
        let Some(field) = message.named(name).filter(|field| !field.pointer) else {
            continue;
        };
        if let (Type::Message(kind), Value::Object(_)) = (&field.kind, value)
            && let Some(message) = self::message(kind)
        {
            let empty = || Value::Object(serde_json::Map::new());
            fill(
                message,
                value,
                old.entry(name.as_str()).or_insert_with(empty),
            );
        }
    }
}

fn prune_message(
    name: &str,
    message: &Message,
    value: &mut Value,
    path: &mut Path,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let Some(object) = value.as_object_mut() else {
        return Ok(());
    };
    let mut dropped = Vec::new();
    let root = path.as_str().is_empty();
    for (key, value) in object.iter_mut() {
        if root && matches!(key.as_str(), "apiVersion" | "kind") {
            continue;
        }
        path.field(key, |path| match message.named(key) {
            Some(field) => prune_value(name, &field.kind, value, path, unknown),
            None => {
                unknown.push(path.as_str().to_owned());
                dropped.push(key.clone());
                Ok(())
            }
        })?;
    }
    for key in dropped {
        object.shift_remove(&key);
    }
    Ok(())
}

fn prune_value(
    owner: &str,
    kind: &Type,
    value: &mut Value,
    path: &mut Path,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    if !fits(kind, value) {
        return Err(format!(
            "json: cannot unmarshal {} into Go struct field {owner}.{} of type {}",
            go_value(value),
            without_indices(path.as_str()),
            kind.go_name(),
        ));
    }
    match (kind, value) {
        (Type::Message(name), value) => match message(name) {
            Some(message) => prune_message(name, message, value, path, unknown),
            None => Ok(()),
        },
        (Type::List(kind), Value::Array(items)) => {
            for (at, item) in items.iter_mut().enumerate() {
                path.index(at, |path| prune_value(owner, kind, item, path, unknown))?;
            }
            Ok(())
        }
        (Type::Map(kind), Value::Object(entries)) => {
            for value in entries.values_mut() {
                prune_value(owner, kind, value, path, unknown)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn fits(kind: &Type, value: &Value) -> bool {
    match (kind, value) {
        // Null is nothing, whatever the type.
        (_, Value::Null) | (Type::Json, _) => true,
        (Type::Integer(_) | Type::IntOrString, Value::Number(number)) => number.is_i64(),
        (
            Type::Text
            | Type::Bytes
            | Type::Time
            | Type::MicroTime
            | Type::Quantity
            | Type::IntOrString,
            Value::String(_),
        )
        | (Type::Boolean, Value::Bool(_))
        | (Type::Double | Type::Quantity, Value::Number(_))
        | (Type::Texts | Type::List(_), Value::Array(_))
        | (Type::Map(_) | Type::Message(_), Value::Object(_)) => true,
        _ => false,
    }
}

fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

/// `spec.containers[0].name` as Go's decoder has it: `spec.containers.name`.
fn without_indices(path: &str) -> String {
    let mut parts = path.split('[');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once(']').map_or(part, |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_are_dropped_and_told() {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"any": "thing"}},
            "spec": {"containers": [{"name": "c", "imge": "i", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "oops": 1}}}]}],
                "volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            "extra": {},
        });
        let unknown = prune("Pod", &mut pod).unwrap();
        assert_eq!(
            unknown,
            [
                "spec.containers[0].imge",
                "spec.containers[0].env[0].valueFrom.secretKeyRef.oops",
                "extra"
            ]
        );
        assert_eq!(prune("Pod", &mut pod), Ok(Vec::new()));
        assert_eq!(pod["spec"]["volumes"][0]["secret"]["secretName"], "s");
        assert_eq!(pod["metadata"]["labels"]["any"], "thing");
    }

    /// The words of encoding/json's UnmarshalTypeError, as kube-apiserver 1.34 passes them on.
    #[rstest]
    #[case(json!({"spec": {"containers": [{"env": [{"value": 1}]}]}}), "number into Go struct field EnvVar.spec.containers.env.value of type string")]
    #[case(json!({"spec": {"containers": {}}}), "object into Go struct field PodSpec.spec.containers of type []v1.Container")]
    #[case(json!({"spec": "x"}), "string into Go struct field Pod.spec of type v1.PodSpec")]
    #[case(json!({"spec": {"terminationGracePeriodSeconds": "1"}}), "string into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64")]
    #[case(json!({"spec": {"terminationGracePeriodSeconds": 1.5}}), "number 1.5 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64")]
    #[case(json!({"metadata": {"labels": {"a": 1}}}), "number into Go struct field ObjectMeta.metadata.labels of type string")]
    fn a_value_of_a_wrong_type_is_refused(#[case] mut pod: Value, #[case] why: &str) {
        let refused = prune("Pod", &mut pod);
        assert_eq!(refused, Err(format!("json: cannot unmarshal {why}")));
    }
}
