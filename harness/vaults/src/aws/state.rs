//! The secrets of one region: versions, staging labels, deletion and recovery.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use rotaproof_base::{Entropy, Fingerprint, Fingerprinter, SecretValue};

use super::error::ApiError;

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
/// Versions that a secret keeps; beyond it, those without a staging label go, oldest first.
const VERSIONS: usize = 100;

/// A version's value, as it was written.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Body {
    Text(SecretValue),
    Binary(SecretValue),
}

impl Body {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(value) | Self::Binary(value) => value.expose(),
        }
    }
}

pub(super) struct Version {
    pub(super) body: Body,
    pub(super) fingerprint: Fingerprint,
    pub(super) created: Timestamp,
    pub(super) accessed: Option<Timestamp>,
    /// In the order in which they were attached.
    pub(super) stages: Vec<String>,
}

pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) tags: IndexMap<String, String>,
    /// By version id, in the order of their creation.
    pub(super) versions: IndexMap<String, Version>,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) accessed: Option<Timestamp>,
    /// When it was marked for deletion, and when it goes.
    pub(super) deleted: Option<(Timestamp, Timestamp)>,
}

/// What became of a version that was to be added.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    New,
    /// The token was already used for the same value: nothing happened.
    Repeated,
}

impl Secret {
    /// The version that carries a staging label.
    pub(super) fn staged(&self, stage: &str) -> Option<&str> {
        self.versions
            .iter()
            .find(|(_, version)| version.stages.iter().any(|s| s == stage))
            .map(|(id, _)| id.as_str())
    }

    /// Adds a version under `token` with the labels of `stages`. The first version is AWSCURRENT whatever they say.
    pub(super) fn add_version(
        &mut self,
        token: &str,
        body: Body,
        stages: &[String],
        fingerprinter: &Fingerprinter,
        now: Timestamp,
    ) -> Result<Added, ApiError> {
        if let Some(known) = self.versions.get(token) {
            if known.body == body {
                return Ok(Added::Repeated);
            }
            return Err(ApiError::exists(
                "You can't modify an existing version, you can only create a new version.",
            ));
        }
        let is_first = self.staged(CURRENT).is_none();
        let version = Version {
            fingerprint: fingerprinter.of(body.bytes()),
            body,
            created: now,
            accessed: None,
            stages: Vec::new(),
        };
        self.versions.insert(token.into(), version);
        for stage in stages {
            self.attach(stage, token);
        }
        if is_first {
            self.attach(CURRENT, token);
        }
        self.changed = now;
        self.prune();
        Ok(Added::New)
    }

    /// Moves a label to a version. AWSPREVIOUS follows AWSCURRENT to the version that it leaves.
    pub(super) fn attach(&mut self, stage: &str, id: &str) {
        let left = self.staged(stage).map(str::to_owned);
        if left.as_deref() == Some(id) || !self.versions.contains_key(id) {
            return;
        }
        self.detach(stage);
        if let Some(version) = self.versions.get_mut(id) {
            version.stages.push(stage.into());
        }
        if stage == CURRENT {
            // The version that becomes current is no longer the previous one.
            if self.staged(PREVIOUS) == Some(id) {
                self.detach(PREVIOUS);
            }
            if let Some(left) = left {
                self.attach(PREVIOUS, &left);
            }
        }
    }

    /// Takes a label off whichever version carries it.
    pub(super) fn detach(&mut self, stage: &str) {
        for version in self.versions.values_mut() {
            version.stages.retain(|s| s != stage);
        }
    }

    fn prune(&mut self) {
        while self.versions.len() > VERSIONS {
            let Some(oldest) = self.versions.values().position(|v| v.stages.is_empty()) else {
                return;
            };
            self.versions.shift_remove_index(oldest);
        }
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    /// Marks a read. AWS keeps only the day.
    pub(super) fn touch(&mut self, id: &str, now: Timestamp) {
        let day = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(86_400))
            .unwrap_or(now);
        self.accessed = Some(day);
        if let Some(version) = self.versions.get_mut(id) {
            version.accessed = Some(day);
        }
    }
}

/// The secrets of one region of the account.
pub(super) struct Region {
    /// `arn:aws:secretsmanager:<region>:<account>:secret:`.
    prefix: String,
    secrets: BTreeMap<String, Secret>,
}

impl Region {
    pub(super) fn new(region: &str, account: &str) -> Self {
        Self {
            prefix: format!("arn:aws:secretsmanager:{region}:{account}:secret:"),
            secrets: BTreeMap::new(),
        }
    }

    /// Removes the secrets whose recovery window is over.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.secrets
            .retain(|_, secret| secret.deleted.is_none_or(|(_, end)| now < end));
    }

    /// Looks a secret up by name, full ARN or ARN without its random suffix.
    pub(super) fn get(&self, id: &str) -> Option<&Secret> {
        self.secrets.get(self.name_of(id)?)
    }

    /// As [`Region::get`].
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Secret> {
        let name = self.name_of(id)?.to_owned();
        self.secrets.get_mut(&name)
    }

    fn name_of<'a>(&self, id: &'a str) -> Option<&'a str> {
        if !id.starts_with("arn:") {
            return self.secrets.contains_key(id).then_some(id);
        }
        let name = id.strip_prefix(&self.prefix)?;
        if self.secrets.contains_key(name) {
            return Some(name);
        }
        let bare = without_suffix(name);
        self.secrets
            .get(bare)
            .filter(|secret| secret.arn == id)
            .map(|_| bare)
    }

    /// Adds an empty secret. The caller has made sure that the name is free.
    pub(super) fn create(&mut self, name: &str, entropy: &Entropy, now: Timestamp) -> &mut Secret {
        let arn = self.arn_for(name, entropy);
        let secret = Secret {
            arn,
            name: name.into(),
            description: None,
            kms_key: None,
            tags: IndexMap::new(),
            versions: IndexMap::new(),
            created: now,
            changed: now,
            accessed: None,
            deleted: None,
        };
        self.secrets.entry(name.into()).or_insert(secret)
    }

    /// An ARN for a name, with six random characters.
    pub(super) fn arn_for(&self, name: &str, entropy: &Entropy) -> String {
        const SUFFIX: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        format!("{}{name}-{}", self.prefix, entropy.text(SUFFIX, 6))
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.secrets.remove(name);
    }

    /// In the order of their creation, then by name.
    pub(super) fn all(&self) -> Vec<&Secret> {
        let mut all: Vec<&Secret> = self.secrets.values().collect();
        all.sort_by_key(|secret| secret.created);
        all
    }
}

/// `name-AbCdEf` without the hyphen and the six characters.
pub(super) fn without_suffix(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((bare, suffix)) if suffix.len() == 6 => bare,
        _ => name,
    }
}

/// The end of a recovery window.
pub(super) fn recovery_end(now: Timestamp, days: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * days))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
