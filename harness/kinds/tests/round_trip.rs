//! The types against the schemas: an object with every property of a schema survives them unchanged.

#![allow(clippy::unwrap_used)]

use rotaproof_kinds::external_secrets::{ClusterSecretStore, ExternalSecret, SecretStore};
use rotaproof_kinds::notebooks::NotebookValidationJob;
use rstest::rstest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// An object that sets every property of the schema.
fn sample(name: &str, schema: &Value) -> Value {
    if let Some(word) = schema["enum"]
        .as_array()
        .and_then(|words| words.iter().rev().find(|w| *w != ""))
    {
        return word.clone();
    }
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return json!({"anything": {"goes": [1, "two"]}});
    }
    match schema["type"].as_str() {
        Some("object") => match schema["properties"].as_object() {
            Some(properties) => Value::Object(
                properties
                    .iter()
                    .map(|(name, schema)| (name.clone(), sample(name, schema)))
                    .collect::<Map<_, _>>(),
            ),
            None => match &schema["additionalProperties"] {
                values @ Value::Object(_) => json!({"key": sample("", values)}),
                _ => json!({"key": "value"}),
            },
        },
        Some("array") => json!([sample(name, &schema["items"])]),
        Some("integer") => json!(7),
        Some("boolean") => json!(true),
        _ => match (name, schema["format"].as_str()) {
            ("refreshInterval" | "duration", _) => json!("1h0m0s"),
            (_, Some("date-time")) => json!("2025-11-08T00:00:00Z"),
            (_, Some("byte")) => json!("cGVt"),
            _ => json!("text"),
        },
    }
}

fn schema_of(kind: &str, version: &str) -> Value {
    let crd = rotaproof_kinds::crds()
        .into_iter()
        .find(|crd| crd["spec"]["names"]["kind"] == kind)
        .unwrap();
    let versions = crd["spec"]["versions"].as_array().unwrap();
    versions.iter().find(|v| v["name"] == version).unwrap()["schema"]["openAPIV3Schema"].clone()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn survives<T: Serialize + DeserializeOwned>(kind: &str, version: &str) {
    let mut object = sample("", &schema_of(kind, version));
    object["apiVersion"] = json!(format!("group/{version}"));
    object["kind"] = json!(kind);
    object["metadata"] = json!({"name": "x"});
    let typed: T = serde_json::from_value(object.clone()).unwrap();
    let back = serde_json::to_value(&typed).unwrap();
    assert_eq!(sorted(&back), sorted(&object));
}

#[rstest]
fn every_property_of_the_external_secret_schema_survives_its_type(
    #[values("v1", "v1beta1")] version: &str,
) {
    survives::<ExternalSecret>("ExternalSecret", version);
}

#[rstest]
fn every_property_of_the_store_schemas_survives_their_types(
    #[values("v1", "v1beta1")] version: &str,
) {
    survives::<SecretStore>("SecretStore", version);
    survives::<ClusterSecretStore>("ClusterSecretStore", version);
}

#[test]
fn every_property_of_the_notebook_job_schema_survives_its_type() {
    survives::<NotebookValidationJob>("NotebookValidationJob", "v1alpha1");
}
