//! The schemas of custom resources: what their definitions say, completed with what every object has.

use serde_json::{Map, Value, json};

use super::GroupVersion;
use super::document::{REFERENCE, gvk};

const API_VERSION: &str = "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
const KIND: &str = "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
const METADATA: &str = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// The name of a custom kind's schema: its group reversed, then the version and the kind.
pub(super) fn name(at: &GroupVersion, kind: &str) -> String {
    let mut parts: Vec<&str> = at.group.split('.').rev().collect();
    parts.extend([at.version.as_str(), kind]);
    parts.join(".")
}

/// The published schema; without one of its own, an object of any shape.
pub(super) fn schema(
    declared: Option<&Value>,
    at: &GroupVersion,
    kind: &str,
    object_meta: &str,
) -> Value {
    let mut schema = match declared {
        Some(Value::Object(schema)) => schema.clone(),
        _ => {
            let mut open = Map::new();
            open.insert("type".to_owned(), "object".into());
            open.insert(
                "x-kubernetes-preserve-unknown-fields".to_owned(),
                true.into(),
            );
            open
        }
    };
    let mut properties = json!({
        "apiVersion": {"description": API_VERSION, "type": "string"},
        "kind": {"description": KIND, "type": "string"},
        "metadata": {"description": METADATA, "allOf": [{"$ref": format!("{REFERENCE}{object_meta}")}]},
    });
    if let (Some(Value::Object(own)), Value::Object(properties)) =
        (schema.get("properties"), &mut properties)
    {
        for (field, property) in own {
            properties.entry(field).or_insert_with(|| property.clone());
        }
    }
    schema.insert("properties".to_owned(), properties);
    schema.insert(
        "x-kubernetes-group-version-kind".to_owned(),
        json!([gvk(at, kind)]),
    );
    Value::Object(schema)
}
