//! The objects of one resource, in the order in which they are listed.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::labels::LabelIndex;
use super::log::{Entry, EventType, Expired, Log};
use super::stored::Object;

/// An object's namespace (empty for a cluster-scoped one) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    pub(crate) fn cluster(name: impl Into<String>) -> Self {
        Self::new("", name)
    }
}

pub(super) struct Table {
    objects: BTreeMap<Key, Object>,
    labels: LabelIndex,
    pub(super) log: Log,
    pub(super) changed: watch::Sender<u64>,
    /// Not served (any more). The log stays: watchers still have to read of the end.
    pub(super) closed: bool,
}

impl Table {
    pub(super) fn new(revision: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            labels: LabelIndex::default(),
            log: Log::new(revision),
            changed: watch::Sender::new(revision),
            closed: false,
        }
    }

    /// Empties the table, and tells its watchers the end.
    pub(super) fn close(&mut self) -> BTreeMap<Key, Object> {
        self.closed = true;
        // Replaced, so that the receivers of the old one are closed.
        let revision = *self.changed.borrow();
        self.changed = watch::Sender::new(revision);
        self.labels = LabelIndex::default();
        std::mem::take(&mut self.objects)
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Object> {
        self.objects.get(key)
    }

    pub(super) fn apply(&mut self, entry: Entry, window: usize) {
        let before = match entry.event {
            EventType::Deleted => self.objects.remove(&entry.key),
            _ => self.objects.insert(entry.key.clone(), entry.object.clone()),
        };
        if let Some(before) = before {
            self.labels.remove(&entry.key, &before);
        }
        if entry.event != EventType::Deleted {
            self.labels.add(&entry.key, &entry.object);
        }
        let revision = entry.revision;
        self.log.push(entry, window);
        self.changed.send_replace(revision);
    }

    pub(super) fn list(&self, namespace: Option<&str>) -> Vec<(Key, Object)> {
        let copy = |(key, object): (&Key, &Object)| (key.clone(), object.clone());
        match namespace {
            None => self.objects.iter().map(copy).collect(),
            Some(namespace) => self
                .objects
                .range(Key::new(namespace, "")..)
                .take_while(|(key, _)| key.namespace == namespace)
                .map(copy)
                .collect(),
        }
    }

    /// Of [`Table::list`], the objects with a label.
    pub(super) fn labelled(
        &self,
        namespace: Option<&str>,
        name: &str,
        value: &str,
    ) -> Vec<(Key, Object)> {
        self.labels
            .keys(name, value)
            .filter(|key| namespace.is_none_or(|namespace| key.namespace == namespace))
            .filter_map(|key| Some((key.clone(), self.objects.get(key)?.clone())))
            .collect()
    }

    /// Undoes the log back to `revision`.
    pub(super) fn list_at(
        &self,
        namespace: Option<&str>,
        revision: u64,
    ) -> Result<Vec<(Key, Object)>, Expired> {
        let mut objects: BTreeMap<Key, Object> = self.list(namespace).into_iter().collect();
        for entry in self.log.back_to(revision)? {
            if namespace.is_some_and(|namespace| entry.key.namespace != namespace) {
                continue;
            }
            match &entry.previous {
                Some(previous) => objects.insert(entry.key.clone(), previous.clone()),
                None => objects.remove(&entry.key),
            };
        }
        Ok(objects.into_iter().collect())
    }
}
