//! Scenario files inside somebody's own `cargo test`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use rotaproof_cluster::Embedded;
use rotaproof_events::{Event, Record, Verdict};
use rotaproof_report::{Progress, Report, Terminal};
use rotaproof_runner::{Listener, Options};
use rotaproof_scenario::{Case, Diagnostics};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ExitStatus};

/// Any, but always the same: a test that fails fails again.
const SEED: u64 = 1;

/// How a run of scenario files ended.
pub struct Outcome {
    /// What `rotaproof run` would have printed, without colours.
    pub text: String,
    /// Every event.
    pub records: Vec<Record>,
    /// Whether every scenario passed.
    pub passed: bool,
}

/// The `main` of a test target whose tests are scenario files: every `*.scenario.yaml` below `folder`, one test each, and
/// one per combination where it has a matrix. The path is relative to the package.
///
/// ```toml
/// # Cargo.toml
/// [[test]]
/// name = "scenarios"
/// harness = false
/// ```
/// ```no_run
/// // tests/scenarios.rs
/// fn main() -> std::process::ExitCode {
///     rotaproof::harness("scenarios")
/// }
/// ```
///
/// The target takes what every test target takes (a filter, `--exact`, `--list`, `--ignored`, `--test-threads`), runs its
/// tests side by side, and works with `cargo nextest`. A test is named by the file's path below `folder` without
/// `.scenario.yaml`, as in `aws/rotation` and `aws/rotation[strategy=staged]`. A failing test shows what
/// `rotaproof run` shows. A file that is wrong is a failing test, and a folder without scenarios is an error.
pub fn harness(folder: impl AsRef<Path>) -> ExitCode {
    let folder = folder.as_ref();
    let arguments = Arguments::from_args();
    match rotaproof_scenario::discover(&[folder.to_owned()]) {
        Ok(files) => {
            let trials = files.iter().flat_map(|file| trials(folder, file)).collect();
            libtest_mimic::run(&arguments, trials).exit_code()
        }
        // Not a failing test, which a filter could leave out.
        Err(diagnostics) => {
            Error::Scenarios(diagnostics).print();
            ExitStatus::Wrong.into()
        }
    }
}

/// The tests that a file makes.
fn trials(folder: &Path, file: &Path) -> Vec<Trial> {
    let below = file.strip_prefix(folder).unwrap_or(file);
    let below = below.display().to_string();
    let name = below
        .strip_suffix(".scenario.yaml")
        .unwrap_or(&below)
        .to_owned();
    match rotaproof_scenario::load(file) {
        Ok(cases) => cases.into_iter().map(|case| trial(&name, case)).collect(),
        Err(diagnostics) => vec![wrong(name, &diagnostics)],
    }
}

fn trial(name: &str, case: Case) -> Trial {
    let values: Vec<String> = case
        .matrix
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let name = match values.is_empty() {
        true => name.to_owned(),
        false => format!("{name}[{}]", values.join(",")),
    };
    Trial::test(name, move || {
        let outcome = run(std::slice::from_ref(&case), SEED);
        match outcome.passed {
            true => Ok(()),
            false => Err(outcome.text.into()),
        }
    })
}

fn wrong(name: String, diagnostics: &Diagnostics) -> Trial {
    let text = diagnostics.render(false);
    Trial::test(name, || Err(text.into()))
}

/// Panics with the report unless every case of a scenario file passes: the body of a `#[test]`. The path is relative to
/// the package. Where each file of a folder is to be a test, [`harness`] needs no further crate; under `rstest` it is
///
/// ```
/// # #[cfg(any())]
/// #[rstest::rstest]
/// fn scenario(#[files("scenarios/**/*.scenario.yaml")] path: std::path::PathBuf) {
///     rotaproof::test_scenarios(path);
/// }
/// ```
///
/// # Panics
/// When a case does not pass or the file is wrong; that is how a test fails.
#[expect(clippy::panic, reason = "a failing test is a panic")]
#[track_caller]
pub fn test_scenarios(path: impl AsRef<Path>) {
    match run_file(path.as_ref(), SEED) {
        Ok(outcome) if outcome.passed => {}
        Ok(outcome) => panic!("\n{}", outcome.text),
        Err(diagnostics) => panic!("\n{diagnostics}"),
    }
}

/// Runs every case of one scenario file on the embedded lane.
///
/// # Errors
/// The rendered diagnostics, where the file is wrong.
pub fn run_file(path: &Path, seed: u64) -> Result<Outcome, String> {
    let cases = rotaproof_scenario::load(path).map_err(|diagnostics| diagnostics.render(false))?;
    Ok(run(&cases, seed))
}

fn run(cases: &[Case], seed: u64) -> Outcome {
    let options = Options {
        lane: Arc::new(Embedded),
        seed,
        refresh: None,
        jobs: 1,
        fail_fast: false,
        timeout: Duration::from_secs(300),
        interrupt: CancellationToken::new(),
        version: env!("CARGO_PKG_VERSION").into(),
        audit: None,
        observe: None,
        keep: None,
        stay: None,
    };
    let mut heard = Heard {
        terminal: Terminal::new(Vec::new(), Progress::none()),
        records: Vec::new(),
    };
    let counts = rotaproof_runner::run(cases, &options, &mut heard);
    let text = String::from_utf8_lossy(heard.terminal.written()).into_owned();
    Outcome {
        text: anstream::adapter::strip_str(&text).to_string(),
        records: heard.records,
        passed: counts.exit_code() == 0,
    }
}

struct Heard {
    terminal: Terminal<Vec<u8>>,
    records: Vec<Record>,
}

impl Listener for Heard {
    fn record(&mut self, record: &Record) {
        // Writing to memory cannot fail.
        let _ = self.terminal.record(record);
        self.records.push(record.clone());
    }
}

impl Outcome {
    /// The verdicts of the cases, in order.
    pub fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.records.iter().filter_map(|record| match record.event {
            Event::ScenarioFinished { verdict, .. } => Some(verdict),
            _ => None,
        })
    }
}
