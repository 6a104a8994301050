//! A pod.

use rotaproof_scenario::model::expect::{EnvExpectation, PodExpectation};

use super::{Expect, Holds, subject};

subject! {
    /// A pod: see [`pod`].
    Pod, PodExpectation, Pod
}

/// Says what must hold of a pod: by the alias that it was started under, or `namespace/name`.
pub fn pod(pod: &str) -> Expect<Pod> {
    Expect::of(pod.parse().map(|pod: rotaproof_scenario::PodRef| {
        Pod(PodExpectation {
            pod: pod.into(),
            env: Default::default(),
            files: Default::default(),
            phase: None,
            waiting: None,
            logs: None,
        })
    }))
}

impl Expect<Pod> {
    /// An environment variable of a container holds a version, or a value by its full name.
    pub fn env(self, variable: &str, holds: impl Into<Holds>) -> Self {
        self.try_with(|pod| {
            let holds = EnvExpectation::Holds(holds.into().0?);
            pod.0.env.insert(variable.to_owned().into(), holds.into());
            Ok(())
        })
    }

    /// An environment variable is not set.
    pub fn env_absent(self, variable: &str) -> Self {
        self.with(|pod| {
            let absent = EnvExpectation::Absent;
            pod.0.env.insert(variable.to_owned().into(), absent.into());
        })
    }

    /// A file of a container, by its absolute path, holds a version, or a value by its full name.
    pub fn file(self, path: &str, holds: impl Into<Holds>) -> Self {
        self.try_with(|pod| {
            let holds = holds.into().0?;
            pod.0.files.insert(path.to_owned().into(), holds.into());
            Ok(())
        })
    }

    /// Its phase: `Running`.
    pub fn phase(self, phase: &str) -> Self {
        self.with(|pod| pod.0.phase = Some(phase.to_owned()))
    }

    /// A container waits for this reason: `CreateContainerConfigError`.
    pub fn waiting(self, reason: &str) -> Self {
        self.with(|pod| pod.0.waiting = Some(reason.to_owned()))
    }

    /// A line of its log contains this.
    pub fn logs(self, text: &str) -> Self {
        self.with(|pod| pod.0.logs = Some(text.to_owned()))
    }
}
