//! What ExternalSecrets ask of which store.

use std::time::Duration;

use serde_json::Value;

use super::object::{ObjectRef, text};
use super::store::StoreKey;
use crate::{ObjectName, Period};

/// An ExternalSecret as far as the checks and the mapping need it.
#[derive(Clone, Debug)]
pub(crate) struct Declared<'a> {
    pub(crate) name: ObjectName,
    /// The Secret that it makes; `None` under `creationPolicy: None`.
    pub(crate) target: Option<ObjectName>,
    /// The interval; zero means once.
    pub(crate) interval: Duration,
    pub(crate) store: Option<StoreKey>,
    pub(crate) data: Vec<Entry<'a>>,
    pub(crate) data_from: Vec<Source<'a>>,
    /// `spec.target.template`.
    pub(crate) template: Option<&'a Value>,
}

/// One entry of `spec.data`.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) secret_key: &'a str,
    pub(crate) store: Option<StoreKey>,
    pub(crate) remote: Remote<'a>,
}

/// A `remoteRef`, or an `extract`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote<'a> {
    pub(crate) key: &'a str,
    pub(crate) property: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    /// Why the value is not the vault's as it is: decoded, or metadata.
    pub(crate) altered: Option<&'static str>,
}

/// One entry of `spec.dataFrom`.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) store: Option<StoreKey>,
    /// `None` where it is not an `extract`.
    pub(crate) extract: Option<Remote<'a>>,
    pub(crate) rewritten: bool,
}

/// The ExternalSecrets among the objects.
pub(crate) fn external_secrets<'a>(objects: impl Iterator<Item = &'a Value>) -> Vec<Declared<'a>> {
    objects
        .map(ObjectRef)
        .filter(|object| object.kind() == "ExternalSecret")
        .map(declared)
        .collect()
}

fn declared(object: ObjectRef<'_>) -> Declared<'_> {
    let namespace = object.namespace();
    let store = object
        .0
        .pointer("/spec/secretStoreRef")
        .and_then(|reference| StoreKey::of_reference(reference, namespace));
    let own_store = |entry: &Value, pointer: &str| {
        entry
            .pointer(pointer)
            .and_then(|reference| StoreKey::of_reference(reference, namespace))
            .or_else(|| store.clone())
    };
    let policy = object.text("/spec/target/creationPolicy");
    let target = object.text("/spec/target/name").unwrap_or(object.name());
    let data = object
        .list("/spec/data")
        .iter()
        .filter_map(|entry| {
            Some(Entry {
                secret_key: text(entry, "/secretKey")?,
                store: own_store(entry, "/sourceRef/storeRef"),
                remote: remote(entry.get("remoteRef")?)?,
            })
        })
        .collect();
    let data_from = object
        .list("/spec/dataFrom")
        .iter()
        .map(|entry| Source {
            store: own_store(entry, "/sourceRef/storeRef"),
            extract: entry.get("extract").and_then(remote),
            rewritten: !super::object::list(entry, "/rewrite").is_empty(),
        })
        .collect();
    Declared {
        name: object.object_name(),
        target: (policy != Some("None")).then(|| ObjectName::new(namespace, target)),
        interval: interval(object),
        data,
        data_from,
        template: object
            .0
            .pointer("/spec/target/template")
            .filter(|template| !template.is_null()),
        store,
    }
}

fn remote(reference: &Value) -> Option<Remote<'_>> {
    let decoded = text(reference, "/decodingStrategy").is_some_and(|strategy| strategy != "None");
    let metadata = text(reference, "/metadataPolicy") == Some("Fetch");
    Some(Remote {
        key: text(reference, "/key")?,
        property: text(reference, "/property").filter(|property| !property.is_empty()),
        version: text(reference, "/version").filter(|version| !version.is_empty()),
        altered: if metadata {
            Some("it is the secret's metadata")
        } else if decoded {
            Some("it is decoded on the way")
        } else {
            None
        },
    })
}

/// The refresh interval; an hour unless given, none where it syncs once.
fn interval(object: ObjectRef<'_>) -> Duration {
    if let Some("CreatedOnce" | "OnChange") = object.text("/spec/refreshPolicy") {
        return Duration::ZERO;
    }
    match object.0.pointer("/spec/refreshInterval") {
        Some(Value::String(text)) if text == "0" => Duration::ZERO,
        Some(Value::String(text)) => text
            .parse::<Period>()
            .map_or(Duration::from_secs(3600), |period| period.0),
        Some(Value::Number(_)) => Duration::ZERO,
        _ => Duration::from_secs(3600),
    }
}
