//! `rotaproof compare`

use std::fs::File;
use std::io::{BufWriter, IsTerminal};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use rotaproof_cluster::Lane;
use rotaproof_compare::{
    Compared, JUnit, JsonLines, Pair, Plan, Report, Rule, Rules, Terminal, Totals,
};
use rotaproof_events::{Event, Observation, Record, Verdict, human};
use rotaproof_report::Progress;
use rotaproof_runner::{Listener, Options};
use rotaproof_scenario::Case;
use tokio_util::sync::CancellationToken;

use super::lane::{Name, ON_THE_REAL_CLOCK, Operator, at_once};
use super::run::{Interrupt, ReportFile, ReportKind, draw_seed, duration};
use super::select::Selection;
use crate::error::{Error, ExitStatus};

/// Rules that `--exact` names all at once.
const ALL: &str = "all";
/// Where neither a terminal nor `COLUMNS` says how wide a line is.
const WIDTH: u16 = 140;

/// What to compare, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The lane of the left column: embedded, eso, eso:VERSION, eso:PATH, kind or kind:VERSION.
    #[arg(value_name = "LANE")]
    left: Name,
    /// The lane of the right column.
    #[arg(value_name = "LANE")]
    right: Name,
    #[command(flatten)]
    selection: Selection,
    /// How many runs at once, of both lanes together; by default one per core, or per cluster where there are more of those.
    #[arg(long, value_name = "N", env = "ROTAPROOF_JOBS")]
    jobs: Option<NonZeroUsize>,
    /// Reproduces both runs. Drawn, and told, where it is not given.
    #[arg(long, value_name = "N", env = "ROTAPROOF_SEED")]
    seed: Option<u64>,
    #[command(flatten)]
    operator: Operator,
    /// Machine time that one run may take: 90s, 5m.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration)]
    timeout: Duration,
    /// Compare what this rule leaves out (docs/compare.md), or what any rule does with `all`.
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = rule_names())]
    exact: Vec<String>,
    /// Write a report: junit=FILE, json=FILE (JSON lines); several with commas.
    #[arg(long, value_name = "KIND=FILE", value_delimiter = ',')]
    report: Vec<ReportFile>,
}

fn rule_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Rule::ALL.map(Rule::name).into_iter().chain([ALL]))
}

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    let mut cases = args.selection.load_some()?;
    let interrupt = CancellationToken::new();
    let _watcher = Interrupt::watch(interrupt.clone())?;
    // On both lanes, so that their intervals are equal.
    let refresh = args.operator.refresh(Some(ON_THE_REAL_CLOCK));
    let lane = |name| args.operator.lane(name, refresh);
    let lanes = [lane(&args.left)?, lane(&args.right)?];
    serve_alike(&mut cases, &lanes);
    let plan = Plan {
        version: env!("CARGO_PKG_VERSION").into(),
        left: lanes[0].name().to_owned(),
        right: lanes[1].name().to_owned(),
        seed: args.seed.unwrap_or_else(draw_seed),
        refresh: refresh.map_or_else(|| "manifest".into(), human),
        scenarios: cases.len(),
    };
    let rules = match args.exact.iter().any(|name| name == ALL) {
        true => Rules::but(Rule::ALL),
        false => Rules::but(
            Rule::ALL
                .into_iter()
                .filter(|rule| args.exact.iter().any(|name| name == rule.name())),
        ),
    };
    let progress = match std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
        true => Progress::bar(cases.len() as u64 * 2),
        false => Progress::none(),
    };
    let jobs = args.jobs.map_or_else(|| at_once(&lanes), NonZeroUsize::get);
    let runs = Runs {
        cases: &cases,
        options: Options {
            lane: lanes[0].clone(),
            seed: plan.seed,
            refresh,
            jobs: 1,
            fail_fast: false,
            timeout: args.timeout,
            interrupt,
            version: plan.version.clone(),
            audit: None,
            observe: None,
            keep: None,
            stay: None,
        },
        lanes,
        next: AtomicUsize::new(0),
    };
    let mut told = Told {
        plan: &plan,
        rules: &rules,
        reports: reports(&args.report)?,
        progress,
        totals: Totals::default(),
        failed: None,
    };
    told.each(|report, plan| report.begin(plan));
    let started = tokio::time::Instant::now();
    std::thread::scope(|scope| {
        let (sender, ended) = channel();
        for _ in 0..jobs.min(2 * cases.len()) {
            let (runs, sender) = (&runs, sender.clone());
            scope.spawn(move || runs.work(&sender));
        }
        drop(sender);
        told.pair_up(&cases, &ended);
    });
    for lane in &runs.lanes {
        lane.finish();
    }
    told.end(started.elapsed())
}

/// Where one lane serves whatever a scenario wants, it serves what the other's operator comes with.
fn serve_alike(cases: &mut [Case], lanes: &[Arc<dyn Lane>; 2]) {
    if let (Some(served), None) | (None, Some(served)) = (lanes[0].serves(), lanes[1].serves()) {
        for case in cases {
            case.eso.serves.retain(|version| served.contains(version));
        }
    }
}

fn reports(files: &[ReportFile]) -> Result<Vec<Box<dyn Report>>, Error> {
    let mut reports: Vec<Box<dyn Report>> =
        vec![Box::new(Terminal::new(anstream::stdout(), width()))];
    for ReportFile { kind, path } in files {
        let file = File::create(path).map_err(|source| Error::File {
            action: "write",
            path: path.clone(),
            source,
        })?;
        let out = BufWriter::new(file);
        reports.push(match kind {
            ReportKind::JUnit => Box::new(JUnit::new(out)),
            ReportKind::Json => Box::new(JsonLines::new(out)),
        });
    }
    Ok(reports)
}

fn width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0);
    usize::from(columns.or_else(terminal).unwrap_or(WIDTH))
}

/// One run of a scenario.
struct Run {
    observation: Observation,
    took: Duration,
}

/// The runs of all scenarios on both lanes: the two of a scenario one after the other.
struct Runs<'a> {
    cases: &'a [Case],
    lanes: [Arc<dyn Lane>; 2],
    options: Options,
    next: AtomicUsize,
}

impl Runs<'_> {
    /// One thread's work: the next run, until there is none.
    fn work(&self, ended: &Sender<(usize, Run)>) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let lane = self.lanes.get(index % 2);
            let Some((case, lane)) = self.cases.get(index / 2).zip(lane) else {
                return;
            };
            // The receiver outlives its senders.
            let _ = ended.send((index, self.run(case, lane)));
        }
    }

    fn run(&self, case: &Case, lane: &Arc<dyn Lane>) -> Run {
        let observed = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&observed);
        let options = Options {
            lane: Arc::clone(lane),
            observe: Some(Arc::new(move |_, observation| {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(observation);
            })),
            interrupt: self.options.interrupt.clone(),
            version: self.options.version.clone(),
            audit: None,
            keep: None,
            stay: None,
            ..self.options
        };
        let mut heard = Heard::default();
        rotaproof_runner::run(std::slice::from_ref(case), &options, &mut heard);
        let mut observation = observed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_else(|| Observation::of_nothing(heard.verdict, None));
        observation.findings = heard.findings;
        Run {
            observation,
            took: Duration::from_micros(heard.took_us),
        }
    }
}

/// What a run tells besides its observation.
struct Heard {
    verdict: Verdict,
    findings: Vec<String>,
    took_us: u64,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            verdict: Verdict::Interrupted,
            findings: Vec::new(),
            took_us: 0,
        }
    }
}

impl Listener for Heard {
    fn record(&mut self, record: &Record) {
        match &record.event {
            Event::Finding {
                manifest, finding, ..
            } => self.findings.push(format!("{manifest}: {finding}")),
            Event::ScenarioFinished {
                verdict,
                wall_took_us,
                ..
            } => {
                self.verdict = *verdict;
                self.took_us = *wall_took_us;
            }
            _ => {}
        }
    }
}

/// What is told, and to whom.
struct Told<'a> {
    plan: &'a Plan,
    rules: &'a Rules,
    reports: Vec<Box<dyn Report>>,
    progress: Progress,
    totals: Totals,
    failed: Option<std::io::Error>,
}

impl Told<'_> {
    fn each(&mut self, mut tell: impl FnMut(&mut dyn Report, &Plan) -> std::io::Result<()>) {
        for report in &mut self.reports {
            let told = self.progress.suspend(|| tell(report.as_mut(), self.plan));
            if let Err(error) = told {
                self.failed.get_or_insert(error);
            }
        }
    }

    /// Tells each scenario in its turn, once both its runs have ended.
    fn pair_up(&mut self, cases: &[Case], ended: &Receiver<(usize, Run)>) {
        let mut runs: Vec<Option<Run>> = (0..cases.len() * 2).map(|_| None).collect();
        let mut turn = 0;
        while let Ok((index, run)) = ended.recv() {
            self.progress.advance();
            if let Some(slot) = runs.get_mut(index) {
                *slot = Some(run);
            }
            while let Some(case) = cases.get(turn)
                && let Some([left, right]) = runs.get_mut(turn * 2..turn * 2 + 2)
                && left.is_some()
                && right.is_some()
            {
                if let (Some(left), Some(right)) = (left.take(), right.take()) {
                    self.compare(case, left, right);
                }
                turn += 1;
            }
        }
    }

    fn compare(&mut self, case: &Case, left: Run, right: Run) {
        let mut alone = format!("rotaproof run {}", case.file.display());
        if !case.matrix.is_empty() {
            alone.push_str(&format!(" --filter '{}'", case.title));
        }
        let Plan { seed, refresh, .. } = self.plan;
        alone.push_str(&format!(" --seed {seed} --refresh {refresh}"));
        let pair = Pair {
            title: case.title.clone(),
            file: case.file.display().to_string(),
            alone,
            left: left.observation,
            right: right.observation,
            took: left.took + right.took,
        };
        let compared = Compared::of(&pair, self.rules);
        self.totals.add(&compared);
        self.each(|report, plan| report.compared(plan, &compared));
    }

    fn end(mut self, took: Duration) -> Result<ExitStatus, Error> {
        self.progress.clear();
        let totals = std::mem::take(&mut self.totals);
        self.each(|report, plan| report.end(plan, &totals, took));
        match self.failed {
            Some(error) => Err(Error::Output(error)),
            None => Ok(ExitStatus::of_code(totals.exit_code())),
        }
    }
}
