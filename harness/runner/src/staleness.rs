//! Follows each rotation from the vault's acknowledgement to the first pod that sees the new value.

use std::collections::BTreeSet;
use std::time::Duration;

use rotaproof_base::Fingerprint;
use rotaproof_events::Lag;
use rotaproof_gateway::{ClientKind, Journal};

use crate::world::{Report, State};

/// A rotation on its way.
struct Rotation {
    /// `vault/secret`.
    secret: String,
    version: String,
    vault_version: String,
    fingerprints: BTreeSet<Fingerprint>,
    /// The length of the journal when the vault acknowledged.
    journal: u64,
    acknowledged: Duration,
    secret_changed: Option<Duration>,
    seen: Option<(Duration, String)>,
    told: bool,
}

/// All rotations of a scenario.
#[derive(Default)]
pub(crate) struct Rotations(Vec<Rotation>);

/// How far a rotation has come, and when it was where: times are since the lab's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staleness {
    /// The rotated secret: `aws/prod/notebook/aws`.
    pub secret: String,
    /// The name of the version that it made current: `v2`.
    pub version: String,
    /// t0: the vault acknowledged the write.
    pub acknowledged: Duration,
    /// t1: the vault first served the new version to the operator.
    pub fetched: Option<Duration>,
    /// t2: the Kubernetes Secret changed.
    pub synced: Option<Duration>,
    /// t3: a pod first saw the new value.
    pub seen: Option<Duration>,
    /// The pod of t3, by its alias or `namespace/name`.
    pub consumer: Option<String>,
}

impl Staleness {
    /// t2 - t0: how long the Kubernetes Secret was stale. None while it is.
    pub fn until_secret(&self) -> Option<Duration> {
        Some(self.synced?.saturating_sub(self.acknowledged))
    }

    /// t3 - t0: how long until a pod saw the new value. None while none has.
    pub fn until_pod(&self) -> Option<Duration> {
        Some(self.seen?.saturating_sub(self.acknowledged))
    }

    /// The vault, by the scenario's name of it.
    fn vault(&self) -> &str {
        self.secret
            .split_once('/')
            .map_or(self.secret.as_str(), |(vault, _)| vault)
    }
}

impl From<Staleness> for Lag {
    fn from(staleness: Staleness) -> Self {
        let between = |from: Option<Duration>, to: Option<Duration>| {
            let between = to?.saturating_sub(from?);
            Some(u64::try_from(between.as_micros()).unwrap_or(u64::MAX))
        };
        let Staleness {
            fetched,
            synced,
            seen,
            ..
        } = staleness;
        let acknowledged = Some(staleness.acknowledged);
        Self {
            vault: staleness.vault().to_owned(),
            fetched_us: between(acknowledged, fetched),
            synced_us: between(fetched, synced),
            seen_us: between(synced, seen),
            total_us: between(acknowledged, seen),
            secret: staleness.secret,
            version: staleness.version,
            consumer: staleness.consumer,
        }
    }
}

impl State {
    /// Starts to follow the version of `secret` that is current now, acknowledged at `at` (t0).
    pub(crate) fn follow_rotation(&mut self, secret: &str, at: Duration, journal: u64) {
        let Some(current) = self.ledger.history(secret).and_then(|h| h.current()) else {
            return;
        };
        let rotation = Rotation {
            secret: secret.to_owned(),
            version: current.name.clone(),
            vault_version: current.vault_version.clone(),
            fingerprints: current.all_fingerprints().cloned().collect(),
            journal,
            acknowledged: at,
            secret_changed: None,
            seen: None,
            told: false,
        };
        self.rotations.0.push(rotation);
    }

    /// A Kubernetes Secret changed (t2 of the rotations whose value it now holds).
    pub(crate) fn secret_changed(&mut self, values: &[(String, Fingerprint)], at: Duration) {
        for rotation in &mut self.rotations.0 {
            let holds = values
                .iter()
                .any(|(_, f)| rotation.fingerprints.contains(f));
            if rotation.secret_changed.is_none() && holds {
                rotation.secret_changed = Some(at);
            }
        }
    }

    /// A pod reported (t3 of the rotations whose value it now sees). The lags that this completes.
    pub(crate) fn pod_reported(
        &mut self,
        pod: &str,
        report: &Report,
        at: Duration,
        journal: &Journal,
    ) -> Vec<Lag> {
        let seen: BTreeSet<&Fingerprint> =
            report.env.values().chain(report.files.values()).collect();
        let mut complete = Vec::new();
        for rotation in &mut self.rotations.0 {
            // Before the Secret changed, a pod can hold this value only from an earlier time (a roll-back).
            let arrived = rotation.secret_changed.is_some()
                && rotation.fingerprints.iter().any(|f| seen.contains(f));
            if rotation.seen.is_none() && arrived {
                rotation.seen = Some((at, pod.to_owned()));
                rotation.told = true;
                complete.push(rotation.lag(journal));
            }
        }
        complete
    }

    /// The lags of the rotations that no pod saw, each told once.
    pub(crate) fn unseen_lags(&mut self, journal: &Journal) -> Vec<Lag> {
        let untold = self
            .rotations
            .0
            .iter_mut()
            .filter(|rotation| !rotation.told);
        untold
            .map(|rotation| {
                rotation.told = true;
                rotation.lag(journal)
            })
            .collect()
    }

    /// How many rotations there were.
    pub(crate) fn rotation_count(&self) -> usize {
        self.rotations.0.len()
    }

    /// How far the rotation at `index` has come.
    pub(crate) fn staleness_of(&self, index: usize, journal: &Journal) -> Option<Staleness> {
        let rotation = self.rotations.0.get(index)?;
        Some(rotation.staleness(journal))
    }

    /// The lags so far, of one secret or of all.
    pub(crate) fn lags(&self, secret: Option<&str>, journal: &Journal) -> Vec<Lag> {
        let wanted = |rotation: &&Rotation| secret.is_none_or(|secret| rotation.secret == secret);
        let rotations = self.rotations.0.iter().filter(wanted);
        rotations.map(|rotation| rotation.lag(journal)).collect()
    }
}

impl Rotation {
    fn lag(&self, journal: &Journal) -> Lag {
        self.staleness(journal).into()
    }

    fn staleness(&self, journal: &Journal) -> Staleness {
        let (vault, name) = self.secret.split_once('/').unwrap_or((&self.secret, ""));
        let fetched = journal
            .since(self.journal)
            .iter()
            .filter(|entry| {
                entry.client == ClientKind::Operator && entry.vault.as_deref() == Some(vault)
            })
            .find(|entry| {
                entry
                    .versions
                    .iter()
                    .any(|served| served.secret == name && served.version == self.vault_version)
            })
            .map(|entry| entry.elapsed);
        Staleness {
            secret: self.secret.clone(),
            version: self.version.clone(),
            acknowledged: self.acknowledged,
            fetched,
            synced: self.secret_changed,
            seen: self.seen.as_ref().map(|(at, _)| *at),
            consumer: self.seen.as_ref().map(|(_, pod)| pod.clone()),
        }
    }
}
