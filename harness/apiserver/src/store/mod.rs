//! The state: one table per resource under one lock, one revision counter, and each table's event log.
//!
//! Readers take `Arc`s and leave; a watcher keeps nothing here but its position in the log, so that a slow
//! one costs no memory and can lose nothing: it reads on, or learns that the log no longer reaches back.

mod commits;
mod labels;
mod log;
mod stored;
mod table;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use commits::Commits;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

pub(crate) use log::{Entry, EventType, Expired};
pub(crate) use stored::{Object, Stored};
pub(crate) use table::Key;
use table::Table;
pub(crate) use work::Work;

use crate::object;

/// Events that a resource's log keeps.
const WINDOW: usize = 10_000;

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectRef {
    pub(crate) resource: Arc<str>,
    pub(crate) key: Key,
}

/// One change of one object.
pub(crate) enum Change {
    Create(Value),
    /// Replaces the object if it still has this revision.
    Update(u64, Value),
    /// Removes the object if it still has this revision; the value is what its last event shows.
    Remove(u64, Value),
}

/// Why a change was not made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Exists,
    /// The object has another revision by now, or is gone.
    Raced,
    NoNamespace,
    NamespaceTerminating,
    /// The resource is not (or no longer) served.
    NoTable,
}

/// A consistent view of (part of) a table.
pub(crate) struct Snapshot {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<(Key, Object)>,
}

pub(crate) struct Store {
    state: Mutex<State>,
    work_added: Notify,
    window: usize,
}

#[derive(Default)]
struct State {
    revision: u64,
    commits: Commits,
    tables: BTreeMap<Arc<str>, Table>,
    uids: BTreeMap<String, ObjectRef>,
    dependents: BTreeMap<String, BTreeSet<ObjectRef>>,
    work: Work,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self::with_window(WINDOW)
    }

    pub(crate) fn with_window(window: usize) -> Self {
        Self {
            state: Mutex::default(),
            work_added: Notify::new(),
            window: window.max(1),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave a change half made: all that can fail happens before the first mutation.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_table(&self, resource: &Arc<str>) {
        let mut state = self.state();
        let revision = state.revision;
        let table = state.tables.entry(resource.clone());
        table.or_insert_with(|| Table::new(revision)).closed = false;
    }

    /// Drops what is in a table and does not serve it any more; its watchers read the log to its end.
    pub(crate) fn close_table(&self, resource: &Arc<str>) {
        let mut state = self.state();
        let Some(table) = state.tables.get_mut(resource) else {
            return;
        };
        for (key, object) in table.close() {
            let at = ObjectRef {
                resource: resource.clone(),
                key,
            };
            state.unindex(&at, &object.value);
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.state().revision
    }

    /// When a revision was committed, among the last ones.
    pub(crate) fn committed_at(&self, revision: u64) -> Option<Instant> {
        self.state().commits.at(revision)
    }

    pub(crate) fn get(&self, resource: &str, key: &Key) -> Option<Object> {
        self.state().open(resource)?.get(key).cloned()
    }

    /// The objects of one namespace, or of all; `None` where the resource is not served.
    pub(crate) fn list(&self, resource: &str, namespace: Option<&str>) -> Option<Snapshot> {
        let state = self.state();
        Some(Snapshot {
            revision: state.revision,
            objects: state.open(resource)?.list(namespace),
        })
    }

    /// Of [`Store::list`], the objects with a label.
    pub(crate) fn labelled(
        &self,
        resource: &str,
        namespace: Option<&str>,
        (name, value): (&str, &str),
    ) -> Option<Snapshot> {
        let state = self.state();
        Some(Snapshot {
            revision: state.revision,
            objects: state.open(resource)?.labelled(namespace, name, value),
        })
    }

    /// As [`Store::list`], as it was at an earlier revision.
    pub(crate) fn list_at(
        &self,
        resource: &str,
        namespace: Option<&str>,
        revision: u64,
    ) -> Option<Result<Snapshot, Expired>> {
        let state = self.state();
        let objects = state.open(resource)?.list_at(namespace, revision);
        Some(objects.map(|objects| Snapshot { revision, objects }))
    }

    /// Up to `limit` events after `revision`; `None` where the resource was never served.
    pub(crate) fn events_after(
        &self,
        resource: &str,
        revision: u64,
        limit: usize,
    ) -> Option<Result<Vec<Entry>, Expired>> {
        let state = self.state();
        Some(state.tables.get(resource)?.log.after(revision, limit))
    }

    /// Told of each event of the resource; closes when it is not served any more.
    pub(crate) fn subscribe(&self, resource: &str) -> Option<watch::Receiver<u64>> {
        Some(self.state().open(resource)?.changed.subscribe())
    }

    /// Whether a create would succeed now.
    pub(crate) fn would_take(&self, resource: &Arc<str>, key: &Key) -> Result<(), Refused> {
        let state = self.state();
        match state.open(resource) {
            None => Err(Refused::NoTable),
            Some(table) if table.get(key).is_some() => Err(Refused::Exists),
            Some(_) => state.namespace_takes(&key.namespace),
        }
    }

    /// The one way in which anything changes: checks, bumps the revision, stores, logs, wakes.
    pub(crate) fn commit(
        &self,
        resource: &Arc<str>,
        key: &Key,
        change: Change,
    ) -> Result<Object, Refused> {
        let mut guard = self.state();
        let state = &mut *guard;
        let next = state.revision + 1;
        let existing = match state.open(resource) {
            None => return Err(Refused::NoTable),
            Some(table) => table.get(key).cloned(),
        };
        let (event, mut value) = match (change, &existing) {
            (Change::Create(_), Some(_)) => return Err(Refused::Exists),
            (Change::Create(value), None) => {
                state.namespace_takes(&key.namespace)?;
                (EventType::Added, value)
            }
            (Change::Update(expected, value), Some(old)) if old.revision == expected => {
                (EventType::Modified, value)
            }
            (Change::Remove(expected, value), Some(old)) if old.revision == expected => {
                (EventType::Deleted, value)
            }
            _ => return Err(Refused::Raced),
        };
        object::set_meta(&mut value, "resourceVersion", next.to_string());
        let object = Arc::new(Stored::new(value, next));
        let at = ObjectRef {
            resource: resource.clone(),
            key: key.clone(),
        };
        if let Some(old) = &existing {
            state.unindex(&at, &old.value);
        }
        if event != EventType::Deleted {
            state.index(&at, &object.value);
        }
        state.revision = next;
        state.commits.add(next, self.window);
        if let Some(table) = state.tables.get_mut(resource) {
            let entry = Entry {
                revision: next,
                event,
                key: key.clone(),
                object: object.clone(),
                previous: existing.clone(),
            };
            table.apply(entry, self.window);
        }
        let added = state.note_work(&at, event, &object.value);
        drop(guard);
        if added {
            self.work_added.notify_one();
        }
        Ok(object)
    }

    /// What is referred to by a uid.
    pub(crate) fn by_uid(&self, uid: &str) -> Option<ObjectRef> {
        self.state().uids.get(uid).cloned()
    }

    /// The objects that name this uid as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<ObjectRef> {
        let state = self.state();
        let dependents = state.dependents.get(uid).into_iter().flatten();
        dependents.cloned().collect()
    }

    /// Takes all work of the background controllers.
    pub(crate) fn take_work(&self) -> Work {
        std::mem::take(&mut self.state().work)
    }

    /// Returns when there may be work to take.
    pub(crate) async fn work_added(&self) {
        self.work_added.notified().await;
    }
}

impl State {
    fn open(&self, resource: &str) -> Option<&Table> {
        self.tables.get(resource).filter(|table| !table.closed)
    }

    fn namespace_takes(&self, namespace: &str) -> Result<(), Refused> {
        if namespace.is_empty() {
            return Ok(());
        }
        let namespaces = self.tables.get("namespaces");
        match namespaces.and_then(|table| table.get(&Key::cluster(namespace))) {
            None => Err(Refused::NoNamespace),
            Some(found) if object::is_deleting(&found.value) => Err(Refused::NamespaceTerminating),
            Some(_) => Ok(()),
        }
    }

    fn index(&mut self, at: &ObjectRef, value: &Value) {
        let uid = object::meta_text(value, "uid");
        self.uids.insert(uid.to_owned(), at.clone());
        for (owner, _) in object::owners(value) {
            let dependents = self.dependents.entry(owner.to_owned()).or_default();
            dependents.insert(at.clone());
        }
    }

    fn unindex(&mut self, at: &ObjectRef, value: &Value) {
        self.uids.remove(object::meta_text(value, "uid"));
        for (owner, _) in object::owners(value) {
            if let Some(dependents) = self.dependents.get_mut(owner) {
                dependents.remove(at);
                if dependents.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
    }
}
