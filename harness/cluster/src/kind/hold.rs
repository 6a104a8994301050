//! Whose a cluster is: a lock per cluster name, which dies with the process that holds it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use crate::Error;

const PART: &str = "the kind cluster";

/// The folder of the locks: one per user.
fn folder() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("rotaproof.clusters-{user}"))
}

/// A cluster that is this process'.
pub(super) struct Hold {
    name: String,
    lock: File,
}

impl Hold {
    /// Takes the cluster of this name, whether it exists or not.
    ///
    /// # Errors
    /// Where another process has it.
    pub(super) fn take(name: &str) -> Result<Self, Error> {
        let folder = folder();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&folder).map_err(Error::starting(PART))?;
        let path = folder.join(format!("{name}.lock"));
        let lock = open(&path).map_err(Error::starting(PART))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                name: name.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error {
                next: Some("wait for it to end, or give another name".into()),
                ..Error::starting(PART)(format!("another run uses the cluster {name}"))
            }),
            Err(TryLockError::Error(error)) => Err(Error::starting(PART)(error)),
        }
    }

    /// The cluster's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The cluster stays when this process ends: nothing sweeps it.
    pub(super) fn keep(&self) -> Result<(), Error> {
        io::Write::write_all(&mut &self.lock, b"kept\n").map_err(Error::starting(PART))
    }

    /// The cluster is gone, and so is its lock.
    pub(super) fn forget(self) {
        // A lock that stays is swept by the next run.
        let _ = fs::remove_file(folder().join(format!("{}.lock", self.name)));
    }
}

/// The clusters that nobody has and nobody wants to keep, each taken.
pub(super) fn abandoned() -> Vec<Hold> {
    let entries = fs::read_dir(folder()).into_iter().flatten().flatten();
    let holds = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let name = name.strip_suffix(".lock")?;
        let hold = Hold::take(name).ok()?;
        let kept = fs::read_to_string(entry.path()).is_ok_and(|text| text.starts_with("kept"));
        (!kept).then_some(hold)
    });
    holds.collect()
}

/// The further clusters of a run that kept its first one under this name.
pub(super) fn further(first: &str) -> Vec<String> {
    let entries = fs::read_dir(folder()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let name = name.strip_suffix(".lock")?;
        let number = name.strip_prefix(first)?.strip_prefix('-')?;
        number.parse::<usize>().ok().map(|_| name.to_owned())
    });
    names.collect()
}

fn open(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_one_user_and_only_one_that_is_not_kept_is_abandoned() {
        let name = |what: &str| format!("test-{what}-{}", std::process::id());
        let (held, left, kept) = (name("held"), name("left"), name("kept"));
        let hold = Hold::take(&held).unwrap();
        assert!(Hold::take(&held).is_err());
        drop(Hold::take(&left).unwrap());
        let keep = Hold::take(&kept).unwrap();
        keep.keep().unwrap();
        drop(keep);
        let abandoned = abandoned();
        let names: Vec<&str> = abandoned.iter().map(Hold::name).collect();
        assert!(names.contains(&left.as_str()));
        assert!(!names.contains(&held.as_str()) && !names.contains(&kept.as_str()));
        hold.forget();
        for hold in abandoned {
            if hold.name() == left {
                hold.forget();
            }
        }
        Hold::take(&kept).unwrap().forget();
        assert!(!folder().join(format!("{left}.lock")).exists());
    }
}
