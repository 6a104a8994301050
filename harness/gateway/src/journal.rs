//! Every request that reached the gateway, in the order in which it was decided.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rotaproof_vaults::ServedVersion;
use serde::{Serialize, Serializer};
use tokio::sync::watch;

use crate::ledger::Ledger;

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientKind {
    /// The operator, through the proxy.
    Operator,
    /// The harness' own writers, at a vault's direct endpoint.
    Harness,
    /// Somebody's own program, through the proxy or at a direct endpoint; only a lab on real sockets has them.
    Tool,
}

/// One request. Holds no value and no query string, only fingerprints.
///
/// Costs about 300 bytes, and 100 more for each version served; repeated texts are shared between entries.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its place in the order of decisions, from 1 without gaps.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The same, since the clock's start; in seconds when serialized.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
    /// Who sent it.
    pub client: ClientKind,
    /// The vault, by its name in the scenario; `None` for a host that no vault claims.
    pub vault: Option<Arc<str>>,
    /// The host, without a port.
    pub host: Arc<str>,
    /// The HTTP method.
    pub method: Arc<str>,
    /// The path, without the query; empty for a CONNECT that was refused.
    pub path: Arc<str>,
    /// The vault's own name of the operation; empty where none was asked of a vault.
    pub operation: Arc<str>,
    /// Who asked, as the vault knows them.
    pub identity: Option<Arc<str>>,
    /// The secret that was asked for.
    pub secret: Option<Arc<str>>,
    /// The versions whose value the answer carries.
    #[serde(serialize_with = "versions")]
    pub versions: Box<[ServedVersion]>,
    /// The vault's error code, or the gateway's words, where it was refused.
    pub refusal: Option<Arc<str>>,
    /// The status of the answer, once it is done; `None` for a connection that was reset or that hangs.
    pub status: Option<u16>,
    /// From the request's arrival to the end of the answer or the reset; `None` while neither is reached.
    /// In seconds when serialized.
    #[serde(serialize_with = "maybe_seconds")]
    pub duration: Option<Duration>,
    /// The names of the faults that hit it, with `, ` between.
    pub fault: Option<Arc<str>>,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn maybe_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(|d| d.as_secs_f64()).serialize(serializer)
}

fn versions<S: Serializer>(versions: &[ServedVersion], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown<'a> {
        secret: &'a str,
        version: &'a str,
        value: &'a str,
    }
    serializer.collect_seq(versions.iter().map(|served| Shown {
        secret: &served.secret,
        version: &served.version,
        value: served.value.as_str(),
    }))
}

/// The entries that are new or were completed since an earlier look.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// In the order of the changes; an entry that was added and completed in between comes once.
    pub entries: Vec<Arc<Entry>>,
    /// What to pass to the next [`Journal::changes`].
    pub seen: u64,
}

/// Reads the journal. Entries are snapshots: one that is completed later is a new `Arc`.
#[derive(Clone)]
pub struct Journal(pub(crate) Arc<Ledger>);

impl Journal {
    /// The entries that are kept, oldest first: the newest 250,000.
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.since(0)
    }

    /// The entries after `seq`. [`Journal::len`] is the `seq` of the newest, so it serves as a bookmark.
    pub fn since(&self, seq: u64) -> Vec<Arc<Entry>> {
        self.0.read(|records| records.since(seq))
    }

    /// One entry.
    pub fn get(&self, seq: u64) -> Option<Arc<Entry>> {
        self.0.read(|records| records.get(seq))
    }

    /// How many requests there were, and the `seq` of the newest.
    pub fn len(&self) -> u64 {
        self.0.read(|records| records.newest)
    }

    /// Whether there was no request yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was added or completed since `seen`, which is 0 at first and then [`Changes::seen`].
    pub fn changes(&self, seen: u64) -> Changes {
        self.0.read(|records| records.changes(seen))
    }

    /// A receiver whose value grows with each entry that is added or completed. It may skip values but never the
    /// last one: after each wake, ask [`Journal::changes`].
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Entries and changes kept before the oldest are dropped.
const MAX_ENTRIES: usize = 250_000;
const MAX_CHANGES: usize = 2 * MAX_ENTRIES;
/// Texts kept for sharing.
const MAX_TEXTS: usize = 8192;

/// The journal's state, under the ledger's lock. Each operation costs the same however long the journal is.
#[derive(Default)]
pub(crate) struct Records {
    entries: VecDeque<Arc<Entry>>,
    newest: u64,
    /// The `seq` of each change.
    log: VecDeque<u64>,
    changed: u64,
    texts: HashSet<Arc<str>>,
}

impl Records {
    /// Appends an entry; its `seq` is set here.
    pub(crate) fn append(&mut self, mut entry: Entry) -> u64 {
        self.newest += 1;
        entry.seq = self.newest;
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(Arc::new(entry));
        self.note(self.newest);
        self.newest
    }

    /// Completes an entry, if it is still kept.
    pub(crate) fn complete(&mut self, seq: u64, status: Option<u16>, duration: Duration) {
        let Some(index) = self.index(seq) else { return };
        if let Some(entry) = self.entries.get_mut(index) {
            let entry = Arc::make_mut(entry);
            entry.status = status;
            entry.duration = Some(duration);
            self.note(seq);
        }
    }

    /// The number of changes so far.
    pub(crate) fn changed(&self) -> u64 {
        self.changed
    }

    /// The one copy of a text.
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        if self.texts.len() >= MAX_TEXTS {
            self.texts.clear();
        }
        let text = Arc::<str>::from(text);
        self.texts.insert(text.clone());
        text
    }

    fn note(&mut self, seq: u64) {
        if self.log.len() >= MAX_CHANGES {
            self.log.pop_front();
        }
        self.log.push_back(seq);
        self.changed += 1;
    }

    fn index(&self, seq: u64) -> Option<usize> {
        let oldest = self.newest + 1 - self.entries.len() as u64;
        usize::try_from(seq.checked_sub(oldest)?).ok()
    }

    fn get(&self, seq: u64) -> Option<Arc<Entry>> {
        self.entries.get(self.index(seq)?).cloned()
    }

    fn since(&self, seq: u64) -> Vec<Arc<Entry>> {
        let skip = self.index(seq.saturating_add(1)).unwrap_or(0);
        self.entries.iter().skip(skip).cloned().collect()
    }

    fn changes(&self, seen: u64) -> Changes {
        let forgotten = self.changed - self.log.len() as u64;
        let skip = usize::try_from(seen.saturating_sub(forgotten)).unwrap_or(usize::MAX);
        let mut told = HashSet::new();
        let entries = self
            .log
            .iter()
            .skip(skip)
            .filter(|seq| told.insert(**seq))
            .filter_map(|seq| self.get(*seq))
            .collect();
        Changes {
            entries,
            seen: self.changed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(records: &mut Records, count: usize) {
        for _ in 0..count {
            let text = records.text("same");
            records.append(Entry {
                seq: 0,
                at: Timestamp::UNIX_EPOCH,
                elapsed: Duration::ZERO,
                client: ClientKind::Operator,
                vault: Some(text.clone()),
                host: text.clone(),
                method: text.clone(),
                path: text.clone(),
                operation: text,
                identity: None,
                secret: None,
                versions: Box::default(),
                refusal: None,
                status: None,
                duration: None,
                fault: None,
            });
        }
    }

    #[test]
    fn the_journal_is_bounded_and_keeps_the_newest() {
        let mut records = Records::default();
        let extra = 3;
        appended(&mut records, MAX_ENTRIES + extra);
        assert_eq!(records.entries.len(), MAX_ENTRIES);
        assert_eq!(records.newest, (MAX_ENTRIES + extra) as u64);
        assert!(records.get(extra as u64).is_none());
        let oldest = extra as u64 + 1;
        assert_eq!(records.get(oldest).map(|e| e.seq), Some(oldest));
        assert_eq!(records.since(0).len(), MAX_ENTRIES);
        assert_eq!(records.since(records.newest - 2).len(), 2);
        let before = records.changed();
        records.complete(1, Some(200), Duration::ZERO);
        assert_eq!(records.changed(), before, "a dropped entry stays dropped");
        assert_eq!(records.changes(before - 1).entries.len(), 1);
    }

    #[test]
    fn entries_stay_small_and_share_their_texts() {
        assert!(size_of::<Entry>() <= 256, "{}", size_of::<Entry>());
        let mut records = Records::default();
        appended(&mut records, 2);
        let hosts: Vec<_> = records.since(0).iter().map(|e| e.host.clone()).collect();
        assert!(Arc::ptr_eq(&hosts[0], &hosts[1]));
        for n in 0..2 * MAX_TEXTS {
            records.text(&n.to_string());
        }
        assert!(records.texts.len() <= MAX_TEXTS);
    }
}
