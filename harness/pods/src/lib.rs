//! The embedded kubelet with real child processes, and the controllers that make pods.
//!
//! # What runs
//! [`start`] watches the API through a [`kube::Client`] and plays five parts of a cluster: the scheduler (one node),
//! the kubelet, the Job controller, the CronJob controller and the operator of `NotebookValidationJob`.
//! A container is a child process, the *probe* (see [`probe`]): it receives the environment and the files that a
//! kubelet would give it and reports their keyed fingerprints, never a value.
//!
//! On a real cluster only the last has to be played: see [`start_operator`], and [`real_cluster`] for what pods run there.
//!
//! # When it happens
//! All times are of tokio's clock; nothing polls, so an idle pod costs nothing however much time passes.
//!
//! | what | when | as in |
//! |---|---|---|
//! | bound, started | at once | |
//! | a mounted Secret or ConfigMap follows | at the pod's next periodic sync; syncs are `sync_period` x (1..1.5) apart, drawn from the run's seed | kubelet `syncFrequency` 60 s, `workerResyncIntervalJitterFactor` 0.5 |
//! | the same, after a change of the pod's labels or annotations | at once | kubelet: an update is a sync |
//! | `subPath` mounts, `env` | never; a restarted container takes the new values | |
//! | a missing Secret, ConfigMap or key of `env` | waiting `CreateContainerConfigError`; retried 10 s x (1..1.5) apart, at the first of these moments after an object that the pod names has changed | kubelet `backOffPeriod`, jitter 0.5 |
//! | a missing Secret of a volume | `ContainerCreating`, event `FailedMount`; retried 0.5 s, 1 s, 2 s ... 2m2s apart, likewise | kubelet volume manager back-off |
//! | a failed container is restarted | at once, then after 10 s, 20 s ... 5 min | kubelet `CrashLoopBackOff` |
//! | deletion | at once: the probe ends on SIGTERM, so no grace is used up | |
//!
//! # When a pod completes
//! The annotation `rotaproof.dev/runs-for: 30s` ends the main containers after that time, `rotaproof.dev/exit-code: "1"`
//! sets their exit code (and, alone, ends them at once). Pods of a Job, CronJob or NotebookValidationJob inherit both from
//! their template, else from their owner. Without them a pod runs until it is deleted, except for a pod of a CronJob:
//! it runs for 30 s.

mod annotations;
mod atomic_writer;
mod container;
mod context;
mod cronjobs;
mod environment;
mod error;
mod expansion;
mod jobs;
mod kubelet;
mod notebooks;
mod ownership;
pub mod probe;
pub mod real_cluster;
mod requeue;
mod sources;
mod status;
mod volumes;
mod watch;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use rotaproof_base::{Clock, Entropy, Fingerprinter, RunFolder, RunId, TaskGroup};

use context::Context;
pub use error::Error;

/// Where the lines of a container's standard output go.
pub trait LogSink: Send + Sync {
    /// Takes one line, without its line end.
    fn append(&self, namespace: &str, pod: &str, container: &str, line: &str);
}

/// How the node behaves.
pub struct Options {
    /// Source of every timestamp.
    pub clock: Clock,
    /// Source of pod name suffixes and of the jitter of syncs.
    pub entropy: Entropy,
    /// Makes the fingerprints that the probes report.
    pub fingerprinter: Fingerprinter,
    /// Receives what the containers print.
    pub logs: Arc<dyn LogSink>,
    /// Named in the folder of the pods' files.
    pub run_id: RunId,
    /// The kubelet's `syncFrequency`; [`Options::SYNC_PERIOD`] as shipped.
    pub sync_period: Duration,
    /// The node that every pod is bound to.
    pub node_name: String,
}

impl Options {
    /// `syncFrequency` of a kubelet as shipped.
    pub const SYNC_PERIOD: Duration = Duration::from_secs(60);
}

/// A running node and its controllers. Dropping it ends every child and removes the folder, as [`Pods::stop`] does,
/// but without waiting for the tasks.
pub struct Pods {
    // Before the folder: tasks and their children go first.
    group: TaskGroup,
    folder: RunFolder,
}

/// Starts the kubelet and the controllers. Must be called inside a tokio runtime.
///
/// # Errors
/// Where the folder of the pods' files cannot be made.
pub fn start(client: kube::Client, options: Options, tasks: &TaskGroup) -> Result<Pods, Error> {
    let folder = RunFolder::create(&options.run_id).map_err(Error::Folder)?;
    let group = tasks.child();
    let context = Arc::new(Context::new(
        client,
        options,
        folder.path().to_owned(),
        group.handle(),
    ));
    group.spawn(kubelet::run(Arc::clone(&context)));
    group.spawn(jobs::run(Arc::clone(&context)));
    group.spawn(cronjobs::run(Arc::clone(&context)));
    group.spawn(notebooks::run(notebooks::Operator {
        client: context.client.clone(),
        clock: context.clock.clone(),
        probe: None,
    }));
    Ok(Pods { group, folder })
}

/// How the operator of `NotebookValidationJob` works on a cluster that runs its pods itself.
pub struct OperatorOptions {
    /// Source of every timestamp.
    pub clock: Clock,
    /// What its pods run.
    pub probe: real_cluster::Probe,
}

/// Starts the operator of `NotebookValidationJob`, and nothing else: for a real cluster, which has all other parts. It
/// works until the tasks are shut down. Its pods need the [`real_cluster::Probe::secret`] of their namespace.
pub fn start_operator(client: kube::Client, options: OperatorOptions, tasks: &TaskGroup) {
    tasks.spawn(notebooks::run(notebooks::Operator {
        client,
        clock: options.clock,
        probe: Some(options.probe),
    }));
}

impl Pods {
    /// Ends every child process, waits for the tasks and removes the folder.
    pub async fn stop(self) {
        self.group.shutdown().await;
        drop(self.folder);
    }

    /// The folder of the pods' files.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}
