//! What a resolution tells while it works.

use std::path::PathBuf;

use crate::Version;

/// What is being done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another run is pulling the same version; this one waits for it.
    Waiting(Version),
    /// Bytes arrive. Told for every piece of the body: redraw at your own pace.
    Downloading {
        /// What: `external-secrets 2.9.0`, `the CRDs of 2.9.0`.
        what: String,
        /// Bytes that are here, those of an earlier run included.
        done: u64,
        /// Bytes in all, where that is known.
        total: Option<u64>,
    },
    /// A download broke off and goes on where it was.
    Resuming {
        /// What.
        what: String,
        /// Why it broke off.
        reason: String,
    },
    /// The program is being taken out of the image's layers.
    Unpacking(Version),
    /// What the cache has is not what was put there; it is fetched again.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Where progress goes.
pub(crate) type Tell<'a> = &'a (dyn Fn(Progress) + Send + Sync);
