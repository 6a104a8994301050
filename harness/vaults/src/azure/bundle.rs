//! Secrets as the wire carries them: `SecretBundle`, `SecretItem` and their deleted forms.

use serde_json::{Map, Value, json};

use super::secrets::{Deleted, RECOVERABLE_DAYS, Secret, Settings, Version};

/// Makes the addresses of one vault's objects.
#[derive(Clone, Copy)]
pub(super) struct Addresses<'a> {
    /// `https://my-vault.vault.azure.net`.
    pub(super) base: &'a str,
}

impl Addresses<'_> {
    fn secret(self, name: &str) -> String {
        format!("{}/secrets/{name}", self.base)
    }

    /// A version without its value.
    pub(super) fn version(self, secret: &Secret, version: &Version) -> Value {
        let id = format!("{}/{}", self.secret(&secret.name), version.id);
        described(id, version)
    }

    /// A version with its value.
    pub(super) fn bundle(self, secret: &Secret, version: &Version) -> Value {
        let mut bundle = self.version(secret, version);
        // Set values are texts; what is no UTF-8 cannot have come in.
        bundle["value"] = version.value.expose_str().unwrap_or_default().into();
        bundle
    }

    /// A secret in a list, without a version.
    pub(super) fn item(self, secret: &Secret) -> Value {
        match secret.current() {
            Some(version) => described(self.secret(&secret.name), version),
            None => Value::Null,
        }
    }

    /// A deleted secret. `listed` leaves the version out of its id.
    pub(super) fn deleted(self, deleted: &Deleted, listed: bool) -> Value {
        let secret = &deleted.secret;
        let mut body = match secret.current() {
            Some(version) if !listed => self.version(secret, version),
            _ => self.item(secret),
        };
        body["recoveryId"] = format!("{}/deletedsecrets/{}", self.base, secret.name).into();
        body["deletedDate"] = deleted.at.as_second().into();
        body["scheduledPurgeDate"] = deleted.purge_at.as_second().into();
        body
    }
}

fn described(id: String, version: &Version) -> Value {
    let Settings {
        content_type,
        tags,
        not_before,
        expires,
        ..
    } = &version.settings;
    let mut attributes = json!({
        "enabled": version.is_enabled(),
        "created": version.created.as_second(),
        "updated": version.updated.as_second(),
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": RECOVERABLE_DAYS,
    });
    if let Some(at) = not_before {
        attributes["nbf"] = (*at).into();
    }
    if let Some(at) = expires {
        attributes["exp"] = (*at).into();
    }
    let mut body = json!({"id": id, "attributes": attributes});
    if let Some(kind) = content_type {
        body["contentType"] = kind.as_str().into();
    }
    if let Some(tags) = tags {
        let tags: Map<String, Value> = tags
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().into()))
            .collect();
        body["tags"] = tags.into();
    }
    body
}
