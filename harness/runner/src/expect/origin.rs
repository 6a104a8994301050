//! What a key, a variable or a file should hold: from its origin in a vault to fingerprints.

use std::time::Duration;

use rotaproof_base::Fingerprint;
use rotaproof_events::human;
use rotaproof_scenario::model::expect::Expected;
use rotaproof_scenario::{
    Mapping, ObjectName, Origin, PodSource, SecretKey, ValueRef, VersionName,
};

use crate::world::State;

/// What should be held.
pub(super) struct Wanted {
    /// Any of these; none can be where the version or the field does not exist.
    fingerprints: Vec<Fingerprint>,
    /// By ledger name.
    pub(super) name: String,
}

impl Wanted {
    fn nothing(name: String) -> Self {
        Self {
            fingerprints: Vec::new(),
            name,
        }
    }

    /// Whether a value is it.
    pub(super) fn is(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprints.contains(fingerprint)
    }

    /// The version of a field (or of the whole body) of `vault/secret`.
    fn of(state: &State, secret: &str, field: Option<&str>, version: VersionName) -> Self {
        let place = match field {
            Some(field) => format!("{secret}#{field}"),
            None => secret.to_owned(),
        };
        let word = version.to_string();
        let Some(found) = state
            .ledger
            .history(secret)
            .and_then(|history| history.named(&word))
        else {
            return Self::nothing(format!("`{word}` of {place}, which does not exist"));
        };
        let fingerprints: Vec<Fingerprint> = found.fingerprints(field).cloned().collect();
        let missing = if fingerprints.is_empty() {
            ", a field that it does not have"
        } else {
            ""
        };
        let alias = if found.name == word {
            String::new()
        } else {
            format!(" ({word})")
        };
        Self {
            name: format!("{}{alias} of {place}{missing}", found.name),
            fingerprints,
        }
    }

    /// A value that is named in full.
    pub(super) fn of_value(state: &State, value: &ValueRef) -> Self {
        Self::of(
            state,
            &value.secret.to_string(),
            value.field.as_deref(),
            value.version,
        )
    }

    /// What a key of a Secret should hold; the reason where its origin is unknown.
    pub(super) fn of_key(
        state: &State,
        mapping: &Mapping,
        key: &SecretKey,
        expected: &Expected,
    ) -> Result<Self, String> {
        match expected {
            Expected::Value(value) => Ok(Self::of_value(state, value)),
            Expected::Version(version) => {
                let origin = mapping.key(&key.secret, &key.key);
                Self::of_origin(state, origin.as_ref(), *version)
                    .ok_or_else(|| unknown(&key.secret, &key.key, origin.as_ref()))
            }
        }
    }

    /// What something that comes from `origin` should hold.
    pub(super) fn of_origin(
        state: &State,
        origin: Option<&Origin>,
        version: VersionName,
    ) -> Option<Self> {
        match origin {
            Some(Origin::Vault {
                secret, property, ..
            }) => Some(Self::of(
                state,
                &secret.to_string(),
                property.as_deref(),
                version,
            )),
            _ => None,
        }
    }

    /// What a variable or file of a pod should hold.
    pub(super) fn of_source(
        state: &State,
        mapping: &Mapping,
        source: Option<PodSource>,
        expected: &Expected,
    ) -> Result<Self, String> {
        match (source, expected) {
            (_, Expected::Value(value)) => Ok(Self::of_value(state, value)),
            (Some(PodSource::Secret(key)), _) => Self::of_key(state, mapping, &key, expected),
            (Some(PodSource::Other { reason }), _) => Err(format!("it comes from {reason}")),
            (None, _) => Err("the pod's manifest does not give it".into()),
        }
    }
}

fn unknown(secret: &ObjectName, key: &str, origin: Option<&Origin>) -> String {
    match origin {
        Some(Origin::Unmapped { reason }) => format!("key {key} of Secret {secret}: {reason}"),
        _ => format!("no ExternalSecret maps key {key} of Secret {secret}"),
    }
}

/// What is held, by ledger name and age: `v1 of aws/a#b, written 1h0m4s ago`.
pub(super) fn held(state: &State, fingerprint: &Fingerprint, now: Duration) -> String {
    let name = state.describe(fingerprint);
    let written = state
        .ledger
        .find(fingerprint)
        .and_then(|found| Some(found.versions.last()?.written));
    match written {
        Some(written) => format!("{name}, written {} ago", human(now.saturating_sub(written))),
        None => name,
    }
}
