//! The state of one KV v2 engine: secrets, their versions, what is deleted and what is destroyed.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rotaproof_base::{Fingerprint, SecretValue};

use super::time::later;

/// Versions kept where neither the secret nor the engine says.
const MAX_VERSIONS: u64 = 10;

/// One KV v2 engine.
#[derive(Default)]
pub(super) struct Kv2 {
    pub(super) config: Settings,
    secrets: BTreeMap<String, Secret>,
}

/// What an engine and a secret may both set.
#[derive(Clone, Default)]
pub(super) struct Settings {
    /// 0: not set.
    pub(super) max_versions: u64,
    pub(super) cas_required: bool,
    /// Zero: not set.
    pub(super) delete_version_after: Duration,
}

/// One secret.
pub(super) struct Secret {
    pub(super) settings: Settings,
    /// `None` was never set.
    pub(super) custom_metadata: Option<BTreeMap<String, String>>,
    pub(super) current: u64,
    pub(super) oldest: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) versions: BTreeMap<u64, Version>,
}

/// One version.
pub(super) struct Version {
    pub(super) created: Timestamp,
    /// When it is or was deleted; it can be undeleted.
    pub(super) deletion: Option<Timestamp>,
    /// `None` once destroyed.
    pub(super) content: Option<Content>,
}

/// What a version holds.
#[derive(Clone)]
pub(super) struct Content {
    /// Compact JSON with sorted keys.
    pub(super) json: SecretValue,
    pub(super) fingerprint: Fingerprint,
}

/// Why a write was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CasError {
    Mismatch,
    Required,
}

impl Version {
    /// Whether it counts as deleted now.
    pub(super) fn deleted(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|at| at <= now)
    }

    /// Whether it is gone for good.
    pub(super) fn destroyed(&self) -> bool {
        self.content.is_none()
    }
}

impl Secret {
    fn new(now: Timestamp) -> Self {
        Self {
            settings: Settings::default(),
            custom_metadata: None,
            current: 0,
            oldest: 0,
            created: now,
            updated: now,
            versions: BTreeMap::new(),
        }
    }

    /// A version, or the current one for `None`.
    pub(super) fn version(&self, number: Option<u64>) -> Option<(u64, &Version)> {
        let number = number.unwrap_or(self.current);
        self.versions.get(&number).map(|v| (number, v))
    }
}

impl Kv2 {
    /// A secret.
    pub(super) fn get(&self, key: &str) -> Option<&Secret> {
        self.secrets.get(key)
    }

    /// Checks a write's `cas` against the current version (0 where there is none).
    pub(super) fn check(&self, key: &str, cas: Option<i64>) -> Result<(), CasError> {
        let secret = self.secrets.get(key);
        let required = self.config.cas_required || secret.is_some_and(|s| s.settings.cas_required);
        match cas {
            Some(cas) if u64::try_from(cas).ok() != Some(secret.map_or(0, |s| s.current)) => {
                Err(CasError::Mismatch)
            }
            None if required => Err(CasError::Required),
            _ => Ok(()),
        }
    }

    /// Adds a version, which becomes the current one, and drops those beyond the limit.
    pub(super) fn write(&mut self, key: &str, content: Content, now: Timestamp) -> &Secret {
        let secret = self
            .secrets
            .entry(key.to_owned())
            .or_insert_with(|| Secret::new(now));
        let lifetimes = [
            self.config.delete_version_after,
            secret.settings.delete_version_after,
        ];
        let lifetime = lifetimes.into_iter().filter(|d| !d.is_zero()).min();
        if secret.current == 0 {
            secret.created = now;
        }
        secret.current += 1;
        secret.updated = now;
        secret.versions.insert(
            secret.current,
            Version {
                created: now,
                deletion: lifetime.map(|by| later(now, by)),
                content: Some(content),
            },
        );
        let limit = match self.config.max_versions.max(secret.settings.max_versions) {
            0 => MAX_VERSIONS,
            limit => limit,
        };
        if secret.current - secret.oldest >= limit {
            let keep_from = secret.current.saturating_sub(limit) + 1;
            secret.versions.retain(|number, _| *number >= keep_from);
            secret.oldest = keep_from;
        }
        secret
    }

    /// Deletes the current version, so that it can be undeleted.
    pub(super) fn delete(&mut self, key: &str, now: Timestamp) {
        if let Some(secret) = self.secrets.get_mut(key)
            && let Some(version) = secret.versions.get_mut(&secret.current)
            && !version.destroyed()
            && !version.deleted(now)
        {
            version.deletion = Some(now);
        }
    }

    fn each(&mut self, key: &str, numbers: &[u64], mut change: impl FnMut(&mut Version)) {
        let Some(secret) = self.secrets.get_mut(key) else {
            return;
        };
        for number in numbers {
            if let Some(version) = secret.versions.get_mut(number) {
                change(version);
            }
        }
    }

    /// Deletes versions, so that they can be undeleted.
    pub(super) fn delete_versions(&mut self, key: &str, numbers: &[u64], now: Timestamp) {
        self.each(key, numbers, |version| {
            if !version.destroyed() && !version.deleted(now) {
                version.deletion = Some(now);
            }
        });
    }

    /// Brings deleted versions back.
    pub(super) fn undelete(&mut self, key: &str, numbers: &[u64]) {
        self.each(key, numbers, |version| {
            if !version.destroyed() {
                version.deletion = None;
            }
        });
    }

    /// Destroys versions for good.
    pub(super) fn destroy(&mut self, key: &str, numbers: &[u64]) {
        self.each(key, numbers, |version| version.content = None);
    }

    /// A secret to set metadata on; it comes into being without versions.
    pub(super) fn metadata_mut(&mut self, key: &str, now: Timestamp) -> &mut Secret {
        self.secrets
            .entry(key.to_owned())
            .or_insert_with(|| Secret::new(now))
    }

    /// Removes a secret with all that is known of it.
    pub(super) fn remove(&mut self, key: &str) {
        self.secrets.remove(key);
    }

    /// The names directly below a folder (`""` or ending in `/`); sub-folders end in `/`.
    pub(super) fn list(&self, folder: &str) -> Vec<String> {
        children(self.secrets.keys(), folder)
    }
}

/// The names directly below `folder` among `keys`, which come sorted.
pub(super) fn children<'a>(keys: impl Iterator<Item = &'a String>, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = keys
        .filter_map(|key| key.strip_prefix(folder))
        .filter(|rest| !rest.is_empty())
        .map(|rest| match rest.find('/') {
            Some(end) => rest.get(..=end).unwrap_or(rest).to_owned(),
            None => rest.to_owned(),
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rotaproof_base::Fingerprinter;

    use super::*;

    fn content(text: &str) -> Content {
        Content {
            json: SecretValue::new(text),
            fingerprint: Fingerprinter::from_key([7; 32]).of(text.as_bytes()),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[derive(Clone, Debug)]
    enum Op {
        Write,
        Delete,
        DeleteVersions(Vec<u64>),
        Undelete(Vec<u64>),
        Destroy(Vec<u64>),
        Remove,
        Limit(u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        let numbers = || prop::collection::vec(0u64..25, 0..4);
        prop_oneof![
            4 => Just(Op::Write),
            1 => Just(Op::Delete),
            1 => numbers().prop_map(Op::DeleteVersions),
            2 => numbers().prop_map(Op::Undelete),
            1 => numbers().prop_map(Op::Destroy),
            1 => Just(Op::Remove),
            1 => (0u64..6).prop_map(Op::Limit),
        ]
    }

    proptest! {
        #[test]
        fn the_current_version_only_grows_and_destroyed_data_never_returns(ops in prop::collection::vec(op(), 0..60)) {
            let mut kv = Kv2::default();
            let mut current = 0;
            let mut destroyed = std::collections::BTreeSet::new();
            for (second, op) in ops.into_iter().enumerate() {
                let now = at(second as i64);
                match op {
                    Op::Write => {
                        let version = kv.write("k", content(&format!("{}", current + 1)), now).current;
                        prop_assert_eq!(version, current + 1);
                    }
                    Op::Delete => kv.delete("k", now),
                    Op::DeleteVersions(numbers) => kv.delete_versions("k", &numbers, now),
                    Op::Undelete(numbers) => kv.undelete("k", &numbers),
                    Op::Destroy(numbers) => {
                        destroyed.extend(numbers.iter().copied().filter(|n| kv.get("k").is_some_and(|s| s.versions.contains_key(n))));
                        kv.destroy("k", &numbers);
                    }
                    Op::Remove => {
                        kv.remove("k");
                        current = 0;
                        destroyed.clear();
                    }
                    Op::Limit(limit) => kv.config.max_versions = limit,
                }
                let Some(secret) = kv.get("k") else { continue };
                prop_assert!(secret.current >= current);
                current = secret.current;
                for (number, version) in &secret.versions {
                    prop_assert!(*number >= secret.oldest && *number <= secret.current);
                    prop_assert_eq!(version.destroyed(), destroyed.contains(number));
                    if let Some(content) = &version.content {
                        let expected = number.to_string();
                        prop_assert_eq!(content.json.expose_str(), Some(expected.as_str()));
                    }
                }
            }
        }
    }

    #[test]
    fn ten_versions_are_kept_unless_the_engine_or_the_secret_says_more() {
        let mut kv = Kv2::default();
        for n in 0..12 {
            kv.write("k", content("x"), at(n));
        }
        let numbers: Vec<u64> = kv.get("k").unwrap().versions.keys().copied().collect();
        assert_eq!(numbers, (3..=12).collect::<Vec<_>>());
        assert_eq!(kv.get("k").unwrap().oldest, 3);
        kv.config.max_versions = 2;
        kv.metadata_mut("k", at(13)).settings.max_versions = 3;
        kv.write("k", content("x"), at(13));
        let numbers: Vec<u64> = kv.get("k").unwrap().versions.keys().copied().collect();
        assert_eq!(numbers, [11, 12, 13]);
    }

    #[test]
    fn a_version_lives_as_long_as_the_shorter_setting_says() {
        let mut kv = Kv2::default();
        kv.config.delete_version_after = Duration::from_secs(60);
        kv.write("k", content("x"), at(0));
        let version = |kv: &Kv2| kv.get("k").unwrap().version(None).unwrap().1.deletion;
        assert_eq!(version(&kv), Some(at(60)));
        assert!(
            !kv.get("k")
                .unwrap()
                .version(None)
                .unwrap()
                .1
                .deleted(at(59))
        );
        assert!(
            kv.get("k")
                .unwrap()
                .version(None)
                .unwrap()
                .1
                .deleted(at(60))
        );
        kv.metadata_mut("k", at(1)).settings.delete_version_after = Duration::from_secs(30);
        kv.write("k", content("x"), at(1));
        assert_eq!(version(&kv), Some(at(31)));
    }

    #[test]
    fn cas_must_match_the_current_version_and_zero_means_absent() {
        let mut kv = Kv2::default();
        assert_eq!(kv.check("k", Some(0)), Ok(()));
        assert_eq!(kv.check("k", Some(1)), Err(CasError::Mismatch));
        assert_eq!(kv.check("k", Some(-1)), Err(CasError::Mismatch));
        kv.write("k", content("x"), at(0));
        assert_eq!(kv.check("k", Some(0)), Err(CasError::Mismatch));
        assert_eq!(kv.check("k", Some(1)), Ok(()));
        assert_eq!(kv.check("k", None), Ok(()));
        kv.config.cas_required = true;
        assert_eq!(kv.check("k", None), Err(CasError::Required));
    }

    #[test]
    fn a_folder_lists_its_direct_children_once() {
        let mut kv = Kv2::default();
        for key in ["git/a", "git/b/c", "git/b/d", "gitlab", "x"] {
            kv.write(key, content("x"), at(0));
        }
        assert_eq!(kv.list(""), ["git/", "gitlab", "x"]);
        assert_eq!(kv.list("git/"), ["a", "b/"]);
        assert!(kv.list("none/").is_empty());
    }
}
