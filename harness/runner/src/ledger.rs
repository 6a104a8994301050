//! The ledger: every value that the harness wrote has a name, and nothing else about it is ever shown.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;
use rotaproof_base::{Fingerprint, Fingerprinter, SecretValue};
use rotaproof_vaults::Content;

/// A version of a secret, as the harness wrote it.
pub(crate) struct Version {
    /// `v1`, `v2`, ... in the order of writing.
    pub(crate) name: String,
    /// The vault's own id of it.
    pub(crate) vault_version: String,
    /// What was written.
    pub(crate) content: Content,
    /// When the vault acknowledged it, since the scenario's start.
    pub(crate) written: Duration,
    /// Of each field, and of the whole body under `None`.
    fingerprints: Vec<(Option<String>, Fingerprint)>,
}

/// The versions of one secret.
#[derive(Default)]
pub(crate) struct History {
    versions: Vec<Version>,
    /// Indexes of what was current, oldest first; the last is current, `None` while the secret is removed.
    currents: Vec<Option<usize>>,
}

impl History {
    /// The version that is current.
    pub(crate) fn current(&self) -> Option<&Version> {
        self.versions.get((*self.currents.last()?)?)
    }

    /// The version that was current before the one that is.
    pub(crate) fn previous(&self) -> Option<&Version> {
        let current = self.currents.last().copied().flatten();
        let before = self
            .currents
            .iter()
            .rev()
            .flatten()
            .find(|&&i| Some(i) != current)?;
        self.versions.get(*before)
    }

    /// By the names that scenarios use: `current`, `previous`, `initial`, `v3`.
    pub(crate) fn named(&self, name: &str) -> Option<&Version> {
        match name {
            "current" => self.current(),
            "previous" => self.previous(),
            "initial" => self.versions.first(),
            _ => self.versions.iter().find(|version| version.name == name),
        }
    }

    /// By the vault's own id.
    pub(crate) fn by_vault_version(&self, id: &str) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.vault_version == id)
    }
}

impl Version {
    /// The fingerprints that a reader of `field` (or of the whole body) may hold.
    pub(crate) fn fingerprints<'a>(
        &'a self,
        field: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Fingerprint> {
        self.fingerprints
            .iter()
            .filter(move |(name, _)| name.as_deref() == field)
            .map(|(_, fingerprint)| fingerprint)
    }

    /// The fingerprints of all its fields and of its body.
    pub(crate) fn all_fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.fingerprints.iter().map(|(_, fingerprint)| fingerprint)
    }

    /// The value of a field, or of the whole body.
    pub(crate) fn value(&self, field: Option<&str>) -> Option<SecretValue> {
        match (&self.content, field) {
            (Content::Text(text), None) => Some(text.clone()),
            (Content::Fields(fields), Some(field)) => fields.get(field).cloned(),
            (Content::Fields(fields), None) => Some(json_body(fields)),
            (Content::Text(_), Some(_)) => None,
        }
    }
}

/// Where a fingerprint was found in the ledger.
pub(crate) struct Found<'a> {
    /// `vault/secret`.
    pub(crate) secret: &'a str,
    /// The field; the whole body where absent.
    pub(crate) field: Option<&'a str>,
    /// The versions that hold this value, oldest first.
    pub(crate) versions: Vec<&'a Version>,
}

/// All versions of all secrets of a scenario.
pub(crate) struct Ledger {
    fingerprinter: Fingerprinter,
    secrets: BTreeMap<String, History>,
    by_fingerprint: BTreeMap<Fingerprint, Vec<(String, Option<String>, usize)>>,
}

impl Ledger {
    /// An empty ledger under the run's key.
    pub(crate) fn new(fingerprinter: Fingerprinter) -> Self {
        Self {
            fingerprinter,
            secrets: BTreeMap::new(),
            by_fingerprint: BTreeMap::new(),
        }
    }

    /// The run's fingerprinter.
    pub(crate) fn fingerprinter(&self) -> &Fingerprinter {
        &self.fingerprinter
    }

    /// The history of `vault/secret`.
    pub(crate) fn history(&self, secret: &str) -> Option<&History> {
        self.secrets.get(secret)
    }

    /// Takes down a version that the vault acknowledged as current, and names it.
    pub(crate) fn written(
        &mut self,
        secret: &str,
        vault_version: String,
        content: Content,
        at: Duration,
    ) -> String {
        let fingerprints = self.fingerprints(&content);
        let history = self.secrets.entry(secret.to_owned()).or_default();
        let index = history.versions.len();
        let name = format!("v{}", index + 1);
        for (field, fingerprint) in &fingerprints {
            self.by_fingerprint
                .entry(fingerprint.clone())
                .or_default()
                .push((secret.to_owned(), field.clone(), index));
        }
        history.versions.push(Version {
            name: name.clone(),
            vault_version,
            content,
            written: at,
            fingerprints,
        });
        history.currents.push(Some(index));
        name
    }

    /// Takes down that an earlier version is current again, by the vault's id of it. The name, if the ledger knows it.
    pub(crate) fn current_again(&mut self, secret: &str, vault_version: &str) -> Option<String> {
        let history = self.secrets.get_mut(secret)?;
        let index = history
            .versions
            .iter()
            .position(|version| version.vault_version == vault_version)?;
        history.currents.push(Some(index));
        Some(history.versions.get(index)?.name.clone())
    }

    /// Takes down that the secret is gone.
    pub(crate) fn removed(&mut self, secret: &str) {
        if let Some(history) = self.secrets.get_mut(secret) {
            history.currents.push(None);
        }
    }

    /// Takes down that a removed secret is back as it was.
    pub(crate) fn restored(&mut self, secret: &str) {
        if let Some(history) = self.secrets.get_mut(secret) {
            let before = history.currents.iter().rev().flatten().next().copied();
            history.currents.push(before);
        }
    }

    /// Who wrote a value.
    pub(crate) fn find(&self, fingerprint: &Fingerprint) -> Option<Found<'_>> {
        let places = self.by_fingerprint.get(fingerprint)?;
        let (secret, field, _) = places.first()?;
        let history = self.secrets.get(secret)?;
        let versions = places
            .iter()
            .filter(|(s, f, _)| s == secret && f == field)
            .filter_map(|(_, _, index)| history.versions.get(*index))
            .collect();
        Some(Found {
            secret,
            field: field.as_deref(),
            versions,
        })
    }

    /// A value by its name: `v1 of aws/prod/notebook/aws#access_key_id`, or that no vault wrote it.
    pub(crate) fn describe(&self, fingerprint: &Fingerprint) -> String {
        match self.find(fingerprint) {
            Some(found) => {
                let names: Vec<&str> = found.versions.iter().map(|v| v.name.as_str()).collect();
                let field = found.field.map(|f| format!("#{f}")).unwrap_or_default();
                format!("{} of {}{field}", names.join(" = "), found.secret)
            }
            None => format!("a value that no vault wrote ({fingerprint})"),
        }
    }

    /// Every value that the ledger knows, for the proof that none of them leaks.
    pub(crate) fn values(&self) -> impl Iterator<Item = SecretValue> + '_ {
        self.secrets
            .values()
            .flat_map(|history| &history.versions)
            .flat_map(|version| match &version.content {
                Content::Text(text) => vec![text.clone()],
                Content::Fields(fields) => fields.values().cloned().collect(),
            })
    }

    fn fingerprints(&self, content: &Content) -> Vec<(Option<String>, Fingerprint)> {
        let of = |value: &SecretValue| self.fingerprinter.of(value.expose());
        match content {
            Content::Text(text) => vec![(None, of(text))],
            Content::Fields(fields) => {
                let mut all: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| (Some(name.clone()), of(value)))
                    .collect();
                // AWS hands out the body as written; Vault's data has no order, and ESO sorts its keys.
                let as_written = of(&json_body(fields));
                let mut sorted = fields.clone();
                sorted.sort_keys();
                let sorted = of(&json_body(&sorted));
                if sorted != as_written {
                    all.push((None, sorted));
                }
                all.push((None, as_written));
                all
            }
        }
    }
}

/// The fields as compact JSON.
fn json_body(fields: &IndexMap<String, SecretValue>) -> SecretValue {
    let object: serde_json::Map<String, serde_json::Value> = fields
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.expose()).into_owned();
            (name.clone(), text.into())
        })
        .collect();
    SecretValue::new(serde_json::Value::Object(object).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Content {
        Content::Text(SecretValue::new(value))
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(Fingerprinter::from_key([7; 32]));
        for (n, value) in ["one", "two"].iter().enumerate() {
            ledger.written("aws/a", format!("id{n}"), text(value), Duration::ZERO);
        }
        ledger
    }

    #[test]
    fn versions_are_named_in_the_order_of_writing() {
        let ledger = ledger();
        let history = ledger.history("aws/a").unwrap();
        let name = |name| history.named(name).map(|v| v.name.as_str());
        assert_eq!(name("initial"), Some("v1"));
        assert_eq!(name("previous"), Some("v1"));
        assert_eq!(name("current"), Some("v2"));
        assert_eq!(name("v2"), Some("v2"));
        assert_eq!(name("v3"), None);
    }

    #[test]
    fn a_roll_back_makes_the_earlier_version_current_and_the_later_one_previous() {
        let mut ledger = ledger();
        assert_eq!(ledger.current_again("aws/a", "id0").as_deref(), Some("v1"));
        let history = ledger.history("aws/a").unwrap();
        assert_eq!(history.current().unwrap().name, "v1");
        assert_eq!(history.previous().unwrap().name, "v2");
    }

    #[test]
    fn a_removed_secret_has_no_current_version_until_it_is_restored() {
        let mut ledger = ledger();
        ledger.removed("aws/a");
        assert!(ledger.history("aws/a").unwrap().current().is_none());
        ledger.restored("aws/a");
        assert_eq!(
            ledger.history("aws/a").unwrap().current().unwrap().name,
            "v2"
        );
    }

    #[test]
    fn a_value_is_shown_by_name_and_an_unknown_one_by_fingerprint() {
        let ledger = ledger();
        let of = |value: &[u8]| ledger.fingerprinter().of(value);
        assert_eq!(ledger.describe(&of(b"one")), "v1 of aws/a");
        let unknown = ledger.describe(&of(b"three"));
        assert!(unknown.starts_with("a value that no vault wrote ("));
        assert!(!unknown.contains("three"));
    }

    #[test]
    fn one_value_in_two_versions_has_both_names() {
        let mut ledger = ledger();
        ledger.written("aws/a", "id2".into(), text("one"), Duration::ZERO);
        let of = ledger.fingerprinter().of(b"one");
        assert_eq!(ledger.describe(&of), "v1 = v3 of aws/a");
    }

    #[test]
    fn a_whole_body_is_known_in_either_key_order() {
        let mut ledger = Ledger::new(Fingerprinter::from_key([7; 32]));
        let fields = [("b", "2"), ("a", "1")]
            .map(|(k, v)| (k.to_owned(), SecretValue::new(v)))
            .into_iter()
            .collect();
        ledger.written("v/s", "1".into(), Content::Fields(fields), Duration::ZERO);
        for body in [r#"{"b":"2","a":"1"}"#, r#"{"a":"1","b":"2"}"#] {
            let of = ledger.fingerprinter().of(body.as_bytes());
            assert_eq!(ledger.describe(&of), "v1 of v/s");
        }
    }
}
