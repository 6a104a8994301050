//! Started workloads, and the pods that they have.

use crate::world::{Kind, Seen, State};

/// What a `start` step made: its pod is found by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// A pod of this `namespace/name`.
    Pod(String),
    /// The newest pod of the Job of this `namespace/name`.
    Job(String),
    /// The newest pod of the newest Job of the CronJob of this `namespace/name`.
    CronJob(String),
}

impl Workload {
    /// The `namespace/name` of its pod, once there is one.
    pub(crate) fn pod(&self, state: &State) -> Option<String> {
        let (owner, belongs): (&str, fn(&str, &str) -> bool) = match self {
            Self::Pod(name) => return Some(name.clone()),
            Self::Job(name) => (name, |job, name| job == name),
            Self::CronJob(name) => (name, |job, name| {
                let minutes = job
                    .strip_prefix(name)
                    .and_then(|rest| rest.strip_prefix('-'));
                minutes.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            }),
        };
        let (namespace, owner) = owner.split_once('/')?;
        let of_owner = |pod: &&(&str, &Seen)| {
            let job = pod
                .1
                .object
                .metadata
                .labels
                .as_ref()
                .and_then(|l| l.get("batch.kubernetes.io/job-name"));
            pod.1.object.metadata.namespace.as_deref() == Some(namespace)
                && job.is_some_and(|job| belongs(job, owner))
        };
        let pods: Vec<(&str, &Seen)> = state
            .objects(Kind::Pod)
            .map(|(n, seen)| (n, seen.as_ref()))
            .collect();
        let newest = pods
            .iter()
            .filter(of_owner)
            .max_by_key(|(name, seen)| (seen.text_of_creation(), (*name).to_owned()))?;
        Some(newest.0.to_owned())
    }
}
