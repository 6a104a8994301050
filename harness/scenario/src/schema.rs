//! The JSON schema of a scenario file, made from its types.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::model::Scenario;

/// The schema (JSON Schema, draft 2020-12), for editors.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    allow_placeholders(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("A rotaproof scenario"));
    }
    schema
}

/// Lets a text with `${name}` stand wherever a number, a word or a text of a certain form is asked for: the matrix is
/// put in before types are read.
fn allow_placeholders(schema: &mut Value) {
    let placeholder = json!({ "type": "string", "pattern": "\\$\\{[^}]*\\}" });
    let wrap = |one: &mut Value| {
        let own = one.take();
        *one = json!({ "anyOf": [own, placeholder] });
    };
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for definition in definitions.values_mut() {
            if is_narrow(definition) {
                wrap(definition);
            } else {
                in_properties(definition, &wrap);
            }
        }
    }
}

/// Every property below a schema that is narrower than any text; tags (`kind: aws-...`) are left alone.
fn in_properties(schema: &mut Value, wrap: &impl Fn(&mut Value)) {
    match schema {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == "properties" {
                    for property in field
                        .as_object_mut()
                        .into_iter()
                        .flat_map(serde_json::Map::values_mut)
                    {
                        if property.get("const").is_none() && is_narrow(property) {
                            wrap(property);
                        }
                    }
                } else {
                    in_properties(field, wrap);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| in_properties(item, wrap)),
        _ => {}
    }
}

/// A scalar that not every text satisfies.
fn is_narrow(schema: &Value) -> bool {
    let is =
        |value: &Value, names: &[&str]| value.as_str().is_some_and(|name| names.contains(&name));
    let number = |value: &Value| is(value, &["integer", "number", "boolean"]);
    let of_type = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(number),
        Some(one) => number(one),
        None => false,
    };
    let words = schema.get("enum").is_some()
        || schema.get("const").is_some()
        || schema.get("pattern").is_some();
    let choices = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .is_some_and(|choices| choices.iter().all(|choice| choice.get("const").is_some()));
    of_type || words || choices
}

/// Any one of the objects that `Choice` allows, each with the fields of `Fields` beside its own.
pub(crate) fn one_of_with<Choice: JsonSchema, Fields: JsonSchema>(
    generator: &mut SchemaGenerator,
) -> Schema {
    let choice = Choice::json_schema(generator).to_value();
    let fields = Fields::json_schema(generator).to_value();
    let variants = ["oneOf", "anyOf"]
        .iter()
        .find_map(|key| choice.get(key)?.as_array().cloned())
        .unwrap_or_default();
    let variants: Vec<Value> = variants
        .into_iter()
        .map(|variant| merged(resolved(variant, generator), &fields))
        .collect();
    json_schema!({ "oneOf": variants })
}

/// The schema behind a `$ref`, so that fields can be added to it.
fn resolved(schema: Value, generator: &SchemaGenerator) -> Value {
    let Some(name) = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| path.rsplit('/').next())
    else {
        return schema;
    };
    generator.definitions().get(name).cloned().unwrap_or(schema)
}

fn merged(mut schema: Value, fields: &Value) -> Value {
    for key in ["properties", "required"] {
        match (schema.get_mut(key), fields.get(key)) {
            (Some(Value::Object(own)), Some(Value::Object(more))) => own.extend(more.clone()),
            (Some(Value::Array(own)), Some(Value::Array(more))) => own.extend(more.clone()),
            (None, Some(more)) => schema[key] = more.clone(),
            _ => {}
        }
    }
    schema
}
