//! `rotaproof run`

use std::fs::File;
use std::io::{BufWriter, IsTerminal};
use std::path::PathBuf;
use std::slice;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rotaproof_cluster::Lane;
use rotaproof_events::{Counts, Event, Record, Verdict};
use rotaproof_releases::Wanted;
use rotaproof_report::{JUnit, JsonLines, Progress, Report, Terminal};
use rotaproof_runner::{Listener, Options};
use rotaproof_scenario::Case;
use tokio_util::sync::CancellationToken;

use super::artifacts::Artifacts;
use super::interrupt::Signals;
use super::keep::{Leftovers, When};
use super::lane::{Where, at_once};
use super::select::Selection;
use super::versions;
use crate::error::{Error, ExitStatus};

/// What to run, where, and what to write.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    how: How,
    /// Run everything once per version of the External Secrets Operator, in place of --eso, and tell at the end which
    /// scenarios end otherwise: 0.16.2,0.20.4. Lane eso: versions and paths of its program; lane kind: versions and paths of
    /// its chart. The worst run decides the exit code; reports and artifacts have the version in their name.
    #[arg(long, value_name = "PATH|VERSION", value_delimiter = ',', value_parser = Wanted::parse)]
    matrix_eso: Vec<Wanted>,
}

/// How to run scenarios.
#[derive(clap::Args, Clone)]
pub(crate) struct How {
    #[command(flatten)]
    pub(crate) place: Where,
    /// How many scenarios at once; by default one per core, or per cluster where there are more of those.
    #[arg(long, value_name = "N", env = "ROTAPROOF_JOBS")]
    jobs: Option<usize>,
    /// Reproduces a run: the same seed gives the same events. Drawn, and told, where it is not given.
    #[arg(long, value_name = "N", env = "ROTAPROOF_SEED")]
    pub(super) seed: Option<u64>,
    /// Start no further scenario after one did not pass.
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Machine time that one scenario may take: 90s, 5m.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration)]
    timeout: Duration,
    /// Write a report: junit=FILE, json=FILE (JSON lines); several with commas.
    #[arg(long, value_name = "KIND=FILE", value_delimiter = ',')]
    pub(super) report: Vec<ReportFile>,
    /// Keep what explains a scenario that did not pass, a folder for each in this one: the failure, its events, the gateway's
    /// journal, the operator's log, pods and objects as last seen, and the command that runs it alone. No values.
    #[arg(long, value_name = "DIR", env = "ROTAPROOF_ARTIFACTS")]
    pub(super) artifacts: Option<PathBuf>,
    /// Lane kind: leave the cluster of a scenario as it is when the scenario ends, start no further one, and tell what to look
    /// at. failed: of the first that does not pass; always: of the only one, pass or not.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub(super) keep: When,
}

/// A report that is written to a file.
#[derive(Clone)]
pub(super) struct ReportFile {
    pub(super) kind: ReportKind,
    pub(super) path: PathBuf,
}

/// A form of report.
#[derive(Clone, Copy)]
pub(super) enum ReportKind {
    JUnit,
    Json,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind = |kind| match kind {
            "junit" => Some(ReportKind::JUnit),
            "json" => Some(ReportKind::Json),
            _ => None,
        };
        match text.split_once('=') {
            Some((name, path)) if !path.is_empty() => match kind(name) {
                Some(kind) => Ok(Self {
                    kind,
                    path: path.into(),
                }),
                None => Err(format!("unknown report `{name}`: expected junit or json")),
            },
            _ => Err("expected KIND=FILE, for example junit=report.xml".into()),
        }
    }
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|e: jiff::Error| e.to_string())?;
    Duration::try_from(span).map_err(|_| "expected a positive duration, for example 90s".into())
}

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    let cases = args.selection.load_some()?;
    match args.matrix_eso.as_slice() {
        [] => carry_out(&cases, &args.how),
        wanted => versions::carry_out(&cases, &args.how, wanted),
    }
}

/// Runs the cases and reports; the way of every command that runs.
pub(crate) fn carry_out(cases: &[Case], how: &How) -> Result<ExitStatus, Error> {
    let interrupt = CancellationToken::new();
    let _watcher = Interrupt::watch(interrupt.clone())?;
    let ran = play(cases, how, how.place.lane()?, interrupt)?;
    Ok(ExitStatus::of_code(ran.counts.exit_code()))
}

/// How the cases ended.
pub(super) struct Ran {
    pub(super) counts: Counts,
    /// Of each case.
    pub(super) verdicts: Vec<Verdict>,
    /// Whether the cluster of one of them stays.
    pub(super) stays: bool,
}

/// Runs the cases on a lane, and ends the lane.
pub(super) fn play(
    cases: &[Case],
    how: &How,
    lane: Arc<dyn Lane>,
    interrupt: CancellationToken,
) -> Result<Ran, Error> {
    how.keep.check(lane.as_ref(), cases)?;
    let progress = match std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
        true => Progress::bar(cases.len() as u64),
        false => Progress::none(),
    };
    let mut reports = Reports {
        progress: progress.share(),
        all: vec![Box::new(Terminal::new(anstream::stdout(), progress))],
        verdicts: vec![Verdict::Interrupted; cases.len()],
        failed: None,
    };
    for ReportFile { kind, path } in &how.report {
        let file = File::create(path).map_err(|source| Error::File {
            action: "write",
            path: path.clone(),
            source,
        })?;
        let out = BufWriter::new(file);
        reports.all.push(match kind {
            ReportKind::JUnit => Box::new(JUnit::new(out)),
            ReportKind::Json => Box::new(JsonLines::new(out)),
        });
    }
    let artifacts = match &how.artifacts {
        Some(folder) => Some(Artifacts::of(folder, cases)?),
        None => None,
    };
    if let Some(artifacts) = &artifacts {
        reports.all.push(Box::new(artifacts.report()));
    }
    let leftovers = Leftovers::default();
    let options = Options {
        refresh: how.place.refresh(),
        seed: how.seed.unwrap_or_else(draw_seed),
        jobs: how.jobs.unwrap_or_else(|| at_once(slice::from_ref(&lane))),
        lane,
        fail_fast: how.fail_fast,
        timeout: how.timeout,
        interrupt,
        version: env!("CARGO_PKG_VERSION").into(),
        audit: None,
        observe: None,
        keep: artifacts.as_ref().map(Artifacts::keep),
        stay: leftovers.stay(how.keep),
    };
    let counts = rotaproof_runner::run(cases, &options, &mut reports);
    options.lane.finish();
    if let Some(artifacts) = artifacts {
        artifacts.tell(&mut anstream::stdout())?;
    }
    let stays = leftovers.tell(&mut anstream::stdout())?;
    match reports.failed {
        Some(error) => Err(Error::Output(error)),
        None => Ok(Ran {
            counts,
            verdicts: reports.verdicts,
            stays,
        }),
    }
}

/// Five digits from the machine's time: short enough to read over a shoulder.
#[expect(
    clippy::disallowed_methods,
    reason = "a seed is drawn before there is any clock"
)]
pub(super) fn draw_seed() -> u64 {
    let nanos = jiff::Timestamp::now().as_nanosecond();
    u64::try_from(nanos.unsigned_abs() / 1_000 % 100_000).unwrap_or(0)
}

struct Reports {
    progress: Progress,
    all: Vec<Box<dyn Report>>,
    verdicts: Vec<Verdict>,
    failed: Option<std::io::Error>,
}

impl Listener for Reports {
    fn record(&mut self, record: &Record) {
        if let Event::ScenarioFinished { verdict, .. } = &record.event
            && let Some(slot) = record.scenario.and_then(|at| self.verdicts.get_mut(at))
        {
            *slot = *verdict;
        }
        for report in &mut self.all {
            if let Err(error) = report.record(record) {
                self.failed.get_or_insert(error);
            }
        }
    }

    fn ended(&mut self) {
        self.progress.advance();
    }
}

/// A thread that waits for Ctrl-C (or a termination) and cancels the run; it ends with this value.
pub(super) struct Interrupt {
    done: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Interrupt {
    /// Listens from now on; `interrupt` is cancelled at the first signal.
    pub(super) fn watch(interrupt: CancellationToken) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // Before the thread begins: a signal between the two would end the process with nothing swept.
        let mut signals = {
            let _inside = runtime.enter();
            Signals::listen()?
        };
        let done = CancellationToken::new();
        let ended = done.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = ended.cancelled() => {}
                    () = signals.next() => interrupt.cancel(),
                }
            });
        });
        Ok(Self {
            done,
            thread: Some(thread),
        })
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.done.cancel();
        if let Some(thread) = self.thread.take() {
            // The thread only waits; it cannot have panicked.
            let _ = thread.join();
        }
    }
}
