//! Why a lab cannot be had, or not be acted upon.

use std::io;
use std::path::{Path, PathBuf};

/// What ends a command on a lab early. Its text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command asks for something that is not there, or must not be (exit code 2).
    #[error("{0}")]
    Usage(String),
    /// The machine or the lab failed (exit code 3).
    #[error("{0}")]
    Environment(String),
    /// A file could not be had (exit code 3).
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What should have been done: `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it could not.
        source: io::Error,
    },
}

impl Error {
    /// `map_err(Error::file("write", path))`
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

impl From<rotaproof_cluster::Error> for Error {
    fn from(error: rotaproof_cluster::Error) -> Self {
        Self::Environment(error.to_string())
    }
}
