//! The folder of a run: in memory where the system has a place for that, as the kubelet keeps Secrets on tmpfs.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::RunId;

const PREFIX: &str = "rotaproof-";

/// A folder that only its owner may enter, removed when dropped.
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Where folders are made: `/dev/shm` where it exists, else the temp folder.
    pub fn parent() -> PathBuf {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        }
    }

    /// Makes `rotaproof-<run id>-<pid>`; a second one of the same run and process gets `-2`, and so on.
    ///
    /// # Errors
    /// Where it cannot be made; the error names the path.
    pub fn create(run_id: &RunId) -> io::Result<Self> {
        let name = format!("{PREFIX}{run_id}-{}", std::process::id());
        let mut path = Self::parent().join(&name);
        let mut number = 1;
        loop {
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number += 1;
                    path = Self::parent().join(format!("{name}-{number}"));
                }
                Err(error) => {
                    let message = format!("cannot make {}: {error}", path.display());
                    return Err(io::Error::new(error.kind(), message));
                }
            }
        }
    }

    /// The folders of runs whose process is gone.
    pub fn left_behind() -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(Self::parent()) else {
            return Vec::new();
        };
        let dead = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            name.to_str()
                .and_then(process_of)
                .is_some_and(|process| !is_alive(process))
        };
        entries
            .flatten()
            .filter(dead)
            .map(|entry| entry.path())
            .collect()
    }

    /// Removes the folders of runs whose process is gone, and says how many. Call it at start-up.
    pub fn sweep() -> usize {
        Self::left_behind()
            .iter()
            .filter(|folder| fs::remove_dir_all(folder).is_ok())
            .count()
    }

    /// Whether a process of this run lives: one that has a folder.
    pub fn is_of_a_living_run(run: &str) -> bool {
        let entries = fs::read_dir(Self::parent()).into_iter().flatten().flatten();
        let prefix = format!("{PREFIX}{run}-");
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.any(|name| name.starts_with(&prefix) && process_of(&name).is_some_and(is_alive))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(folder = %self.0.display(), %error, "cannot remove a run's folder");
        }
    }
}

/// The process in `rotaproof-<run id>-<pid>` or `rotaproof-<run id>-<pid>-<n>`.
fn process_of(name: &str) -> Option<u32> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let run = parts.next()?;
    let process = parts.next()?.parse().ok()?;
    let number_is_sound = parts.next().is_none_or(|n| n.parse::<u32>().is_ok());
    (!run.is_empty() && number_is_sound && parts.next().is_none()).then_some(process)
}

fn is_alive(process: u32) -> bool {
    if Path::new("/proc/self").exists() {
        return Path::new("/proc").join(process.to_string()).exists();
    }
    // Without procfs (macOS): ps exits with 1 for an unknown process. In doubt it is alive.
    std::process::Command::new("ps")
        .args(["-p", &process.to_string()])
        .output()
        .map_or(true, |output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("rotaproof-k3f9x2ab-4711", Some(4711))]
    #[case("rotaproof-k3f9x2ab-4711-2", Some(4711))]
    #[case("rotaproof-k3f9x2ab", None)]
    #[case("rotaproof--4711", None)]
    #[case("rotaproof-k3f9x2ab-4711-2-3", None)]
    #[case("rotaproof-k3f9x2ab-4711x", None)]
    #[case("other-k3f9x2ab-4711", None)]
    fn only_folders_of_runs_name_a_process(#[case] name: &str, #[case] process: Option<u32>) {
        assert_eq!(process_of(name), process);
    }

    #[test]
    fn the_folder_of_a_dead_run_is_swept_and_that_of_a_living_one_is_not() {
        let parent = RunFolder::parent();
        // A process that has ended and was waited for: its number is free.
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = parent.join(format!("rotaproof-sweeptst-{}", child.id()));
        child.wait().unwrap();
        let alive = parent.join(format!("rotaproof-sweeptst-{}", std::process::id()));
        for folder in [&dead, &alive] {
            std::fs::create_dir_all(folder.join("x")).unwrap();
        }
        assert!(RunFolder::is_of_a_living_run("sweeptst"));
        assert!(RunFolder::sweep() >= 1);
        assert!(!dead.exists() && alive.exists());
        std::fs::remove_dir_all(alive).unwrap();
        assert!(!RunFolder::is_of_a_living_run("sweeptst"));
    }
}
