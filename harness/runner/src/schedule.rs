//! Many scenarios at once, told in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rotaproof_base::SecretValue;
use rotaproof_cluster::Lane;
use rotaproof_events::{Counts, DeclaredVault, Event, Observation, Record, Verdict};
use rotaproof_scenario::Case;
use tokio_util::sync::CancellationToken;

use crate::emit::{Detection, Emitter, WallClock};
use crate::explain::{Left, Remains};
use crate::play;

/// How to run.
pub struct Options {
    /// Where.
    pub lane: Arc<dyn Lane>,
    /// Reproduces the run.
    pub seed: u64,
    /// What longer refresh intervals of ExternalSecrets become where a manifest is applied; `None` leaves them as
    /// written.
    pub refresh: Option<Duration>,
    /// How many scenarios at once; at least one.
    pub jobs: usize,
    /// Start no further scenario after one did not pass.
    pub fail_fast: bool,
    /// Machine time that one scenario may take.
    pub timeout: Duration,
    /// Cancelled by the user's interrupt.
    pub interrupt: CancellationToken,
    /// The program's version, for the reports.
    pub version: String,
    /// Hears every value that a scenario's ledger knows, when it has ended: for a test that none of them is found
    /// anywhere else.
    pub audit: Option<Audit>,
    /// Hears what could be observed of each scenario, when it has ended: for `rotaproof compare`.
    pub observe: Option<Observe>,
    /// Hears what was last seen of each scenario that had a lab and did not pass: for `--artifacts`.
    pub keep: Option<Keep>,
    /// Leaves the cluster of a scenario as it is when it ends: for `--keep`. No further scenario is started then.
    pub stay: Option<Stay>,
}

/// See [`Options::stay`].
#[derive(Clone)]
pub struct Stay {
    /// Whether the cluster of a scenario that passed stays too; else that of one that failed or is in error.
    pub passed: bool,
    /// Hears what stays.
    pub tell: Arc<dyn Fn(Left) + Send + Sync>,
}

impl Stay {
    /// Whether the cluster stays of a scenario that ended so.
    pub(crate) fn concerns(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Failed | Verdict::Errored => true,
            Verdict::Passed => self.passed,
            Verdict::Skipped | Verdict::Interrupted => false,
        }
    }
}

/// See [`Options::audit`].
pub type Audit = Arc<dyn Fn(Vec<SecretValue>) + Send + Sync>;

/// See [`Options::observe`]; with the scenario's place in the run, from 0.
pub type Observe = Arc<dyn Fn(usize, Observation) + Send + Sync>;

/// See [`Options::keep`]; with the scenario's place in the run, from 0. Called before the scenario is told to have ended.
pub type Keep = Arc<dyn Fn(usize, Remains) + Send + Sync>;

/// Hears what happens.
pub trait Listener {
    /// A record, in order: the run's start, each scenario's records together, the run's end.
    fn record(&mut self, record: &Record);

    /// A scenario has ended, perhaps before its turn in the records.
    fn ended(&mut self) {}
}

/// Records that may wait for the listener before a scenario waits in turn.
const QUEUE: usize = 4096;
/// How often the deadlines of running scenarios are looked at.
const WATCHDOG: Duration = Duration::from_millis(100);

/// Runs the scenarios and answers how they ended.
pub fn run(cases: &[Case], options: &Options, listener: &mut dyn Listener) -> Counts {
    let wall = WallClock::start();
    let own = |event| Record {
        scenario: None,
        at_us: 0,
        wall_us: wall.elapsed_us(),
        event,
    };
    listener.record(&own(Event::RunStarted {
        version: options.version.clone(),
        lane: options.lane.name().to_owned(),
        seed: options.seed,
        scenarios: cases.len(),
        wall_started: wall.started().to_string(),
    }));
    options.lane.sweep();
    let (records, received) = sync_channel(QUEUE);
    let shared = Shared {
        cases,
        options,
        wall,
        detection: Detection::default(),
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        tokens: cases
            .iter()
            .map(|_| options.interrupt.child_token())
            .collect(),
        started_us: cases
            .iter()
            .map(|_| std::sync::atomic::AtomicU64::new(u64::MAX))
            .collect(),
    };
    let counts = std::thread::scope(|scope| {
        let room = options.lane.at_once().unwrap_or(usize::MAX);
        for _ in 0..options.jobs.min(room).clamp(1, cases.len().max(1)) {
            let records = records.clone();
            let shared = &shared;
            scope.spawn(move || shared.work(&records));
        }
        drop(records);
        tell_in_order(&received, &shared, listener)
    });
    listener.record(&own(Event::RunFinished {
        counts,
        wall_took_us: wall.elapsed_us(),
        wall_detection: shared.detection.percentiles(),
    }));
    counts
}

struct Shared<'a> {
    cases: &'a [Case],
    options: &'a Options,
    wall: WallClock,
    detection: Detection,
    next: AtomicUsize,
    stop: AtomicBool,
    tokens: Vec<CancellationToken>,
    /// When each scenario started; `u64::MAX` before it did and after it ended.
    started_us: Vec<std::sync::atomic::AtomicU64>,
}

impl Shared<'_> {
    /// One thread's work: the next scenario, until there is none.
    fn work(&self, records: &SyncSender<Record>) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((case, token)) = self.cases.get(index).zip(self.tokens.get(index)) else {
                return;
            };
            let emitter = Emitter::new(index, self.wall, records.clone(), self.detection.clone());
            emitter.emit(Duration::ZERO, started(case));
            if token.is_cancelled() || self.stop.load(Ordering::Relaxed) {
                let verdict = match token.is_cancelled() {
                    true => Verdict::Interrupted,
                    false => Verdict::Skipped,
                };
                emitter.emit(Duration::ZERO, play::finished(verdict, None, 0, 0));
                continue;
            }
            let slot = self.started_us.get(index);
            let since = self.wall.elapsed_us();
            if let Some(slot) = slot {
                slot.store(since, Ordering::Relaxed);
            }
            let verdict = play::play(case, self.options, &emitter, token, since);
            if let Some(slot) = slot {
                slot.store(u64::MAX, Ordering::Relaxed);
            }
            let stay = self.options.stay.as_ref();
            let stays = stay.is_some_and(|stay| stay.concerns(verdict));
            if stays || (verdict != Verdict::Passed && self.options.fail_fast) {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Cancels scenarios that have taken too long.
    fn watch_deadlines(&self, now: u64) {
        let limit = u64::try_from(self.options.timeout.as_micros()).unwrap_or(u64::MAX);
        for (slot, token) in self.started_us.iter().zip(&self.tokens) {
            let started = slot.load(Ordering::Relaxed);
            if started != u64::MAX && now.saturating_sub(started) > limit {
                token.cancel();
            }
        }
    }
}

fn started(case: &Case) -> Event {
    let vaults = case.vaults.iter().map(|(name, vault)| DeclaredVault {
        name: name.value.clone(),
        kind: vault.product().to_owned(),
    });
    Event::ScenarioStarted {
        title: case.title.clone(),
        file: case.file.display().to_string(),
        tags: case.tags.clone(),
        vaults: vaults.collect(),
    }
}

/// Hands the records on: each scenario's together, in the order of the scenarios.
fn tell_in_order(
    received: &Receiver<Record>,
    shared: &Shared<'_>,
    listener: &mut dyn Listener,
) -> Counts {
    let mut counts = Counts::default();
    let mut held: Vec<VecDeque<Record>> = shared.cases.iter().map(|_| VecDeque::new()).collect();
    let mut turn = 0;
    let mut looked_us = 0;
    loop {
        let now_us = shared.wall.elapsed_us();
        if u128::from(now_us.saturating_sub(looked_us)) >= WATCHDOG.as_micros() {
            shared.watch_deadlines(now_us);
            looked_us = now_us;
        }
        let record = match received.recv_timeout(WATCHDOG) {
            Ok(record) => record,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return counts,
        };
        if let Event::ScenarioFinished { verdict, .. } = &record.event {
            counts.add(*verdict);
            listener.ended();
        }
        if let Some(queue) = record.scenario.and_then(|index| held.get_mut(index)) {
            queue.push_back(record);
        }
        while let Some(record) = held.get_mut(turn).and_then(VecDeque::pop_front) {
            listener.record(&record);
            if let Event::ScenarioFinished { .. } = record.event {
                turn += 1;
            }
        }
    }
}
