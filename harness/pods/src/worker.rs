//! One pod, from its binding to its end: the kubelet's pod worker.

mod containers;
mod mounts;
mod outcome;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use rotaproof_base::Entropy;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::annotations::{Completion, completion};
use crate::container::Probe;
use crate::context::{Context, EventKind};
use crate::environment::Placement;
use crate::sources::{self, Reference};
use crate::status::{Shown, State, Transitions};

/// The address of the node; the first of a kind network's.
const HOST_IP: &str = "172.18.0.2";

/// What a worker is told.
pub(crate) enum Signal {
    /// The pod was changed.
    Pod(Box<Pod>),
    /// An object that the pod reads was made, changed or deleted.
    Source(Reference),
    /// The pod is gone.
    Gone,
}

/// A container of the pod.
struct Slot {
    spec: Container,
    shown: Shown,
    probe: Option<Probe>,
    reports: u64,
    started: Option<Instant>,
    /// When to try to start it.
    due: Option<Instant>,
    /// Where it waits for an object: the earliest moment of the next attempt.
    retry: Option<Instant>,
}

/// The state of the volumes.
#[derive(Default)]
struct Volumes {
    ready: bool,
    due: Option<Instant>,
    retry: Option<Instant>,
    failures: u32,
    /// Volumes without files of ours.
    writable: Vec<String>,
    tokens: BTreeMap<String, BTreeMap<String, rotaproof_base::SecretValue>>,
}

pub(crate) struct Worker {
    context: Arc<Context>,
    pod: Pod,
    namespace: String,
    name: String,
    folder: PathBuf,
    ip: String,
    jitter: Entropy,
    init: Vec<Slot>,
    main: Vec<Slot>,
    volumes: Volumes,
    next_sync: Instant,
    sync_due: Option<Instant>,
    started: String,
    transitions: Transitions,
    published: Value,
    finished: bool,
}

impl Worker {
    pub(crate) fn new(context: Arc<Context>, pod: Pod, ip: String) -> Self {
        let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        let uid = pod.uid().unwrap_or_default();
        let spec = pod.spec.clone().unwrap_or_default();
        let now = Instant::now();
        let waiting = if spec.init_containers.iter().flatten().next().is_some() {
            "PodInitializing"
        } else {
            "ContainerCreating"
        };
        let slot = |spec: Container| Slot {
            shown: Shown {
                name: spec.name.clone(),
                image: spec.image.clone().unwrap_or_default(),
                state: State::waiting(waiting, None),
                last: None,
                restarts: 0,
                sidecar: spec.restart_policy.as_deref() == Some("Always"),
            },
            spec,
            probe: None,
            reports: 0,
            started: None,
            due: Some(now),
            retry: None,
        };
        Self {
            folder: context.root.join(format!("{namespace}_{name}_{uid}")),
            jitter: context
                .entropy
                .fork(&format!("sync/{namespace}/{name}/{uid}")),
            started: context.now(),
            init: spec
                .init_containers
                .into_iter()
                .flatten()
                .map(slot)
                .collect(),
            main: spec.containers.into_iter().map(slot).collect(),
            volumes: Volumes {
                due: Some(now),
                ..Volumes::default()
            },
            next_sync: now,
            sync_due: None,
            transitions: Transitions::new(),
            published: Value::Null,
            finished: false,
            context,
            pod,
            namespace,
            name,
            ip,
        }
    }

    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Signal>) {
        if !self.is_being_deleted() {
            self.bind().await;
            self.publish().await;
        }
        loop {
            if self.is_being_deleted() {
                self.end().await;
                break;
            }
            if !self.finished {
                self.advance().await;
            }
            let wake = self.wake();
            let signal = tokio::select! {
                biased;
                signal = inbox.recv() => signal,
                () = sleep_until(wake) => continue,
            };
            match signal {
                Some(Signal::Pod(pod)) => self.pod_changed(*pod),
                Some(Signal::Source(reference)) => self.source_changed(&reference),
                Some(Signal::Gone) | None => break,
            }
        }
        self.clean_up();
    }

    fn is_being_deleted(&self) -> bool {
        self.pod.metadata.deletion_timestamp.is_some()
    }

    fn api(&self) -> Api<Pod> {
        Api::namespaced(self.context.client.clone(), &self.namespace)
    }

    fn placement(&self) -> Placement<'_> {
        Placement {
            node: &self.context.node_name,
            pod_ip: &self.ip,
            host_ip: HOST_IP,
        }
    }

    fn restart_policy(&self) -> &str {
        let policy = self
            .pod
            .spec
            .as_ref()
            .and_then(|spec| spec.restart_policy.as_deref());
        policy.unwrap_or("Always")
    }

    /// When the main containers end by themselves. A malformed annotation was told of at the start.
    fn completion(&self) -> Option<Completion> {
        completion(self.pod.metadata.annotations.as_ref())
            .ok()
            .flatten()
    }

    async fn record(&self, kind: EventKind, reason: &str, message: &str) {
        self.context
            .record(&self.pod, "kubelet", kind, reason, message)
            .await;
    }

    /// The scheduler's part.
    async fn bind(&self) {
        let node = &self.context.node_name;
        if self
            .pod
            .spec
            .as_ref()
            .is_some_and(|spec| spec.node_name.is_none())
        {
            let patch = Patch::Merge(json!({"spec": {"nodeName": node}}));
            if let Err(error) = self
                .api()
                .patch(&self.name, &PatchParams::default(), &patch)
                .await
            {
                tracing::debug!(pod = self.name, %error, "cannot bind the pod");
            }
            let message = format!(
                "Successfully assigned {}/{} to {node}",
                self.namespace, self.name
            );
            let scheduler = "default-scheduler";
            self.context
                .record(
                    &self.pod,
                    scheduler,
                    EventKind::Normal,
                    "Scheduled",
                    &message,
                )
                .await;
        }
        if let Err(message) = completion(self.pod.metadata.annotations.as_ref()) {
            self.record(EventKind::Warning, "InvalidAnnotation", &message)
                .await;
        }
    }

    /// Does what is due, and publishes what came of it.
    async fn advance(&mut self) {
        self.set_up_volumes().await;
        self.start_due().await;
        self.end_due().await;
        self.sync_if_due().await;
        self.publish().await;
    }

    /// The earliest moment at which there is something to do.
    fn wake(&self) -> Option<Instant> {
        if self.finished {
            return None;
        }
        let starts = self.startable().filter_map(|slot| slot.due);
        let ends = self.main.iter().filter_map(|slot| self.ends_at(slot));
        let volumes = if self.volumes.ready {
            None
        } else {
            self.volumes.due
        };
        starts.chain(ends).chain(volumes).chain(self.sync_due).min()
    }

    fn pod_changed(&mut self, pod: Pod) {
        let metadata = (&self.pod.metadata.labels, &self.pod.metadata.annotations);
        let is_update = metadata != (&pod.metadata.labels, &pod.metadata.annotations);
        self.pod = pod;
        if is_update {
            let now = Instant::now();
            self.sync_due = Some(now);
            let waits = self
                .init
                .iter_mut()
                .chain(&mut self.main)
                .filter(|slot| slot.retry.is_some());
            waits.for_each(|slot| slot.due = Some(now));
        }
    }

    fn source_changed(&mut self, reference: &Reference) {
        let now = Instant::now();
        for slot in self.init.iter_mut().chain(&mut self.main) {
            let Some(retry) = &mut slot.retry else {
                continue;
            };
            if sources::of_container(&slot.spec).contains(reference) {
                advance_past(retry, now, || jittered(&self.jitter, containers::RETRY));
                slot.due = Some(*retry);
            }
        }
        let volumes = self
            .pod
            .spec
            .iter()
            .flat_map(|spec| spec.volumes.iter().flatten());
        if !volumes
            .into_iter()
            .any(|volume| sources::of_volume(volume).contains(reference))
        {
            return;
        }
        if self.volumes.ready {
            let period = self.context.sync_period;
            advance_past(&mut self.next_sync, now, || jittered(&self.jitter, period));
            self.sync_due = Some(self.next_sync);
        } else if let Some(retry) = &mut self.volumes.retry {
            let failures = &mut self.volumes.failures;
            advance_past(retry, now, || {
                *failures += 1;
                mounts::backoff(*failures)
            });
            self.volumes.due = Some(*retry);
        }
    }

    fn clean_up(&mut self) {
        self.init.clear();
        self.main.clear();
        if self.folder.exists()
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            tracing::debug!(pod = self.name, %error, "cannot remove the pod's files");
        }
    }
}

/// Moves `moment` by as many steps as it takes to pass `now`.
fn advance_past(moment: &mut Instant, now: Instant, mut step: impl FnMut() -> Duration) {
    while *moment <= now {
        // A step that leads out of time is the end of the grid.
        let Some(next) = moment.checked_add(step().max(Duration::from_millis(1))) else {
            return;
        };
        *moment = next;
    }
}

/// The period, lengthened by up to a half: `wait.Jitter(period, 0.5)`.
fn jittered(entropy: &Entropy, period: Duration) -> Duration {
    let half = u64::try_from(period.as_millis() / 2).unwrap_or(u64::MAX);
    period.saturating_add(Duration::from_millis(entropy.below(half.saturating_add(1))))
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_lengthened_by_at_most_a_half() {
        let (entropy, minute) = (Entropy::from_seed(1), Duration::from_secs(60));
        let drawn: Vec<Duration> = (0..200).map(|_| jittered(&entropy, minute)).collect();
        assert!(drawn.iter().all(|d| (minute..=minute * 3 / 2).contains(d)));
        assert!(drawn.iter().any(|d| *d > minute * 5 / 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_moves_along_its_grid_until_it_lies_ahead() {
        let start = Instant::now();
        let mut moment = start;
        let step = || Duration::from_secs(60);
        advance_past(&mut moment, start, step);
        assert_eq!(moment, start + Duration::from_secs(60));
        advance_past(&mut moment, start + Duration::from_secs(150), step);
        assert_eq!(moment, start + Duration::from_secs(180));
    }
}
