//! Whose a cluster is: a lock per cluster name, which dies with the process that holds it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::Error;

const PART: &str = "the kind cluster";
/// What the lock of a cluster says that stays.
const KEPT: &str = "kept\n";
/// The same, where it stays as a scenario left it.
const KEPT_AS_LEFT: &str = "kept as a scenario left it\n";

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
        self.say(KEPT).map_err(Error::starting(PART))
    }

    /// The cluster stays as a scenario left it, and its kubeconfig with it; answers where that is.
    pub(super) fn keep_as_left(&self, kubeconfig: &Path) -> Result<PathBuf, Error> {
        let own = self.kubeconfig();
        // Its mode is copied too: it is the user's alone.
        fs::copy(kubeconfig, &own)
            .and_then(|_| self.say(KEPT_AS_LEFT))
            .map_err(Error::starting(PART))?;
        Ok(own)
    }

    /// Whether the cluster is as a scenario left it that an earlier run kept.
    pub(super) fn is_as_left(&self) -> bool {
        fs::read_to_string(self.file("lock")).is_ok_and(|text| text == KEPT_AS_LEFT)
    }

    fn say(&self, what: &str) -> io::Result<()> {
        self.lock.set_len(0)?;
        self.lock.write_all_at(what.as_bytes(), 0)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    fn file(&self, kind: &str) -> PathBuf {
        folder().join(format!("{}.{kind}", self.name))
    }

    /// The cluster is gone, and so is its lock.
    pub(super) fn forget(self) {
        // A lock that stays is swept by the next run.
        let _ = fs::remove_file(self.kubeconfig());
        let _ = fs::remove_file(self.file("lock"));
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
    fn a_cluster_that_stays_as_a_scenario_left_it_has_a_kubeconfig_until_it_is_forgotten() {
        let name = format!("test-as-left-{}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, "a server").unwrap();
        let hold = Hold::take(&name).unwrap();
        let kept = hold.keep_as_left(&kubeconfig).unwrap();
        drop(hold);
        assert!(abandoned().iter().all(|hold| hold.name() != name));
        let again = Hold::take(&name).unwrap();
        assert!(again.is_as_left());
        assert_eq!(fs::read_to_string(&kept).unwrap(), "a server");
        again.keep().unwrap();
        assert!(!again.is_as_left(), "it is another cluster by then");
        again.forget();
        assert!(!kept.exists());
    }

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
