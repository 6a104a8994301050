//! What may differ between two runs and is not told: the one place where anything is left out, each with its reason.
//!
//! A rule works on one run at a time, never on both, so it cannot hide that something is there on one side only. Each
//! counts what it left out, and can be switched off (`--exact NAME`).

mod requests;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use rotaproof_events::Observation;
use serde::Serialize;

use crate::facts::{self, Facts};

/// What may differ, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Times written out.
    Timestamps,
    /// Identifiers that are drawn.
    Uuids,
    /// Names with a drawn or a time's suffix.
    GeneratedNames,
    /// Durations in failures and in the texts of Events.
    Durations,
    /// Ports and loopback addresses.
    Addresses,
    /// A hash over a time.
    StampedHashes,
    /// How often an Event was counted.
    EventCounts,
    /// How often an ExternalSecret was refreshed.
    RefreshCounts,
    /// The same refresh again.
    RepeatedRefreshes,
    /// The same refusal again.
    RepeatedFailures,
    /// A refresh that reads twice.
    DoubleReads,
    /// Whose credentials are given back.
    Sessions,
    /// The order of ExternalSecrets that share a secret.
    SharedSecrets,
    /// What a node is called, and what runs in place of a container's program.
    Nodes,
    /// What the operator asks once in its life.
    OncePerProcess,
}

impl Rule {
    /// Every rule, in the order in which they are told.
    pub const ALL: [Self; 15] = [
        Self::Timestamps,
        Self::Uuids,
        Self::GeneratedNames,
        Self::Durations,
        Self::Addresses,
        Self::StampedHashes,
        Self::EventCounts,
        Self::RefreshCounts,
        Self::RepeatedRefreshes,
        Self::RepeatedFailures,
        Self::DoubleReads,
        Self::Sessions,
        Self::SharedSecrets,
        Self::Nodes,
        Self::OncePerProcess,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamps => "timestamps",
            Self::Uuids => "uuids",
            Self::GeneratedNames => "generated-names",
            Self::Durations => "durations",
            Self::Addresses => "addresses",
            Self::StampedHashes => "stamped-hashes",
            Self::EventCounts => "event-counts",
            Self::RefreshCounts => "refresh-counts",
            Self::RepeatedRefreshes => "repeated-refreshes",
            Self::RepeatedFailures => "repeated-failures",
            Self::DoubleReads => "double-reads",
            Self::Sessions => "sessions",
            Self::SharedSecrets => "shared-secrets",
            Self::Nodes => "nodes",
            Self::OncePerProcess => "once-per-process",
        }
    }

    /// What it does, after a number: `12 repeated refreshes collapsed`.
    pub fn what(self) -> &'static str {
        match self {
            Self::Timestamps => "written times left out",
            Self::Uuids => "drawn identifiers left out",
            Self::GeneratedNames => "generated names cut short",
            Self::Durations => "durations left out",
            Self::Addresses => "ports and loopback addresses left out",
            Self::StampedHashes => "hashes over a time left out",
            Self::EventCounts => "counts of Events left out",
            Self::RefreshCounts => "counts of refreshes left out",
            Self::RepeatedRefreshes => "repeated refreshes collapsed",
            Self::RepeatedFailures => "repeated failures collapsed",
            Self::DoubleReads => "double reads counted as one",
            Self::Sessions => "lookup-self and revoke-self counted by login",
            Self::SharedSecrets => "refreshes of a shared secret told once",
            Self::Nodes => "names of nodes and images left out",
            Self::OncePerProcess => "requests of the operator's first use of GCP left out",
        }
    }

    /// Why it may.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Timestamps => {
                "The virtual day and today are not the same; a forced sync writes the time into an annotation."
            }
            Self::Uuids => {
                "uids, versions and request ids are drawn in the order of requests, which is timing."
            }
            Self::GeneratedNames => {
                "A pod of a Job ends in five drawn characters, a Job of a CronJob in its minute."
            }
            Self::Durations => {
                "What was measured is timing. Durations in conditions and refusals are configured, and stay."
            }
            Self::Addresses => "A listener takes whatever port is free.",
            Self::StampedHashes => {
                "syncedResourceVersion hashes the annotations, and after a forced sync one of them is a time."
            }
            Self::EventCounts => {
                "How often the same Event is recorded depends on how many tries fit into the scenario."
            }
            Self::RefreshCounts => {
                "How many refreshes fit into a scenario is timing; never and at least once stay apart."
            }
            Self::RepeatedRefreshes => {
                "How many refreshes fit between two changes is timing; what each of them asks for stays."
            }
            Self::RepeatedFailures => {
                "How often a client tries again while it is refused depends on its drawn back-off."
            }
            Self::DoubleReads => {
                "After its own write ESO may reconcile once more before its cache has the write: a second, equal read, \
                 and a 409 on the second status PUT. Only what this run also does once is taken for a double."
            }
            Self::Sessions => {
                "Nothing says whose token Vault looks up or revokes, and a store is validated while ExternalSecrets are \
                 refreshed. Whether each login has its own stays."
            }
            Self::SharedSecrets => {
                "Which of the ExternalSecrets that name the same secret sends a request is not said, and their order is \
                 timing; whatever any of them asks for stays, in the order of first sight."
            }
            Self::Nodes => {
                "Each cluster calls its nodes as it likes, and the image that stands in for a container's is the lane's."
            }
            Self::OncePerProcess => {
                "Whether it runs on Google's cloud, ESO asks the metadata server once in its life; on a cluster one \
                 operator lives through many scenarios."
            }
        }
    }
}

/// Which rules apply.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    off: BTreeSet<Rule>,
}

impl Rules {
    /// All but these.
    pub fn but(off: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            off: off.into_iter().collect(),
        }
    }

    fn has(&self, rule: Rule) -> bool {
        !self.off.contains(&rule)
    }

    /// What of an observation must be equal.
    pub(crate) fn reduce(&self, observation: &Observation, hidden: &mut Hidden) -> Facts {
        let mut facts = facts::of(observation);
        let requests = facts::requests(observation);
        facts.extend(requests::reduce(self, requests, hidden));
        text::reduce(self, facts, hidden)
    }
}

/// How often each rule left something out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Hidden(BTreeMap<Rule, usize>);

impl Hidden {
    /// Each rule that left something out, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Rule, usize)> {
        self.0.iter().map(|(rule, count)| (*rule, *count))
    }

    pub(crate) fn count(&mut self, rule: Rule, times: usize) {
        if times > 0 {
            *self.0.entry(rule).or_default() += times;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (rule, count) in other.iter() {
            self.count(rule, count);
        }
    }
}
