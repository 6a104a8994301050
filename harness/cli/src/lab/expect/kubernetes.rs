//! The other objects of a cluster: ExternalSecrets, stores, Jobs, NotebookValidationJobs, Events.

use rotaproof_scenario::model::expect::{
    ConditionExpectation, EventExpectation, EventFilter, ExternalSecretExpectation, JobExpectation,
    NotebookValidationJobExpectation, StoreExpectation,
};
use rotaproof_scenario::{ObjectName, ResourceRef, StoreName};

use super::{Expect, subject};
use crate::lab::Mark;

subject! {
    /// An ExternalSecret: see [`externalsecret`].
    ExternalSecret, ExternalSecretExpectation, ExternalSecret
}

subject! {
    /// A SecretStore or ClusterSecretStore: see [`store`].
    Store, StoreExpectation, Store
}

subject! {
    /// A batch Job: see [`job`].
    Job, JobExpectation, Job
}

subject! {
    /// A NotebookValidationJob: see [`notebookvalidationjob`].
    NotebookValidationJob, NotebookValidationJobExpectation, NotebookValidationJob
}

subject! {
    /// A Kubernetes Event: see [`event`].
    Event, EventExpectation, Event
}

/// Says what must hold of an ExternalSecret, `namespace/name`.
pub fn externalsecret(name: &str) -> Expect<ExternalSecret> {
    Expect::of(name.parse().map(|name: ObjectName| {
        ExternalSecret(ExternalSecretExpectation {
            externalsecret: name.into(),
            ready: None,
            not_ready: None,
            message: None,
            refreshed_since: None,
            refresh_unmoved_since: None,
        })
    }))
}

impl Expect<ExternalSecret> {
    /// Its condition `Ready` is True with this reason: `SecretSynced`.
    pub fn ready(self, reason: &str) -> Self {
        self.with(|it| it.0.ready = Some(reason.to_owned()))
    }

    /// Its condition `Ready` is False with this reason: `SecretSyncedError`.
    pub fn not_ready(self, reason: &str) -> Self {
        self.with(|it| it.0.not_ready = Some(reason.to_owned()))
    }

    /// The condition's message contains this.
    pub fn message(self, text: &str) -> Self {
        self.with(|it| it.0.message = Some(text.to_owned()))
    }

    /// Its `refreshTime` has moved since: a [`Rotation`](crate::Rotation) or a [`Mark`].
    pub fn refreshed_since(self, mark: impl Into<Mark>) -> Self {
        let mark = rotaproof_scenario::Mark(mark.into().name());
        self.with(|it| it.0.refreshed_since = Some(mark.into()))
    }

    /// Its `refreshTime` has not moved since.
    pub fn refresh_unmoved_since(self, mark: impl Into<Mark>) -> Self {
        let mark = rotaproof_scenario::Mark(mark.into().name());
        self.with(|it| it.0.refresh_unmoved_since = Some(mark.into()))
    }
}

/// Says what must hold of a store: `name` of a ClusterSecretStore, `namespace/name` of a SecretStore.
pub fn store(name: &str) -> Expect<Store> {
    Expect::of(name.parse().map(|name: StoreName| {
        Store(StoreExpectation {
            store: name.into(),
            ready: None,
            not_ready: None,
            message: None,
        })
    }))
}

impl Expect<Store> {
    /// Its condition `Ready` is True with this reason: `Valid`.
    pub fn ready(self, reason: &str) -> Self {
        self.with(|it| it.0.ready = Some(reason.to_owned()))
    }

    /// Its condition `Ready` is False with this reason: `InvalidProviderConfig`.
    pub fn not_ready(self, reason: &str) -> Self {
        self.with(|it| it.0.not_ready = Some(reason.to_owned()))
    }

    /// The condition's message contains this.
    pub fn message(self, text: &str) -> Self {
        self.with(|it| it.0.message = Some(text.to_owned()))
    }
}

/// Says what must hold of a batch Job, `namespace/name`.
pub fn job(name: &str) -> Expect<Job> {
    Expect::of(name.parse().map(|name: ObjectName| {
        Job(JobExpectation {
            job: name.into(),
            succeeded: None,
            failed: None,
        })
    }))
}

impl Expect<Job> {
    /// So many of its pods have succeeded.
    pub fn succeeded(self, pods: u32) -> Self {
        self.with(|it| it.0.succeeded = Some(pods))
    }

    /// So many of its pods have failed.
    pub fn failed(self, pods: u32) -> Self {
        self.with(|it| it.0.failed = Some(pods))
    }
}

/// Says what must hold of a NotebookValidationJob, `namespace/name`.
pub fn notebookvalidationjob(name: &str) -> Expect<NotebookValidationJob> {
    Expect::of(name.parse().map(|name: ObjectName| {
        NotebookValidationJob(NotebookValidationJobExpectation {
            notebookvalidationjob: name.into(),
            phase: None,
            condition: None,
        })
    }))
}

impl Expect<NotebookValidationJob> {
    /// Its phase: `Succeeded`.
    pub fn phase(self, phase: &str) -> Self {
        self.with(|it| it.0.phase = Some(phase.to_owned()))
    }

    /// One of its conditions is True with this reason.
    pub fn condition(self, kind: &str, reason: &str) -> Self {
        self.with(|it| {
            it.0.condition = Some(ConditionExpectation {
                r#type: kind.to_owned(),
                status: "True".into(),
                reason: Some(reason.to_owned()),
                message: None,
            });
        })
    }
}

/// Says that an Event was recorded about an object, `Kind namespace/name`: with this reason, at least once.
pub fn event(on: &str, reason: &str) -> Expect<Event> {
    Expect::of(on.parse().map(|on: ResourceRef| {
        Event(EventExpectation {
            event: EventFilter {
                on: on.into(),
                reason: Some(reason.to_owned()),
                r#type: None,
            },
            message: None,
            count: None,
            at_least: None,
            since: None,
        })
    }))
}

impl Expect<Event> {
    /// Its message contains this.
    pub fn message(self, text: &str) -> Self {
        self.with(|it| it.0.message = Some(text.to_owned()))
    }

    /// Recorded exactly so often, repeats counted.
    pub fn count(self, times: u64) -> Self {
        self.with(|it| it.0.count = Some(times))
    }

    /// Recorded so often or more.
    pub fn at_least(self, times: u64) -> Self {
        self.with(|it| it.0.at_least = Some(times))
    }

    /// Only after this: a [`Rotation`](crate::Rotation) or a [`Mark`].
    pub fn since(self, mark: impl Into<Mark>) -> Self {
        let mark = rotaproof_scenario::Mark(mark.into().name());
        self.with(|it| it.0.since = Some(mark.into()))
    }
}
