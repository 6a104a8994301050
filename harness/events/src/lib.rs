//! What a run tells. Events are the only interface between the runner and the reports.
//!
//! Every field that depends on the machine's clock or speed is named `wall_*`; all others are the same for the same
//! seed. No event carries a secret value: versions have names, values have fingerprints.

mod failure;
mod observation;
mod staleness;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use failure::{Evidence, Failure, FailureKind, Location};
pub use observation::{
    ObjectHistory, Observation, Refresh, SecretState, SeenCondition, SeenEvent, SeenRequest,
};
pub use staleness::{Lag, Percentiles};

/// One thing that happened, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The scenario's place in the run, from 0; absent for the run's own events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<usize>,
    /// Time since the scenario's start on its own clock, in microseconds.
    pub at_us: u64,
    /// Machine time since the run's start, in microseconds.
    pub wall_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// The program's version.
        version: String,
        /// Where the scenarios run.
        lane: String,
        /// The seed that reproduces the run.
        seed: u64,
        /// How many scenarios will run.
        scenarios: usize,
        /// Machine time at the start, RFC 3339.
        wall_started: String,
    },
    /// A scenario begins.
    ScenarioStarted {
        /// Its title.
        title: String,
        /// Its file, as the user named it.
        file: String,
        /// Its tags.
        tags: Vec<String>,
        /// The names of its vaults and what they are.
        vaults: Vec<DeclaredVault>,
    },
    /// A step begins.
    StepStarted {
        /// Where it stands in the file.
        location: Location,
        /// Its verb: `rotate`.
        verb: String,
        /// The step in one line.
        summary: String,
    },
    /// A step ended well. A step that failed is told by the scenario's failure.
    StepPassed {
        /// Where it stands in the file.
        location: Location,
        /// What was established, in one line.
        outcome: String,
    },
    /// A manifest needs its author's attention, whether or not the scenario passes.
    Finding {
        /// The step that shows it.
        location: Location,
        /// The manifest.
        manifest: String,
        /// What is wrong with it.
        finding: String,
        /// What the API said.
        #[serde(skip_serializing_if = "Option::is_none")]
        refusal: Option<String>,
        /// What to change.
        #[serde(skip_serializing_if = "Option::is_none")]
        fix: Option<String>,
    },
    /// ExternalSecrets refresh more often than their manifests say, as `--refresh` or the lane has it. Told once per
    /// scenario and interval.
    RefreshShortened {
        /// The manifest's interval, or ESO's default where it names none: `1h`.
        from: String,
        /// The interval that was applied: `2s`.
        to: String,
    },
    /// The vault acknowledged a write (t0).
    VaultWritten {
        /// The secret: `aws/prod/notebook/aws`.
        secret: String,
        /// What was done: `put-value`.
        operation: String,
        /// The ledger's name of the version that is current now; absent where none is.
        #[serde(skip_serializing_if = "Option::is_none")]
        current: Option<String>,
    },
    /// A Kubernetes Secret came, changed or went.
    SecretChanged {
        /// `namespace/name`.
        secret: String,
        /// What each key holds, by ledger name; empty where the Secret is gone.
        holds: Vec<Held>,
    },
    /// A pod's probe told what it sees.
    PodReported {
        /// The pod's alias, or `namespace/name`.
        pod: String,
        /// What each environment variable and file holds, by ledger name; only those that come from a vault.
        holds: Vec<Held>,
    },
    /// The Ready condition of a store or an ExternalSecret changed.
    ConditionChanged {
        /// `ExternalSecret namespace/name`.
        object: String,
        /// `True`, `False`.
        status: String,
        /// `SecretSynced`.
        reason: String,
        /// The condition's message.
        message: String,
    },
    /// A rotation was followed to a consumer.
    Staleness(Lag),
    /// A scenario ended.
    ScenarioFinished {
        /// How.
        verdict: Verdict,
        /// Why it did not pass.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<Box<Failure>>,
        /// Requests of the operator to the vaults.
        requests: u64,
        /// Machine time that it took, in microseconds.
        wall_took_us: u64,
    },
    /// The run ended.
    RunFinished {
        /// How many ended how.
        counts: Counts,
        /// Machine time that it took, in microseconds.
        wall_took_us: u64,
        /// On a clock that runs by itself: how long after its commit in the API the runner knew of a change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wall_detection: Option<Percentiles>,
    },
}

/// A vault of a scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeclaredVault {
    /// The scenario's name for it.
    pub name: String,
    /// What it is, for people: `AWS Secrets Manager`.
    pub kind: String,
}

/// What a key, a variable or a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `access-key-id`, `env AWS_ACCESS_KEY_ID`, `file /etc/creds/password`.
    pub place: String,
    /// `v1 of aws/prod/notebook/aws#access_key_id`, or `a value that no vault wrote (…)`.
    pub value: String,
}

/// How a scenario ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every expectation held.
    Passed,
    /// An expectation did not hold (exit code 1).
    Failed,
    /// The environment failed (exit code 3).
    Errored,
    /// It did not run, for the reason given.
    Skipped,
    /// The user interrupted it (exit code 130).
    Interrupted,
}

/// How many scenarios ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// [`Verdict::Passed`].
    pub passed: usize,
    /// [`Verdict::Failed`].
    pub failed: usize,
    /// [`Verdict::Errored`].
    pub errored: usize,
    /// [`Verdict::Skipped`].
    pub skipped: usize,
    /// [`Verdict::Interrupted`].
    pub interrupted: usize,
}

impl Counts {
    /// Counts one more verdict.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed => &mut self.failed,
            Verdict::Errored => &mut self.errored,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Interrupted => &mut self.interrupted,
        } += 1;
    }

    /// The exit code of a run that ended so; the worst verdict decides.
    pub fn exit_code(&self) -> u8 {
        match self {
            counts if counts.interrupted > 0 => 130,
            counts if counts.errored > 0 => 3,
            counts if counts.failed > 0 => 1,
            _ => 0,
        }
    }
}

/// A duration as the reports write it: `0s`, `4ms`, `1h0m4s`, `59m30.5s`.
pub fn human(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms == 0 {
        let us = duration.as_micros();
        return if us == 0 {
            "0s".into()
        } else {
            format!("{us}µs")
        };
    }
    if ms < 1000 {
        return format!("{ms}ms");
    }
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let (seconds, millis) = (ms / 1000 % 60, ms % 1000);
    let mut text = String::new();
    if hours > 0 {
        text = format!("{hours}h");
    }
    if hours > 0 || minutes > 0 {
        text.push_str(&format!("{minutes}m"));
    }
    text.push_str(&seconds.to_string());
    if millis > 0 {
        text.push_str(format!(".{millis:03}").trim_end_matches('0'));
    }
    text.push('s');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_a_person_writes_them() {
        let cases = [
            (0, "0s"),
            (4, "4ms"),
            (999, "999ms"),
            (1500, "1.5s"),
            (3_604_000, "1h0m4s"),
            (3_570_500, "59m30.5s"),
        ];
        for (ms, text) in cases {
            assert_eq!(human(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn the_worst_verdict_decides_the_exit_code() {
        let mut counts = Counts::default();
        assert_eq!(counts.exit_code(), 0);
        for (verdict, code) in [
            (Verdict::Skipped, 0),
            (Verdict::Failed, 1),
            (Verdict::Errored, 3),
            (Verdict::Interrupted, 130),
        ] {
            counts.add(verdict);
            assert_eq!(counts.exit_code(), code);
        }
    }
}
