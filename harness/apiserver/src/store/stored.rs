//! One revision of one object, serialised at most once per form however many readers it has.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Value, json};

/// An immutable, shared revision of an object.
pub(crate) type Object = Arc<Stored>;

pub(crate) struct Stored {
    pub(crate) value: Value,
    pub(crate) revision: u64,
    json: OnceLock<Bytes>,
    partial: OnceLock<Bytes>,
}

impl Stored {
    pub(crate) fn new(value: Value, revision: u64) -> Self {
        Self {
            value,
            revision,
            json: OnceLock::new(),
            partial: OnceLock::new(),
        }
    }

    /// As JSON, under the asked `apiVersion`; free after the first time for the stored one.
    pub(crate) fn json(&self, api_version: &str) -> Bytes {
        if self.value.get("apiVersion").and_then(Value::as_str) == Some(api_version) {
            return self.json.get_or_init(|| to_bytes(&self.value)).clone();
        }
        let mut value = self.value.clone();
        value["apiVersion"] = api_version.into();
        to_bytes(&value)
    }

    /// As `meta.k8s.io/v1` PartialObjectMetadata.
    pub(crate) fn partial(&self) -> Bytes {
        let make = || {
            to_bytes(&json!({
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": self.value.get("metadata"),
            }))
        };
        self.partial.get_or_init(make).clone()
    }
}

fn to_bytes(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}
