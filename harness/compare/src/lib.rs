//! What differs between two runs of a scenario.
//!
//! An [`Observation`] becomes facts: sequences of lines, by subject and aspect (`facts`). The rules reduce them to what
//! must be equal (`rules`, the one place where anything is left out). What remains is aligned (`diff`) and told: to a
//! terminal (`render`), as JSON lines, as JUnit.

mod diff;
mod facts;
mod json_lines;
mod junit;
mod render;
mod rules;

use std::io;
use std::time::Duration;

use rotaproof_events::{Observation, Verdict};
use serde::Serialize;

pub use diff::{Aspect, Row, Subject};
pub use json_lines::JsonLines;
pub use junit::JUnit;
pub use render::Terminal;
pub use rules::{Hidden, Rule, Rules};

/// What is compared, and how.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The program's version.
    pub version: String,
    /// The lane of the left column, as the user named it.
    pub left: String,
    /// The lane of the right column.
    pub right: String,
    /// The seed of both runs.
    pub seed: u64,
    /// What longer refresh intervals become on both lanes: `2s`, or `manifest` where they stay as written.
    pub refresh: String,
    /// How many scenarios.
    pub scenarios: usize,
}

/// A scenario's two runs.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The scenario's title.
    pub title: String,
    /// Its file, as the user named it.
    pub file: String,
    /// What runs it alone, but for the lane: `rotaproof run FILE --seed 7 --refresh 2s`.
    pub alone: String,
    /// What was seen on the left lane.
    pub left: Observation,
    /// What was seen on the right lane.
    pub right: Observation,
    /// Machine time of both runs.
    pub took: Duration,
}

/// A scenario's two runs, compared.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// The scenario's title.
    pub title: String,
    /// Its file, as the user named it.
    pub file: String,
    /// What runs it alone, but for the lane.
    pub alone: String,
    /// How the left run ended.
    pub left: Verdict,
    /// How the right run ended.
    pub right: Verdict,
    /// What differs; empty where nothing does.
    pub subjects: Vec<Subject>,
    /// How often each rule left something out.
    pub hidden: Hidden,
    /// Machine time of both runs, in microseconds.
    pub wall_took_us: u64,
}

impl Compared {
    /// Compares two runs by the rules.
    pub fn of(pair: &Pair, rules: &Rules) -> Self {
        let mut hidden = Hidden::default();
        let left = rules.reduce(&pair.left, &mut hidden);
        let right = rules.reduce(&pair.right, &mut hidden);
        let mut subjects = diff::subjects(&left, &right);
        if ![&pair.left, &pair.right]
            .into_iter()
            .all(|run| ended(run.verdict))
        {
            // Of a run that was cut short nothing else tells anything.
            subjects.retain(|subject| subject.name == facts::SCENARIO);
        }
        Self {
            title: pair.title.clone(),
            file: pair.file.clone(),
            alone: pair.alone.clone(),
            left: pair.left.verdict,
            right: pair.right.verdict,
            subjects,
            hidden,
            wall_took_us: u64::try_from(pair.took.as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// How many aspects differ.
    pub fn differences(&self) -> usize {
        self.subjects.iter().map(|one| one.aspects.len()).sum()
    }

    /// Whether both runs ended by themselves, so that there is something to compare.
    pub fn is_whole(&self) -> bool {
        ended(self.left) && ended(self.right)
    }
}

/// Whether a run ended by itself.
fn ended(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Passed | Verdict::Failed)
}

/// How many scenarios were found how.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Nothing differs.
    pub equal: usize,
    /// Something differs.
    pub different: usize,
    /// A run did not end by itself.
    pub broken: usize,
    /// The user interrupted a run.
    pub interrupted: usize,
    /// Aspects that differ.
    pub differences: usize,
    /// How often each rule left something out.
    pub hidden: Hidden,
}

impl Totals {
    /// Counts one more scenario.
    pub fn add(&mut self, compared: &Compared) {
        let interrupted = [compared.left, compared.right].contains(&Verdict::Interrupted);
        *match compared.differences() {
            _ if interrupted => &mut self.interrupted,
            _ if !compared.is_whole() => &mut self.broken,
            0 => &mut self.equal,
            _ => &mut self.different,
        } += 1;
        self.differences += compared.differences();
        self.hidden.add(&compared.hidden);
    }

    /// The exit code: 130, 3, 1 or 0, the worst first.
    pub fn exit_code(&self) -> u8 {
        match self {
            totals if totals.interrupted > 0 => 130,
            totals if totals.broken > 0 => 3,
            totals if totals.different > 0 => 1,
            _ => 0,
        }
    }
}

/// Takes a comparison in order: the plan, each scenario, the totals.
pub trait Report {
    /// The comparison begins.
    fn begin(&mut self, plan: &Plan) -> io::Result<()>;

    /// A scenario has been compared.
    fn compared(&mut self, plan: &Plan, compared: &Compared) -> io::Result<()>;

    /// The comparison has ended.
    fn end(&mut self, plan: &Plan, totals: &Totals, took: Duration) -> io::Result<()>;
}
