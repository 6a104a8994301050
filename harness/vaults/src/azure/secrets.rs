//! The secrets of a vault: versions, attributes, and what is deleted and may be recovered.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rotaproof_base::{Entropy, SecretValue};
use serde::{Deserialize, Serialize};

use super::error::VaultError;

/// For how many days a deleted secret can be recovered.
pub(super) const RECOVERABLE_DAYS: i64 = 90;

/// What a caller may set of a version. Times are seconds since the Unix epoch.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) content_type: Option<String>,
    pub(super) tags: Option<BTreeMap<String, String>>,
    pub(super) enabled: Option<bool>,
    pub(super) not_before: Option<i64>,
    pub(super) expires: Option<i64>,
}

/// One version.
#[derive(Clone)]
pub(super) struct Version {
    /// 32 hexadecimal digits.
    pub(super) id: String,
    pub(super) value: SecretValue,
    pub(super) settings: Settings,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

impl Version {
    pub(super) fn is_enabled(&self) -> bool {
        self.settings.enabled.unwrap_or(true)
    }
}

/// A secret with its versions, of which the last one is the current one.
#[derive(Clone)]
pub(super) struct Secret {
    /// As it was written first: names are equal whatever their letter case.
    pub(super) name: String,
    /// Never empty.
    pub(super) versions: Vec<Version>,
}

impl Secret {
    pub(super) fn current(&self) -> Option<&Version> {
        self.versions.last()
    }
}

/// A deleted secret.
pub(super) struct Deleted {
    pub(super) secret: Secret,
    pub(super) at: Timestamp,
    pub(super) purge_at: Timestamp,
}

/// All secrets of a vault, by name in lower case.
#[derive(Default)]
pub(super) struct Secrets {
    live: BTreeMap<String, Secret>,
    deleted: BTreeMap<String, Deleted>,
}

impl Secrets {
    /// Forgets what was due to be purged.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.deleted.retain(|_, deleted| now < deleted.purge_at);
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Secret> {
        self.live.values()
    }

    pub(super) fn deleted(&self) -> impl Iterator<Item = &Deleted> {
        self.deleted.values()
    }

    pub(super) fn secret(&self, name: &str) -> Result<&Secret, VaultError> {
        let found = self.live.get(&name.to_ascii_lowercase());
        found.ok_or_else(|| VaultError::not_found(name))
    }

    /// A version of a secret; the current one where `version` is empty.
    pub(super) fn version(
        &self,
        name: &str,
        version: &str,
    ) -> Result<(&Secret, &Version), VaultError> {
        let secret = self.secret(name)?;
        let found = match version {
            "" => secret.current(),
            id => secret.versions.iter().find(|held| held.id == id),
        };
        let found = found.ok_or_else(|| VaultError::not_found(&format!("{name}/{version}")))?;
        Ok((secret, found))
    }

    /// Writes a new version, which becomes the current one.
    pub(super) fn set(
        &mut self,
        name: &str,
        value: SecretValue,
        settings: Settings,
        ids: &Entropy,
        now: Timestamp,
    ) -> Result<(&Secret, &Version), VaultError> {
        let key = name.to_ascii_lowercase();
        if self.deleted.contains_key(&key) {
            return Err(VaultError::deleted_but_recoverable(name));
        }
        let secret = self.live.entry(key).or_insert_with(|| Secret {
            name: name.to_owned(),
            versions: Vec::new(),
        });
        secret.versions.push(Version {
            id: ids.uuid().simple().to_string(),
            value,
            settings,
            created: now,
            updated: now,
        });
        let found = secret.versions.last();
        let version = found.ok_or_else(|| VaultError::not_found(name))?;
        Ok((secret, version))
    }

    /// Changes what `settings` names of a version, the current one where `version` is empty.
    pub(super) fn update(
        &mut self,
        name: &str,
        version: &str,
        settings: Settings,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let secret = self.live.get_mut(&name.to_ascii_lowercase());
        let secret = secret.ok_or_else(|| VaultError::not_found(name))?;
        let found = match version {
            "" => secret.versions.last_mut(),
            id => secret.versions.iter_mut().find(|held| held.id == id),
        };
        let held = found.ok_or_else(|| VaultError::not_found(&format!("{name}/{version}")))?;
        let Settings {
            content_type,
            tags,
            enabled,
            not_before,
            expires,
        } = settings;
        let old = std::mem::take(&mut held.settings);
        held.settings = Settings {
            content_type: content_type.or(old.content_type),
            tags: tags.or(old.tags),
            enabled: enabled.or(old.enabled),
            not_before: not_before.or(old.not_before),
            expires: expires.or(old.expires),
        };
        held.updated = now;
        Ok(())
    }

    pub(super) fn delete(&mut self, name: &str, now: Timestamp) -> Result<&Deleted, VaultError> {
        let key = name.to_ascii_lowercase();
        let secret = self.live.remove(&key);
        let secret = secret.ok_or_else(|| VaultError::not_found(name))?;
        let purge_at = now
            .checked_add(SignedDuration::from_hours(24 * RECOVERABLE_DAYS))
            .unwrap_or(Timestamp::MAX);
        let deleted = Deleted {
            secret,
            at: now,
            purge_at,
        };
        Ok(self.deleted.entry(key).or_insert(deleted))
    }

    pub(super) fn deleted_secret(&self, name: &str) -> Result<&Deleted, VaultError> {
        let found = self.deleted.get(&name.to_ascii_lowercase());
        found.ok_or_else(|| VaultError::deleted_not_found(name))
    }

    pub(super) fn recover(&mut self, name: &str) -> Result<&Secret, VaultError> {
        let key = name.to_ascii_lowercase();
        let deleted = self.deleted.remove(&key);
        let deleted = deleted.ok_or_else(|| VaultError::deleted_not_found(name))?;
        Ok(self.live.entry(key).or_insert(deleted.secret))
    }

    pub(super) fn purge(&mut self, name: &str) -> Result<(), VaultError> {
        let purged = self.deleted.remove(&name.to_ascii_lowercase());
        purged
            .map(drop)
            .ok_or_else(|| VaultError::deleted_not_found(name))
    }

    /// Brings a backup back, with its versions and their ids.
    pub(super) fn restore(&mut self, secret: Secret) -> Result<&Secret, VaultError> {
        let key = secret.name.to_ascii_lowercase();
        if self.deleted.contains_key(&key) {
            return Err(VaultError::deleted_but_recoverable(&secret.name));
        }
        if self.live.contains_key(&key) {
            return Err(VaultError::exists(&secret.name));
        }
        Ok(self.live.entry(key).or_insert(secret))
    }
}
