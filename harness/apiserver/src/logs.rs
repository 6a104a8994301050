//! What containers printed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rotaproof_base::Clock;
use tokio::sync::watch;

/// The kubelet rotates a container's log at this size (`containerLogMaxSize`).
const MAX_BYTES: usize = 10 * 1024 * 1024;

/// The logs of all pods; clones share them. Served at `.../pods/{name}/log`.
#[derive(Clone)]
pub struct PodLogs {
    clock: Clock,
    pods: Arc<Mutex<Pods>>,
}

type Pods = BTreeMap<(String, String), BTreeMap<String, Container>>;

struct Container {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The number of the first kept line.
    first: u64,
    closed: bool,
    changed: watch::Sender<()>,
}

#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) text: Arc<str>,
}

/// A part of a log.
pub(crate) struct Chunk {
    pub(crate) lines: Vec<Line>,
    /// The number of the line after the last one.
    pub(crate) next: u64,
    pub(crate) closed: bool,
}

impl Container {
    fn new() -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            first: 0,
            closed: false,
            changed: watch::Sender::new(()),
        }
    }
}

impl PodLogs {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            pods: Arc::default(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Pods) -> T) -> T {
        work(&mut self.pods.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a line (without its line feed) with the present time; the oldest lines go when a log exceeds 10 MiB.
    pub fn append(&self, namespace: &str, pod: &str, container: &str, line: &str) {
        let line = Line {
            at: self.clock.now(),
            text: line.into(),
        };
        self.with(|pods| {
            let log = entry(pods, namespace, pod, container);
            log.bytes += line.text.len() + 1;
            log.lines.push_back(line);
            while log.bytes > MAX_BYTES && log.lines.len() > 1 {
                if let Some(old) = log.lines.pop_front() {
                    log.bytes -= old.text.len() + 1;
                    log.first += 1;
                }
            }
            log.changed.send_replace(());
        });
    }

    /// Ends the log of a container that ended: those who follow it are told its end. A restarted container appends again.
    pub fn close(&self, namespace: &str, pod: &str, container: &str) {
        self.with(|pods| {
            let log = entry(pods, namespace, pod, container);
            log.closed = true;
            log.changed.send_replace(());
        });
    }

    pub(crate) fn forget(&self, namespace: &str, pod: &str) {
        self.with(|pods| pods.remove(&(namespace.to_owned(), pod.to_owned())));
    }

    /// Opens a log that may still be empty; the receiver wakes on every change, and closes with the pod.
    pub(crate) fn follow(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> watch::Receiver<()> {
        self.with(|pods| entry(pods, namespace, pod, container).changed.subscribe())
    }

    /// The lines from number `from` on; `None` where nothing was ever written or followed.
    pub(crate) fn read(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        from: u64,
        limit: usize,
    ) -> Option<Chunk> {
        self.with(|pods| {
            let log = pods
                .get(&(namespace.to_owned(), pod.to_owned()))?
                .get(container)?;
            let skip = usize::try_from(from.saturating_sub(log.first)).unwrap_or(usize::MAX);
            let lines: Vec<Line> = log.lines.iter().skip(skip).take(limit).cloned().collect();
            Some(Chunk {
                next: from.max(log.first) + lines.len() as u64,
                lines,
                closed: log.closed,
            })
        })
    }
}

fn entry<'a>(pods: &'a mut Pods, namespace: &str, pod: &str, container: &str) -> &'a mut Container {
    pods.entry((namespace.to_owned(), pod.to_owned()))
        .or_default()
        .entry(container.to_owned())
        .or_insert_with(Container::new)
}
