//! Where a lab keeps its files, and the lock that says whether it is up.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::{Error, private};

/// A lab's name: what a folder can be called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The variable that says which lab a command means.
    pub const VARIABLE: &'static str = "ROTAPROOF_LAB";
}

impl Default for Name {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        match (1..=40).contains(&text.len()) && text.chars().all(sound) {
            true => Ok(Self(text.to_owned())),
            false => Err("expected up to 40 letters, digits, `-` and `_`".to_owned()),
        }
    }
}

/// The folder of one lab.
#[derive(Clone, Debug)]
pub struct Place {
    name: Name,
    folder: PathBuf,
}

impl Place {
    /// The variable that says where labs keep their files.
    pub const STATE: &'static str = "ROTAPROOF_STATE";

    /// The folder of all labs: `$ROTAPROOF_STATE`, else `rotaproof` in the user's state folder (XDG).
    ///
    /// # Errors
    /// Where neither it nor `HOME` is set.
    pub fn root() -> Result<PathBuf, Error> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(folder) = variable(Self::STATE) {
            let folder = PathBuf::from(folder);
            return std::path::absolute(&folder).map_err(Error::file("find", &folder));
        }
        // The XDG Base Directory Specification: a relative path is invalid, and ignored.
        let absolute = |name| {
            variable(name)
                .map(PathBuf::from)
                .filter(|it| it.is_absolute())
        };
        let state = absolute("XDG_STATE_HOME");
        let state = state.or_else(|| Some(absolute("HOME")?.join(".local/state")));
        let state = state.ok_or_else(|| {
            Error::Environment(format!(
                "there is no place for the lab's files: neither {} nor HOME is set",
                Self::STATE
            ))
        })?;
        Ok(state.join("rotaproof"))
    }

    /// The place of the lab of this name; nothing is made yet.
    ///
    /// # Errors
    /// As [`Place::root`].
    pub fn of(name: Name) -> Result<Self, Error> {
        let folder = Self::root()?.join(name.to_string());
        Ok(Self { name, folder })
    }

    /// The lab's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where the output of a lab goes that is a process of its own: beside its folder, which it outlives.
    ///
    /// # Errors
    /// Where the folder of all labs cannot be made.
    pub fn log(&self) -> Result<PathBuf, Error> {
        let root = self.folder.parent().unwrap_or(&self.folder);
        private::folder(root)?;
        Ok(root.join(format!("{}.log", self.name)))
    }

    /// Removes the log, where it says nothing.
    fn drop_silent_log(&self) {
        let Ok(log) = self.log() else { return };
        if std::fs::metadata(&log).is_ok_and(|log| log.len() == 0) {
            let _ = std::fs::remove_file(log);
        }
    }

    fn lock_file(&self) -> PathBuf {
        self.file("lock")
    }

    /// Becomes the lab of this name: takes the lock, and removes what a killed lab left.
    ///
    /// # Errors
    /// [`Error::Usage`] where the lab is up.
    pub fn hold(self) -> Result<Held, Error> {
        let path = self.lock_file();
        loop {
            private::folder(&self.folder)?;
            let lock = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)
                .map_err(Error::file("open", &path))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Usage(format!(
                        "a lab named `{0}` is up already: `rotaproof status --name {0}` shows it, \
                         `rotaproof down --name {0}` ends it, `--name` starts another one",
                        self.name
                    )));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(Error::file("lock", &path)(error));
                }
            }
            // Whoever held it before may have removed the folder between our two steps.
            if same_file(&lock, &path) {
                let held = Held {
                    place: self,
                    _lock: lock,
                };
                held.clear()?;
                return Ok(held);
            }
        }
    }

    /// Whether the folder is a lab's.
    pub(crate) fn was_a_lab(&self) -> bool {
        self.lock_file().is_file()
    }

    /// Waits until no process holds the lock.
    pub(crate) async fn wait_until_free(&self) -> Result<(), Error> {
        let path = self.lock_file();
        let waited = tokio::task::spawn_blocking(move || match File::open(&path) {
            Ok(lock) => lock.lock_shared().map_err(Error::file("lock", &path)),
            // Its folder is the last that a lab removes.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::file("open", &path)(error)),
        });
        let waited = waited.await;
        waited.map_err(|error| Error::Environment(error.to_string()))?
    }

    /// Whether a process holds the lock.
    pub fn is_up(&self) -> bool {
        let Ok(lock) = File::open(self.lock_file()) else {
            return false;
        };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

fn same_file(open: &File, path: &Path) -> bool {
    let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, there) = (open.metadata().map(id), std::fs::metadata(path).map(id));
    matches!((open, there), (Ok(open), Ok(there)) if open == there)
}

/// A place whose lock this process holds, until it ends however it ends. Dropping it removes the folder.
pub struct Held {
    place: Place,
    _lock: File,
}

impl Held {
    /// The place.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Removes all files but the lock.
    fn clear(&self) -> Result<(), Error> {
        let folder = &self.place.folder;
        let entries = std::fs::read_dir(folder).map_err(Error::file("read", folder))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_name() == "lock" {
                continue;
            }
            let removed = match path.is_dir() && !path.is_symlink() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            removed.map_err(Error::file("remove", &path))?;
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.place.drop_silent_log();
        if let Err(error) = std::fs::remove_dir_all(&self.place.folder) {
            tracing::warn!(%error, "cannot remove the lab's folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("default", true)]
    #[case("team_a-2", true)]
    #[case("", false)]
    #[case("..", false)]
    #[case("a/b", false)]
    #[case("a b", false)]
    fn a_name_is_what_a_folder_can_be_called(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Name>().is_ok(), good);
    }
}
