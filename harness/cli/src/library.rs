//! rotaproof inside somebody's own `cargo test`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rotaproof_cluster::Embedded;
use rotaproof_events::{Record, Verdict};
use rotaproof_report::{Progress, Report, Terminal};
use rotaproof_runner::{Listener, Options};
use tokio_util::sync::CancellationToken;

/// How a run of scenario files ended.
pub struct Outcome {
    /// What `rotaproof run` would have printed, without colours.
    pub text: String,
    /// Every event.
    pub records: Vec<Record>,
    /// Whether every scenario passed.
    pub passed: bool,
}

/// Runs every case of one scenario file on the embedded lane.
///
/// # Errors
/// The rendered diagnostics, where the file is wrong.
pub fn run_file(path: &Path, seed: u64) -> Result<Outcome, String> {
    let cases = rotaproof_scenario::load(path).map_err(|diagnostics| diagnostics.render(false))?;
    let options = Options {
        lane: Arc::new(Embedded),
        seed,
        jobs: 1,
        fail_fast: false,
        timeout: Duration::from_secs(300),
        interrupt: CancellationToken::new(),
        version: env!("CARGO_PKG_VERSION").into(),
        audit: None,
    };
    let mut heard = Heard {
        terminal: Terminal::new(Vec::new(), Progress::none()),
        records: Vec::new(),
    };
    let counts = rotaproof_runner::run(&cases, &options, &mut heard);
    let text = String::from_utf8_lossy(heard.terminal.written()).into_owned();
    Ok(Outcome {
        text: anstream::adapter::strip_str(&text).to_string(),
        records: heard.records,
        passed: counts.exit_code() == 0,
    })
}

/// Panics with the report unless every case of the scenario file passes: the body of a `#[test]`.
///
/// ```no_run
/// #[test]
/// fn rotated_credentials_reach_our_jobs() {
///     rotaproof::test_scenarios("tests/rotation.scenario.yaml".as_ref());
/// }
/// ```
///
/// # Panics
/// When a case does not pass or the file is wrong; that is how a test fails.
#[expect(clippy::panic, reason = "a failing test is a panic")]
pub fn test_scenarios(path: &Path) {
    match run_file(path, 1) {
        Ok(outcome) if outcome.passed => {}
        Ok(outcome) => panic!("\n{}", outcome.text),
        Err(diagnostics) => panic!("\n{diagnostics}"),
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
            rotaproof_events::Event::ScenarioFinished { verdict, .. } => Some(verdict),
            _ => None,
        })
    }
}
