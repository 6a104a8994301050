//! The running executable, to be started once more.

use std::io;
use std::path::{Path, PathBuf};

/// The running executable, even where its file was replaced meanwhile (by a build).
///
/// # Errors
/// Where the system does not say what runs.
pub fn own_executable() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() || std::fs::symlink_metadata(running).is_ok() {
        return Ok(running.to_owned());
    }
    std::env::current_exe()
}
