//! The project's secrets and their versions.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rotaproof_base::{Fingerprint, SecretValue};

use super::name::Name;
use super::proto::{self, VersionState};

/// A secret and its versions.
pub(super) struct Secret {
    /// `projects/<number>[/locations/<location>]/secrets/<id>`.
    pub(super) name: String,
    pub(super) id: String,
    /// The order of creation, newest highest.
    pub(super) serial: u64,
    pub(super) replication: Option<proto::Replication>,
    pub(super) created: Timestamp,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) topics: Vec<proto::Topic>,
    pub(super) rotation: Option<proto::Rotation>,
    pub(super) aliases: BTreeMap<String, i64>,
    pub(super) expires: Option<Timestamp>,
    /// Between a destroy and the destruction.
    pub(super) destroy_after: Option<SignedDuration>,
    pub(super) etag: String,
    /// Version `n` stands at `n - 1`: versions are numbered from 1 and never removed.
    pub(super) versions: Vec<Version>,
}

/// One version.
pub(super) struct Version {
    pub(super) created: Timestamp,
    /// `None` once it is destroyed.
    pub(super) payload: Option<Payload>,
    pub(super) enabled: bool,
    pub(super) destroyed: Option<Timestamp>,
    /// When a delayed destruction is due.
    pub(super) scheduled: Option<Timestamp>,
    pub(super) etag: String,
    pub(super) client_checksum: bool,
}

pub(super) struct Payload {
    pub(super) data: SecretValue,
    pub(super) crc32c: u32,
    pub(super) fingerprint: Fingerprint,
}

impl Version {
    pub(super) fn state(&self) -> VersionState {
        match (&self.payload, self.enabled) {
            (None, _) => VersionState::Destroyed,
            (Some(_), true) => VersionState::Enabled,
            (Some(_), false) => VersionState::Disabled,
        }
    }

    /// Destroys it for good.
    pub(super) fn destroy(&mut self, now: Timestamp) {
        self.payload = None;
        self.enabled = false;
        self.scheduled = None;
        self.destroyed = Some(now);
    }
}

impl Secret {
    /// A version by its number.
    pub(super) fn version(&self, number: u64) -> Option<&Version> {
        self.versions.get(index(number)?)
    }

    pub(super) fn version_mut(&mut self, number: u64) -> Option<&mut Version> {
        self.versions.get_mut(index(number)?)
    }

    /// The newest version's number, whatever its state; 0 where there is none.
    pub(super) fn newest(&self) -> u64 {
        self.versions.len() as u64
    }

    /// `<name>/versions/<number>`.
    pub(super) fn version_name(&self, number: u64) -> String {
        format!("{}/versions/{number}", self.name)
    }
}

fn index(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}

/// A location (empty for a global secret) and a secret's id.
type Place = (String, String);

/// All secrets of the project.
pub(super) struct Store {
    /// The project's number, by which answers name it.
    number: String,
    secrets: BTreeMap<Place, Secret>,
    created: u64,
    changes: u64,
}

impl Store {
    pub(super) fn new(number: String) -> Self {
        Self {
            number,
            secrets: BTreeMap::new(),
            created: 0,
            changes: 0,
        }
    }

    fn place(name: &Name<'_>, id: &str) -> Place {
        (name.location.unwrap_or_default().to_owned(), id.to_owned())
    }

    /// How answers and errors write the name of a secret.
    pub(super) fn full_name(&self, name: &Name<'_>, id: &str) -> String {
        match name.location {
            None => format!("projects/{}/secrets/{id}", self.number),
            Some(location) => {
                format!("projects/{}/locations/{location}/secrets/{id}", self.number)
            }
        }
    }

    pub(super) fn get(&self, name: &Name<'_>, id: &str) -> Option<&Secret> {
        self.secrets.get(&Self::place(name, id))
    }

    pub(super) fn get_mut(&mut self, name: &Name<'_>, id: &str) -> Option<&mut Secret> {
        self.secrets.get_mut(&Self::place(name, id))
    }

    pub(super) fn remove(&mut self, name: &Name<'_>, id: &str) {
        self.secrets.remove(&Self::place(name, id));
    }

    pub(super) fn insert(&mut self, name: &Name<'_>, secret: Secret) {
        let place = Self::place(name, &secret.id);
        self.secrets.insert(place, secret);
    }

    /// The secrets of one location, newest first, as ListSecrets sorts them.
    pub(super) fn newest_first(&self, location: Option<&str>) -> Vec<&Secret> {
        let location = location.unwrap_or_default();
        let mut secrets: Vec<&Secret> = self
            .secrets
            .iter()
            .filter(|((place, _), _)| place == location)
            .map(|(_, secret)| secret)
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.serial));
        secrets
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.created += 1;
        self.created
    }

    /// A new etag, with the quotes that AIP-154 wants in it.
    pub(super) fn etag(&mut self, now: Timestamp) -> String {
        self.changes += 1;
        format!(
            "\"{:x}{:04x}\"",
            now.as_microsecond(),
            self.changes & 0xffff
        )
    }

    /// Does what is due: secrets past their expiry are gone, scheduled destructions happen.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.secrets
            .retain(|_, secret| secret.expires.is_none_or(|at| now < at));
        let delayed = self
            .secrets
            .values_mut()
            .filter(|s| s.destroy_after.is_some());
        for version in delayed.flat_map(|secret| &mut secret.versions) {
            if let Some(at) = version.scheduled.filter(|at| *at <= now) {
                version.destroy(at);
            }
        }
    }
}
