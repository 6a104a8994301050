//! What the harness sees of the cluster: by watch and by push, never by polling.

mod history;
mod kind;
mod logs;
mod names;
mod object;
mod refreshes;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rotaproof_base::{Clock, Fingerprint, TaskGroup};
use rotaproof_cluster::{Committed, Furniture, Lab};
use rotaproof_gateway::Journal;
use tokio::sync::watch as signal;

pub(crate) use kind::Kind;
pub(crate) use logs::Report;
pub(crate) use names::Redaction;
pub(crate) use object::{Condition, Seen};

use crate::emit::Emitter;
use crate::ledger::Ledger;
use crate::staleness::Rotations;
use crate::workload::Workload;

/// The state that watches, probes and the journal feed, and that expectations read.
pub(crate) struct State {
    /// The values that the harness wrote.
    pub(crate) ledger: Ledger,
    /// Rotations on their way to a consumer.
    pub(crate) rotations: Rotations,
    /// The objects of each kind as last seen, by `namespace/name` (`name` where cluster-scoped).
    objects: BTreeMap<(Kind, String), Arc<Seen>>,
    /// What each pod's containers reported last, by `namespace/name`.
    reports: BTreeMap<String, Report>,
    /// All log lines, by `namespace/name` of the pod.
    logs: BTreeMap<String, Vec<String>>,
    /// The last change that moved an ExternalSecret's refreshTime, by its name.
    refreshed: BTreeMap<String, u64>,
    /// What `start` steps made, by alias.
    workloads: BTreeMap<String, Workload>,
    /// The kinds of which all objects that there were at the start are known.
    listed: BTreeSet<Kind>,
    /// All that was seen, where somebody wants it.
    history: Option<history::History>,
}

impl State {
    /// An object as last seen.
    pub(crate) fn object(&self, kind: Kind, name: &str) -> Option<&Arc<Seen>> {
        self.objects.get(&(kind, name.to_owned()))
    }

    /// All objects of a kind, in the order of their names.
    pub(crate) fn objects(&self, kind: Kind) -> impl Iterator<Item = (&str, &Arc<Seen>)> {
        self.objects
            .range((kind, String::new())..)
            .take_while(move |((k, _), _)| *k == kind)
            .map(|((_, name), seen)| (name.as_str(), seen))
    }

    /// The objects that say where the keys of Secrets come from, as last seen.
    pub(crate) fn mapping_objects(&self) -> Vec<serde_json::Value> {
        let kinds = [
            Kind::SecretStore,
            Kind::ClusterSecretStore,
            Kind::ExternalSecret,
        ];
        let all = kinds.into_iter().flat_map(|kind| self.objects(kind));
        all.filter_map(|(_, seen)| serde_json::to_value(&seen.object).ok())
            .collect()
    }

    /// What a pod reported last.
    pub(crate) fn report(&self, pod: &str) -> Option<&Report> {
        self.reports.get(pod)
    }

    /// The log lines of a pod.
    pub(crate) fn log(&self, pod: &str) -> &[String] {
        self.logs.get(pod).map_or(&[], Vec::as_slice)
    }

    /// Whether an ExternalSecret's refreshTime moved after a change.
    pub(crate) fn refreshed_after(&self, name: &str, change: u64) -> bool {
        self.refreshed
            .get(name)
            .is_some_and(|moved| *moved > change)
    }

    /// Takes down what a `start` step made.
    pub(crate) fn started(&mut self, alias: String, workload: Workload) {
        self.workloads.insert(alias, workload);
    }

    /// The alias of a pod, or its `namespace/name`.
    pub(crate) fn pod_name<'a>(&'a self, pod: &'a str) -> &'a str {
        let alias = self
            .workloads
            .iter()
            .find(|(_, workload)| workload.pod(self).as_deref() == Some(pod));
        alias.map_or(pod, |(alias, _)| alias)
    }

    /// The `namespace/name` of the pod of an alias, once there is one.
    pub(crate) fn pod_by_alias(&self, alias: &str) -> Option<String> {
        self.workloads.get(alias)?.pod(self)
    }

    /// A fingerprint by its ledger name.
    pub(crate) fn describe(&self, fingerprint: &Fingerprint) -> String {
        self.ledger.describe(fingerprint)
    }
}

/// Keeps [`State`] up to date and tells who waits that it changed.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    changed: signal::Sender<u64>,
    pub(crate) emitter: Emitter,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    /// Where this observer's own lag is to be measured: when the API committed what it sees.
    committed: Option<Committed>,
    furniture: Furniture,
}

impl World {
    /// Starts to watch. The tasks belong to `tasks`. What is seen is kept where it is `observed`.
    pub(crate) fn watch(
        lab: &Lab,
        committed: Option<Committed>,
        emitter: Emitter,
        tasks: &TaskGroup,
        observed: bool,
    ) -> Self {
        let world = Self {
            state: Arc::new(Mutex::new(State {
                ledger: Ledger::new(lab.fingerprinter.clone()),
                rotations: Rotations::default(),
                objects: BTreeMap::new(),
                reports: BTreeMap::new(),
                logs: BTreeMap::new(),
                refreshed: BTreeMap::new(),
                workloads: BTreeMap::new(),
                listed: BTreeSet::new(),
                // From the first object on: a lane's runtime may have threads of its own.
                history: observed.then(history::History::default),
            })),
            changed: signal::Sender::new(0),
            emitter,
            clock: lab.clock.clone(),
            journal: lab.gateway.journal(),
            committed,
            furniture: lab.furniture.clone(),
        };
        for kind in Kind::ALL {
            tasks.spawn(watch::follow(
                lab.client.clone(),
                kind,
                world.clone(),
                tasks.handle(),
            ));
        }
        tasks.spawn(world.clone().follow_journal());
        world
    }

    /// The state, for a moment: no await while it is held.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whenever the state or the journal changed.
    pub(crate) fn changes(&self) -> signal::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Waits until everything is known that there was at the start: every kind is listed, or known not to be served.
    ///
    /// # Errors
    /// The kinds whose list the API did not answer within `limit`, for people.
    pub(crate) async fn listed(&self, limit: Duration) -> Result<(), String> {
        let mut changes = self.changes();
        let all = async {
            while self.state().listed.len() < Kind::ALL.len() && changes.changed().await.is_ok() {}
        };
        if tokio::time::timeout(limit, all).await.is_ok() {
            return Ok(());
        }
        let state = self.state();
        let missing = Kind::ALL.iter().filter(|kind| !state.listed.contains(kind));
        let missing: Vec<&str> = missing.map(|kind| kind.name()).collect();
        Err(missing.join(", "))
    }

    /// How many changes have been seen.
    pub(crate) fn change(&self) -> u64 {
        *self.changed.borrow()
    }

    /// Tells who waits that something changed.
    pub(crate) fn touch(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    async fn follow_journal(self) {
        let mut entries = self.journal.subscribe();
        while entries.changed().await.is_ok() {
            self.touch();
        }
    }
}
