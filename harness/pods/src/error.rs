//! Why the node could not start, or a workload not be dressed.

use std::io;

/// Why the node could not start, or a workload not be dressed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of the pods' files could not be made.
    #[error("the pods' files have no place: {0}")]
    Folder(io::Error),
    /// It says something unreadable about how long it runs.
    #[error("{0}")]
    Annotation(String),
}
