//! Whose a cluster is: a lock per cluster name, which dies with the process that holds it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
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
    folder: PathBuf,
    name: String,
    lock: File,
}

impl Hold {
    /// Takes the cluster of this name, whether it exists or not.
    ///
    /// # Errors
    /// Where another process has it.
    pub(super) fn take(name: &str) -> Result<Self, Error> {
        Self::take_in(folder(), name)
    }

    fn take_in(folder: PathBuf, name: &str) -> Result<Self, Error> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&folder).map_err(Error::starting(PART))?;
        let path = folder.join(format!("{name}.lock"));
        loop {
            let lock = open(&path, true).map_err(Error::starting(PART))?;
            match lock.try_lock() {
                Ok(()) if is_at(&lock, &path) => {
                    return Ok(Self {
                        folder,
                        name: name.to_owned(),
                        lock,
                    });
                }
                // Whoever had it has forgotten it in between.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error {
                        next: Some("wait for it to end, or give another name".into()),
                        ..Error::starting(PART)(format!("another run uses the cluster {name}"))
                    });
                }
                Err(TryLockError::Error(error)) => return Err(Error::starting(PART)(error)),
            }
        }
    }

    /// Takes the cluster that has a lock of this name, where nobody has it or wants to keep it.
    fn take_abandoned(folder: &Path, name: &str) -> Option<Self> {
        let path = folder.join(format!("{name}.lock"));
        // Before it is taken: one that is kept may be wanted at this very moment.
        if is_kept(&path) {
            return None;
        }
        let lock = open(&path, false).ok()?;
        lock.try_lock().ok()?;
        (is_at(&lock, &path) && !is_kept(&path)).then(|| Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            lock,
        })
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
        self.folder.join(format!("{}.{kind}", self.name))
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
    abandoned_in(&folder())
}

fn abandoned_in(folder: &Path) -> Vec<Hold> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let holds = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Hold::take_abandoned(folder, name.strip_suffix(".lock")?)
    });
    holds.collect()
}

fn is_kept(lock: &Path) -> bool {
    fs::read_to_string(lock).is_ok_and(|text| text.starts_with("kept"))
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

/// Whether the file is the one at this path still.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (own, there) = (file.metadata(), fs::metadata(path));
    own.is_ok_and(|own| there.is_ok_and(|there| identity(own) == identity(there)))
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of locks that no other test sees.
    struct Locks(tempfile::TempDir);

    impl Locks {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn take(&self, name: &str) -> Result<Hold, Error> {
            Hold::take_in(self.0.path().to_owned(), name)
        }

        fn abandoned(&self) -> Vec<Hold> {
            abandoned_in(self.0.path())
        }
    }

    #[test]
    fn a_cluster_that_stays_as_a_scenario_left_it_has_a_kubeconfig_until_it_is_forgotten() {
        let locks = Locks::new();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, "a server").unwrap();
        let hold = locks.take("left").unwrap();
        let kept = hold.keep_as_left(&kubeconfig).unwrap();
        drop(hold);
        assert!(locks.abandoned().is_empty());
        let again = locks.take("left").unwrap();
        assert!(again.is_as_left());
        assert_eq!(fs::read_to_string(&kept).unwrap(), "a server");
        again.keep().unwrap();
        assert!(!again.is_as_left(), "it is another cluster by then");
        again.forget();
        assert!(!kept.exists());
    }

    #[test]
    fn a_cluster_has_one_user_and_only_one_that_is_not_kept_is_abandoned() {
        let locks = Locks::new();
        let _held = locks.take("held").unwrap();
        assert!(locks.take("held").is_err());
        drop(locks.take("left").unwrap());
        let kept = locks.take("kept").unwrap();
        kept.keep().unwrap();
        drop(kept);
        let abandoned = locks.abandoned();
        let names: Vec<&str> = abandoned.iter().map(Hold::name).collect();
        assert_eq!(names, ["left"]);
        for hold in abandoned {
            hold.forget();
        }
        assert!(locks.abandoned().is_empty());
    }

    #[test]
    fn a_lock_that_was_forgotten_is_neither_made_again_nor_taken_for_the_next_one() {
        let locks = Locks::new();
        let folder = locks.0.path();
        let hold = locks.take("a").unwrap();
        let path = folder.join("a.lock");
        let old = open(&path, false).unwrap();
        hold.forget();
        assert!(Hold::take_abandoned(folder, "a").is_none());
        assert!(!path.exists());
        let _next = locks.take("a").unwrap();
        assert!(old.try_lock().is_ok() && !is_at(&old, &path));
    }
}
