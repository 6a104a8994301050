//! An object as last seen, and the questions that expectations ask of it.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::core::DynamicObject;
use rotaproof_base::{Fingerprint, Fingerprinter, SecretValue};
use serde_json::Value;

/// A condition of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// An object as last seen. A Secret's data is kept apart from its JSON.
pub(crate) struct Seen {
    /// The object; of a Secret, without its data.
    pub(crate) object: DynamicObject,
    /// When this state was seen, since the scenario's start.
    pub(crate) at: Duration,
    /// A Secret's values.
    pub(crate) values: BTreeMap<String, (SecretValue, Fingerprint)>,
}

impl Seen {
    /// Takes an object over; Secret data leaves its JSON.
    pub(crate) fn new(mut object: DynamicObject, at: Duration, key: &Fingerprinter) -> Self {
        let mut values = BTreeMap::new();
        let is_secret = object.types.as_ref().is_some_and(|t| t.kind == "Secret");
        if is_secret && let Some(Value::Object(data)) = object.data.get_mut("data").map(Value::take)
        {
            for (name, encoded) in data {
                let bytes = encoded.as_str().and_then(decode).unwrap_or_default();
                let fingerprint = key.of(&bytes);
                values.insert(name, (SecretValue::new(bytes), fingerprint));
            }
        }
        Self { object, at, values }
    }

    /// A part of the object below its root, `/status/phase`.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        self.object.data.pointer(pointer)
    }

    /// A text in the object.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str()
    }

    /// The condition of a type.
    pub(crate) fn condition(&self, kind: &str) -> Option<Condition> {
        let conditions = self.at("/status/conditions")?.as_array()?;
        let found = conditions.iter().find(|c| c["type"] == kind)?;
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        Some(Condition {
            status: text("status"),
            reason: text("reason"),
            message: text("message"),
        })
    }

    /// When it was created, as text that sorts by time.
    pub(crate) fn text_of_creation(&self) -> String {
        let created = self.object.metadata.creation_timestamp.as_ref();
        created.map(|time| time.0.to_string()).unwrap_or_default()
    }

    /// The fingerprints of a Secret's keys.
    pub(crate) fn fingerprints(&self) -> impl Iterator<Item = (&str, &Fingerprint)> {
        self.values.iter().map(|(k, (_, f))| (k.as_str(), f))
    }
}

#[cfg(test)]
impl Seen {
    /// An object of a test, seen at once; what it does not say of itself is filled in.
    pub(crate) fn of(mut object: Value) -> Self {
        if let Some(fields) = object.as_object_mut() {
            fields
                .entry("metadata")
                .or_insert_with(|| serde_json::json!({}));
        }
        let object = serde_json::from_value(object).unwrap();
        Self::new(object, Duration::ZERO, &Fingerprinter::from_key([7; 32]))
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.decode(text).ok()
}
