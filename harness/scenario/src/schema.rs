//! The JSON schema of a scenario file, made from its types.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::model::Scenario;

/// The schema (JSON Schema, draft 2020-12), for editors.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("A rotaproof scenario"));
    }
    schema
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
