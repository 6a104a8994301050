//! The v3 document of one group and version.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::builtin::Builtins;
use super::paths::Paths;
use super::{GroupVersion, custom};
use crate::resource::Resource;
use crate::review;

pub(super) const REFERENCE: &str = "#/components/schemas/";

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{REFERENCE}{name}")})
}

pub(super) fn gvk(at: &GroupVersion, kind: &str) -> Value {
    json!({"group": at.group, "kind": kind, "version": at.version})
}

/// Describes the resources, and the reviews that have no resource.
pub(super) fn build(at: &GroupVersion, resources: &[Arc<Resource>]) -> Value {
    let mut builtins = Builtins::new();
    let machinery = builtins.machinery();
    let mut own = Map::new();
    let mut paths = Paths::new(at, &machinery);
    for resource in resources {
        let Some(version) = resource.served(&at.version) else {
            continue;
        };
        let kind = resource.kind();
        let builtin = match resource.is_custom() {
            true => None,
            false => builtins.kind(&at.group, kind),
        };
        let name = builtin.unwrap_or_else(|| {
            let name = custom::name(at, kind);
            let declared = resource.declared_schema(&at.version);
            let schema = custom::schema(declared, at, kind, &machinery.object_meta);
            own.insert(name.clone(), schema);
            name
        });
        let list = name.strip_suffix(kind).unwrap_or(&name);
        let list = format!("{list}{}", resource.list_kind());
        own.insert(
            list.clone(),
            list_of(at, resource, &name, &machinery.list_meta),
        );
        paths.resource(resource, version, &name, &list);
        if resource.extra_subresources.contains(&"token")
            && let Some(request) = builtins.kind(review::AUTHENTICATION, "TokenRequest")
        {
            paths.token(resource, &request);
        }
    }
    for kind in review::KINDS
        .iter()
        .filter(|kind| kind.group == at.group && at.version == "v1")
    {
        if let Some(name) = builtins.kind(kind.group, kind.kind) {
            paths.review(kind, &name);
        }
    }
    let mut schemas = builtins.into_schemas(at);
    schemas.extend(own);
    schemas.sort_keys();
    for schema in schemas.values_mut() {
        wrap_references(schema);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.34.0+rotaproof"},
        "paths": paths.into_value(),
        "components": {"schemas": schemas, "securitySchemes": {
            "BearerToken": {"type": "apiKey", "in": "header", "name": "authorization", "description": "Bearer Token authentication"},
        }},
    })
}

fn list_of(at: &GroupVersion, resource: &Resource, item: &str, list_meta: &str) -> Value {
    json!({
        "description": format!("{} is a list of {}", resource.list_kind(), resource.kind()),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": reference(list_meta),
            "items": {"type": "array", "items": reference(item)},
        },
        "x-kubernetes-group-version-kind": [gvk(at, resource.list_kind())],
    })
}

/// In OpenAPI 3.0 nothing may stand beside a reference: `allOf` makes room. And a number or text is told in a form that
/// needs no extension.
fn wrap_references(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.len() > 1 && map.get("$ref").is_some_and(Value::is_string) {
                if let Some(target) = map.shift_remove("$ref") {
                    map.insert("allOf".to_owned(), json!([{"$ref": target}]));
                }
                return;
            }
            if map.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true))
                && !map.contains_key("anyOf")
            {
                map.entry("oneOf")
                    .or_insert_with(|| json!([{"type": "integer"}, {"type": "string"}]));
                return;
            }
            map.values_mut().for_each(wrap_references);
        }
        Value::Array(list) => list.iter_mut().for_each(wrap_references),
        _ => {}
    }
}
