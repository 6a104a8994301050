//! Why the node could not start.

use std::io;

/// Why the node could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of the pods' files could not be made.
    #[error("the pods' files have no place: {0}")]
    Folder(io::Error),
}
