//! What ends a command early, its one rendering, and the exit codes.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use rotaproof_scenario::Diagnostics;

/// The public table of exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: everything held.
    Passed,
    /// 1: an expectation failed.
    Failed,
    /// 2: the scenario or the command line is wrong.
    Wrong,
    /// 3: the environment failed.
    Environment,
    /// 130: the user interrupted.
    Interrupted,
}

impl ExitStatus {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Wrong => 2,
            Self::Environment => 3,
            Self::Interrupted => 130,
        }
    }
}

impl ExitStatus {
    /// Of a run's worst verdict, as the counts tell it.
    pub(crate) fn of_code(code: u8) -> Self {
        match code {
            0 => Self::Passed,
            1 => Self::Failed,
            130 => Self::Interrupted,
            _ => Self::Environment,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Scenario files are wrong.
    #[error("the scenario files are wrong")]
    Scenarios(Diagnostics),
    /// The command line asks for something that is not there.
    #[error("{0}")]
    Usage(String),
    /// A lab cannot be had, or not be acted upon.
    #[error("{0}")]
    Lab(#[from] rotaproof_lab::Error),
    /// The operator's release cannot be had.
    #[error("{0}")]
    Release(#[from] rotaproof_releases::Error),
    /// A lane's cluster cannot be had, or not be removed.
    #[error("{0}")]
    Cluster(#[source] rotaproof_cluster::Error),
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
}

impl Error {
    /// Prints it on standard error.
    pub(crate) fn print(&self) {
        let mut err = anstream::stderr();
        // Nothing can be told where standard error is closed.
        let _ = match self {
            Self::Scenarios(diagnostics) => writeln!(err, "{}", diagnostics.render(true)),
            other => writeln!(err, "error: {other}"),
        };
    }
}

impl From<&Error> for ExitStatus {
    fn from(error: &Error) -> Self {
        match error {
            Error::Scenarios(_) | Error::Usage(_) => Self::Wrong,
            Error::Lab(rotaproof_lab::Error::Usage(_)) => Self::Wrong,
            Error::Release(rotaproof_releases::Error::Cancelled) => Self::Interrupted,
            Error::Lab(_) | Error::Release(_) | Error::Cluster(_) => Self::Environment,
            Error::File { .. } | Error::Output(_) => Self::Environment,
        }
    }
}
