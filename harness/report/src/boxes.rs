//! The boxes of the decision record's "Phase 2: Testing", ticked by what happened in the run and by nothing else.
//!
//! A scenario's title, tags and verdict tick nothing. What ticks a box is a value that was followed: out of a vault,
//! into a Secret, into a pod. Only a scenario that passed counts, since in another the harness itself may be wrong.

use std::time::Duration;

use rotaproof_events::{DeclaredVault, Event, Held, Record, Verdict, human};

/// The scenarios that serve the record have this tag; a run without one prints no boxes.
const TAG: &str = "seed";

/// Steps by which a Secret may change although no interval has passed.
const SYNCING: [&str; 5] = ["apply", "delete", "force-sync", "heal", "restart"];

/// What the runner calls the writes that are rotations.
const ROTATIONS: [&str; 5] = ["put-value", "staged", "check-and-set", "patch", "roll-back"];

/// One box.
struct Kind {
    title: &'static str,
    proves: Proves,
    /// What would prove it.
    open: &'static str,
}

enum Proves {
    /// A pod saw a value of this vault.
    Vault(&'static str),
    /// A rotated value reached the Secret by the interval.
    Refresh,
    /// A rotated value reached a pod.
    Rotation,
}

const READ: &str = "a pod that sees one of its values";

const fn vault(title: &'static str, vault: &'static str) -> Kind {
    Kind {
        title,
        proves: Proves::Vault(vault),
        open: READ,
    }
}

/// The record's five, and before its last two the vaults that only its context names.
const BOXES: [Kind; 7] = [
    vault("Test with AWS Secrets Manager", "AWS Secrets Manager"),
    vault("Test with Azure Key Vault", "Azure Key Vault"),
    vault("Test with GCP Secret Manager", "GCP Secret Manager"),
    vault("Test with HashiCorp Vault", "HashiCorp Vault"),
    vault("Test with 1Password", "1Password Connect"),
    Kind {
        title: "Verify automatic refresh",
        proves: Proves::Refresh,
        open: "a rotated value that reaches its Secret with no step and no error on the way",
    },
    Kind {
        title: "Test secret rotation",
        proves: Proves::Rotation,
        open: "a rotated value that reaches a pod",
    },
];

/// A box as a report shows it.
pub(crate) struct Shown {
    pub(crate) title: &'static str,
    /// What happened, and where; `Err` has what would have to.
    pub(crate) proof: Result<String, &'static str>,
}

/// A rotation that is under way.
struct Rotation {
    /// `vault/secret`.
    secret: String,
    version: String,
    at_us: u64,
    /// Whether something else than the interval may bring it to the Secret.
    disturbed: bool,
    /// Whether the Secret holds it.
    synced: bool,
}

/// The scenario under way.
#[derive(Default)]
struct Scenario {
    file: String,
    vaults: Vec<DeclaredVault>,
    rotations: Vec<Rotation>,
    /// The first proof of each box.
    proofs: [Option<String>; BOXES.len()],
}

/// Follows the records of a run.
#[derive(Default)]
pub(crate) struct Boxes {
    wanted: bool,
    current: Scenario,
    /// The first proof of each box, and how many scenarios have one.
    proven: [Option<(String, usize)>; BOXES.len()],
}

impl Boxes {
    /// Takes a record.
    pub(crate) fn take(&mut self, record: &Record) {
        match &record.event {
            Event::ScenarioStarted {
                file, tags, vaults, ..
            } => {
                self.wanted |= tags.iter().any(|tag| tag == TAG);
                self.current = Scenario {
                    file: file.clone(),
                    vaults: vaults.clone(),
                    ..Scenario::default()
                };
            }
            Event::ScenarioFinished { verdict, .. } => {
                let ended = std::mem::take(&mut self.current);
                if *verdict == Verdict::Passed {
                    self.count(ended);
                }
            }
            event => self.current.take(record.at_us, event),
        }
    }

    fn count(&mut self, ended: Scenario) {
        for (proven, proof) in self.proven.iter_mut().zip(ended.proofs) {
            match (proven, proof) {
                (Some((_, scenarios)), Some(_)) => *scenarios += 1,
                (proven @ None, Some(proof)) => {
                    *proven = Some((format!("{proof} ({})", ended.file), 1));
                }
                (_, None) => {}
            }
        }
    }

    /// The boxes in the record's order; none where the run does not serve the record.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        if !self.wanted {
            return Vec::new();
        }
        let boxes = BOXES.iter().zip(&self.proven);
        boxes
            .map(|(kind, proven)| Shown {
                title: kind.title,
                proof: match proven {
                    None => Err(kind.open),
                    Some((proof, 1)) => Ok(proof.clone()),
                    Some((proof, 2)) => Ok(format!("{proof}, and 1 more scenario")),
                    Some((proof, n)) => Ok(format!("{proof}, and {} more scenarios", n - 1)),
                },
            })
            .collect()
    }
}

impl Scenario {
    fn take(&mut self, at_us: u64, event: &Event) {
        match event {
            Event::StepStarted { verb, .. } if SYNCING.contains(&verb.as_str()) => self.disturb(),
            // A retry after an error is no refresh.
            Event::ConditionChanged { status, .. } if status != "True" => self.disturb(),
            Event::VaultWritten {
                secret,
                operation,
                current: Some(version),
            } if ROTATIONS.contains(&operation.as_str()) => self.rotations.push(Rotation {
                secret: secret.clone(),
                version: version.clone(),
                at_us,
                disturbed: false,
                synced: false,
            }),
            Event::SecretChanged { secret, holds } => {
                let mut refreshed = None;
                for rotation in self.rotations.iter_mut().filter(|r| !r.synced) {
                    if holds.iter().any(|held| rotation.is(held)) {
                        rotation.synced = true;
                        if !rotation.disturbed {
                            let lag = rotation.lag(at_us);
                            refreshed.get_or_insert(format!(
                                "{} reached Secret {secret} by itself, {lag} after it was written",
                                rotation.name()
                            ));
                        }
                    }
                }
                if let Some(proof) = refreshed {
                    self.prove(|proves| matches!(proves, Proves::Refresh), || proof);
                }
            }
            Event::PodReported { pod, holds } => self.reported(at_us, pod, holds),
            _ => {}
        }
    }

    fn disturb(&mut self) {
        for rotation in &mut self.rotations {
            rotation.disturbed = true;
        }
    }

    fn reported(&mut self, at_us: u64, pod: &str, holds: &[Held]) {
        let rotated = self
            .rotations
            .iter()
            .find(|rotation| rotation.synced && holds.iter().any(|held| rotation.is(held)))
            .map(|rotation| {
                let lag = rotation.lag(at_us);
                let name = rotation.name();
                format!("{name} reached pod {pod}, {lag} after it was written")
            });
        if let Some(proof) = rotated {
            self.prove(|proves| matches!(proves, Proves::Rotation), || proof);
        }
        for vault in self.vaults.clone() {
            let of_vault = |held: &&Held| {
                let (_, secret) = origin(&held.value)?;
                let (name, _) = secret.split_once('/')?;
                (name == vault.name).then_some(held.value.clone())
            };
            if let Some(value) = holds.iter().find_map(|held| of_vault(&held)) {
                let mine =
                    |proves: &Proves| matches!(proves, Proves::Vault(kind) if *kind == vault.kind);
                self.prove(mine, || format!("pod {pod} sees {value}"));
            }
        }
    }

    fn prove(&mut self, which: impl Fn(&Proves) -> bool, proof: impl FnOnce() -> String) {
        let mut boxes = BOXES.iter().zip(&mut self.proofs);
        if let Some((_, slot)) = boxes.find(|(kind, _)| which(&kind.proves)) {
            slot.get_or_insert_with(proof);
        }
    }
}

impl Rotation {
    /// Whether something holds the version that was written.
    fn is(&self, held: &Held) -> bool {
        origin(&held.value).is_some_and(|(versions, secret)| {
            secret == self.secret && versions.split(" = ").any(|name| name == self.version)
        })
    }

    fn name(&self) -> String {
        format!("{} of {}", self.version, self.secret)
    }

    fn lag(&self, at_us: u64) -> String {
        human(Duration::from_micros(at_us.saturating_sub(self.at_us)))
    }
}

/// The versions and the secret of `v1 = v3 of vault/secret#field`; nothing where no vault wrote the value.
fn origin(value: &str) -> Option<(&str, &str)> {
    let (versions, place) = value.split_once(" of ")?;
    let secret = place.rsplit_once('#').map_or(place, |(secret, _)| secret);
    Some((versions, secret))
}

#[cfg(test)]
mod tests;
