//! A failure as data: what happened, where, expected and actual, and what to do next.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a scenario file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The file, as the user named it.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What sort of failure it is; decides the exit code and JUnit's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// An expectation did not hold, or a step was refused that should have worked.
    Expectation,
    /// The environment failed.
    Environment,
}

/// Why a scenario did not pass.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// The step.
    pub location: Location,
    /// The step's source line.
    pub source: String,
    /// What happened, in one sentence.
    pub what: String,
    /// What should have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// What to do next.
    pub next: Vec<String>,
    /// What explains it: conditions, events, journal lines.
    pub evidence: Vec<Evidence>,
    /// The command that runs this scenario alone with the same seed.
    pub reproduce: String,
}

/// Lines from one source that explain a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `Events of ExternalSecret notebook-validation/aws-credentials`.
    pub title: String,
    /// The lines, oldest first.
    pub lines: Vec<String>,
}
