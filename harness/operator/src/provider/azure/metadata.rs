//! Properties of values, and `metadataPolicy: Fetch`: tags and times in place of the value.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::RemoteRef;

use super::super::{ProviderError, SecretMap};
use super::wire::{Attributes, Bundle};
use crate::value;

/// `getProperty`: a path into JSON, else one key with its dots.
pub(super) fn property(
    text: &str,
    property: &str,
    key: &str,
) -> Result<SecretValue, ProviderError> {
    value::property_path_first(text.as_bytes(), property)
        .map(SecretValue::new)
        .ok_or_else(|| {
            ProviderError::Other(format!("property {property} does not exist in key {key}"))
        })
}

/// The times that a secret has, as RFC 3339.
fn times(attributes: &Attributes) -> impl Iterator<Item = (&'static str, String)> + use<> {
    let times = [
        ("attribute.expires", attributes.exp),
        ("attribute.created", attributes.created),
        ("attribute.updated", attributes.updated),
        ("attribute.notBefore", attributes.nbf),
    ];
    times.into_iter().filter_map(|(name, seconds)| {
        let at = Timestamp::from_second(seconds?).ok()?;
        Some((name, at.to_string()))
    })
}

/// `getSecretTag`: all of it as JSON without a property, a tag of that name, or a path into a tag that is JSON.
pub(super) fn one(
    bundle: &Bundle,
    with_times: bool,
    name: &str,
) -> Result<SecretValue, ProviderError> {
    let mut tags = bundle.tags.clone();
    if with_times {
        tags.extend(times(&bundle.attributes).map(|(name, at)| (name.to_owned(), at)));
    }
    if name.is_empty() {
        let json = serde_json::to_string(&tags).unwrap_or_default();
        return Ok(SecretValue::new(json));
    }
    if let Some(value) = tags.get(name) {
        return Ok(SecretValue::new(value.as_str()));
    }
    let missing = || ProviderError::Other(format!("tag {name} does not exist"));
    let (tag, path) = name.split_once('.').ok_or_else(missing)?;
    let held = tags.get(tag).filter(|_| !tag.is_empty());
    property(held.ok_or_else(missing)?, path, name)
}

/// `getSecretTags` and `getSecretMapProperties`: a key per tag, or per member of a tag that is a JSON object of texts.
pub(super) fn all(bundle: &Bundle, with_times: bool, name: &str, remote: &RemoteRef) -> SecretMap {
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for (tag, value) in &bundle.tags {
        match serde_json::from_str::<BTreeMap<String, String>>(value) {
            Ok(members) => {
                let members = members.into_iter();
                tags.extend(members.map(|(key, value)| (format!("{name}_{tag}_{key}"), value)));
            }
            Err(_) => {
                tags.insert(format!("{name}_{tag}"), value.clone());
            }
        }
    }
    if with_times {
        tags.extend(times(&bundle.attributes).map(|(time, at)| (format!("{name}_{time}"), at)));
    }
    if let Some(property) = remote.property.as_deref().filter(|text| !text.is_empty()) {
        let wanted = format!("{}_{property}", remote.key);
        // A tag that is not there makes an empty key.
        let value = tags.remove(&wanted).unwrap_or_default();
        return SecretMap::from([(wanted, SecretValue::new(value))]);
    }
    tags.into_iter()
        .map(|(key, value)| (key, SecretValue::new(value)))
        .collect()
}
