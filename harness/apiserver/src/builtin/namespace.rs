//! core/v1 Namespace.

use serde_json::{Value, json};

use crate::object;
use crate::resource::Strategy;

pub(super) struct Namespace;

impl Strategy for Namespace {
    fn prepare_create(&self, object: &mut Value, _now: &str) {
        // Held until the namespace controller has emptied it.
        object::set_at(object, &["spec", "finalizers"], json!(["kubernetes"]));
        object::set_at(object, &["status"], json!({"phase": "Active"}));
        label(object);
    }

    fn prepare_update(&self, new: &mut Value, old: &Value, _now: &str) {
        object::copy_member(new, old, "spec");
        label(new);
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
