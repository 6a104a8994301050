//! Why the node could not start.

use std::io;
use std::path::PathBuf;

/// Why the node could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of the pods' files could not be made.
    #[error("cannot make the folder of the pods' files {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
