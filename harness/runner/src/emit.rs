//! Hands events to whoever listens, stamped with both clocks.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rotaproof_events::{Event, Percentiles, Record};

/// The machine's time since the run's start; the only clock of the runner that is never virtual.
#[derive(Clone, Copy)]
pub(crate) struct WallClock(jiff::Timestamp);

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that is never virtual"
)]
impl WallClock {
    pub(crate) fn start() -> Self {
        Self(jiff::Timestamp::now())
    }

    pub(crate) fn started(self) -> jiff::Timestamp {
        self.0
    }

    pub(crate) fn elapsed_us(self) -> u64 {
        let elapsed = jiff::Timestamp::now().duration_since(self.0);
        u64::try_from(elapsed.as_micros()).unwrap_or(0)
    }
}

/// How long after its commit each change of a run was known, in microseconds.
#[derive(Clone, Default)]
pub(crate) struct Detection(Arc<Mutex<Vec<u64>>>);

impl Detection {
    fn add(&self, lag: Duration) {
        let lag = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(lag);
    }

    /// Of all so far; `None` where none was measured.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        let measured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Percentiles::of(measured.clone())
    }
}

/// Sends a scenario's events to the run's thread, if there is a run.
#[derive(Clone)]
pub(crate) struct Emitter {
    scenario: usize,
    wall: WallClock,
    records: Option<SyncSender<Record>>,
    detection: Detection,
}

impl Emitter {
    pub(crate) fn new(
        scenario: usize,
        wall: WallClock,
        records: SyncSender<Record>,
        detection: Detection,
    ) -> Self {
        Self {
            detection,
            scenario,
            wall,
            records: Some(records),
        }
    }

    /// For a lab without a run: nobody listens.
    pub(crate) fn to_nobody() -> Self {
        Self {
            scenario: 0,
            wall: WallClock::start(),
            records: None,
            detection: Detection::default(),
        }
    }

    /// Tells an event that happened at `at`, since the scenario's start. Waits where the reports lag behind.
    pub(crate) fn emit(&self, at: Duration, event: Event) {
        let Some(records) = &self.records else { return };
        let record = Record {
            scenario: Some(self.scenario),
            at_us: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
            wall_us: self.wall.elapsed_us(),
            event,
        };
        // The receiver is gone only when the run has been abandoned; then nobody listens.
        let _ = records.send(record);
    }

    /// The scenario's place in the run.
    pub(crate) fn scenario(&self) -> usize {
        self.scenario
    }

    /// Takes down how long after its commit in the API a change was known.
    pub(crate) fn detected_after(&self, lag: Duration) {
        self.detection.add(lag);
    }

    pub(crate) fn wall(&self) -> WallClock {
        self.wall
    }
}
