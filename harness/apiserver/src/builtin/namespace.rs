//! core/v1 Namespace.

use serde_json::{Value, json};

use crate::object;
use crate::resource::Strategy;

pub(super) struct Namespace;

/// Held until the namespace controller has emptied it.
pub(crate) const FINALIZER: &str = "kubernetes";

/// What holds a namespace's content (`spec.finalizers`), beside the finalizers of its metadata.
pub(crate) fn finalizers(namespace: &Value) -> Vec<String> {
    let list = namespace
        .pointer("/spec/finalizers")
        .and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

impl Strategy for Namespace {
    fn default(&self, object: &mut Value) {
        label(object);
    }

    fn prepare_create(&self, object: &mut Value, _now: &str) {
        let mut finalizers = finalizers(object);
        if !finalizers.iter().any(|name| name == FINALIZER) {
            finalizers.push(FINALIZER.to_owned());
        }
        object::set_at(object, &["spec", "finalizers"], finalizers);
        object::set_at(object, &["status"], json!({"phase": "Active"}));
    }

    fn prepare_update(&self, new: &mut Value, old: &Value, _now: &str) {
        object::copy_member(new, old, "spec");
    }

    fn field(&self, object: &Value, field: &str) -> Option<String> {
        match field {
            "status.phase" => super::text_at(object, "/status/phase"),
            _ => None,
        }
    }
}

/// The label by which selectors find a namespace by name (`pkg/apis/core/v1/defaults.go`).
fn label(object: &mut Value) {
    let name = object::meta_text(object, "name").to_owned();
    if !name.is_empty() {
        object::set_at(
            object,
            &["metadata", "labels", "kubernetes.io/metadata.name"],
            name,
        );
    }
}
