//! A bounded log of what happened to one resource.

use std::collections::VecDeque;

use super::{Key, Object};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventType {
    Added,
    Modified,
    Deleted,
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) revision: u64,
    pub(crate) event: EventType,
    pub(crate) key: Key,
    pub(crate) object: Object,
    /// The revision before; tells a selecting watcher that an object left its selection, and undoes the event for a list of the past.
    pub(crate) previous: Option<Object>,
}

/// The log no longer reaches back to the asked revision, only to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expired {
    pub(crate) oldest: u64,
}

pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// All events after this revision are here.
    since: u64,
}

impl Log {
    pub(crate) fn new(since: u64) -> Self {
        Self {
            entries: VecDeque::new(),
            since,
        }
    }

    pub(crate) fn push(&mut self, entry: Entry, window: usize) {
        while self.entries.len() >= window {
            if let Some(evicted) = self.entries.pop_front() {
                self.since = evicted.revision;
            }
        }
        self.entries.push_back(entry);
    }

    fn position(&self, revision: u64) -> Result<usize, Expired> {
        if revision < self.since {
            return Err(Expired { oldest: self.since });
        }
        Ok(self
            .entries
            .partition_point(|entry| entry.revision <= revision))
    }

    /// Up to `limit` events after `revision`, oldest first.
    pub(crate) fn after(&self, revision: u64, limit: usize) -> Result<Vec<Entry>, Expired> {
        let start = self.position(revision)?;
        Ok(self
            .entries
            .iter()
            .skip(start)
            .take(limit)
            .cloned()
            .collect())
    }

    /// The events after `revision`, newest first.
    pub(crate) fn back_to(&self, revision: u64) -> Result<impl Iterator<Item = &Entry>, Expired> {
        let start = self.position(revision)?;
        Ok(self.entries.iter().skip(start).rev())
    }
}
