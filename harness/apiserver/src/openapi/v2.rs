//! OpenAPI v2 (Swagger) of everything, made of the v3 documents: for tools of before Kubernetes 1.27.

use serde_json::{Map, Value, json};

/// One document of many.
pub(super) fn merge(documents: impl Iterator<Item = Value>) -> Value {
    let mut paths = Map::new();
    let mut definitions = Map::new();
    for mut document in documents {
        if let Some(Value::Object(schemas)) =
            document.pointer_mut("/components/schemas").map(Value::take)
        {
            for (name, mut schema) in schemas {
                downgrade(&mut schema);
                definitions.insert(name, schema);
            }
        }
        if let Some(Value::Object(items)) = document.get_mut("paths").map(Value::take) {
            for (path, mut item) in items {
                path_item(&mut item);
                paths.insert(path, item);
            }
        }
    }
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.34.0+rotaproof"},
        "paths": paths,
        "definitions": definitions,
        "securityDefinitions": {"BearerToken": {"type": "apiKey", "in": "header", "name": "authorization", "description": "Bearer Token authentication"}},
        "security": [{"BearerToken": []}],
    })
}

/// Says a schema in what v2 has: no alternatives, no null, references with their description beside them.
fn downgrade(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get_mut("$ref") {
                *target = target.replace("#/components/schemas/", "#/definitions/");
            }
            let sole = map
                .get("allOf")
                .and_then(Value::as_array)
                .filter(|list| list.len() == 1);
            if let Some(target) = sole.and_then(|list| list[0].get("$ref")?.as_str()) {
                let target = target.replace("#/components/schemas/", "#/definitions/");
                map.shift_remove("allOf");
                map.insert("$ref".to_owned(), target.into());
            }
            // A property may have these names, a keyword's value has its type.
            for (keyword, is_keyword) in [
                ("oneOf", map.get("oneOf").is_some_and(Value::is_array)),
                ("anyOf", map.get("anyOf").is_some_and(Value::is_array)),
                ("allOf", map.get("allOf").is_some_and(Value::is_array)),
                (
                    "nullable",
                    map.get("nullable").is_some_and(Value::is_boolean),
                ),
            ] {
                if is_keyword {
                    map.shift_remove(keyword);
                }
            }
            // Else a client would refuse the members that it does not know.
            if map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
                map.shift_remove("type");
                map.shift_remove("properties");
            }
            if map.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
                map.insert("type".to_owned(), "string".into());
                map.insert("format".to_owned(), "int-or-string".into());
            }
            map.values_mut().for_each(downgrade);
        }
        Value::Array(list) => list.iter_mut().for_each(downgrade),
        _ => {}
    }
}

fn path_item(item: &mut Value) {
    let Some(item) = item.as_object_mut() else {
        return;
    };
    for (member, value) in item.iter_mut() {
        match member.as_str() {
            "parameters" => parameters(value),
            _ => operation(value),
        }
    }
}

fn parameters(list: &mut Value) {
    for parameter in list.as_array_mut().into_iter().flatten() {
        if let Some(kind) = parameter.pointer("/schema/type").cloned()
            && let Some(parameter) = parameter.as_object_mut()
        {
            parameter.shift_remove("schema");
            parameter.insert("type".to_owned(), kind);
        }
    }
}

fn operation(operation: &mut Value) {
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    if let Some(list) = operation.get_mut("parameters") {
        parameters(list);
    }
    if let Some(body) = operation.shift_remove("requestBody") {
        let content = body.get("content").and_then(Value::as_object);
        let types: Vec<&String> = content.into_iter().flat_map(Map::keys).collect();
        operation.insert("consumes".to_owned(), json!(types));
        let mut schema = content
            .and_then(|content| content.values().next()?.get("schema").cloned())
            .unwrap_or_default();
        downgrade(&mut schema);
        if let Some(Value::Array(list)) = operation.get_mut("parameters") {
            list.push(json!({"name": "body", "in": "body", "required": true, "schema": schema}));
        }
    }
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for response in responses.into_iter().flat_map(Map::values_mut) {
        let Some(response) = response.as_object_mut() else {
            continue;
        };
        if let Some(content) = response.shift_remove("content")
            && let Some(mut schema) = content
                .as_object()
                .and_then(|content| content.values().next()?.get("schema").cloned())
        {
            downgrade(&mut schema);
            response.insert("schema".to_owned(), schema);
        }
    }
}
