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
pub(crate) struct Staleness(Vec<Rotation>);

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
        self.staleness.0.push(rotation);
    }

    /// A Kubernetes Secret changed (t2 of the rotations whose value it now holds).
    pub(crate) fn secret_changed(&mut self, values: &[(String, Fingerprint)], at: Duration) {
        for rotation in &mut self.staleness.0 {
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
        for rotation in &mut self.staleness.0 {
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
            .staleness
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

    /// The lags so far, of one secret or of all.
    pub(crate) fn lags(&self, secret: Option<&str>, journal: &Journal) -> Vec<Lag> {
        let wanted = |rotation: &&Rotation| secret.is_none_or(|secret| rotation.secret == secret);
        let rotations = self.staleness.0.iter().filter(wanted);
        rotations.map(|rotation| rotation.lag(journal)).collect()
    }
}

impl Rotation {
    fn lag(&self, journal: &Journal) -> Lag {
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
        let seen = self.seen.as_ref().map(|(at, _)| *at);
        let between =
            |from: Option<Duration>, to: Option<Duration>| Some(micros(to?.saturating_sub(from?)));
        Lag {
            secret: self.secret.clone(),
            version: self.version.clone(),
            vault: vault.to_owned(),
            fetched_us: between(Some(self.acknowledged), fetched),
            synced_us: between(fetched, self.secret_changed),
            seen_us: between(self.secret_changed, seen),
            total_us: between(Some(self.acknowledged), seen),
            consumer: self.seen.as_ref().map(|(_, pod)| pod.clone()),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
