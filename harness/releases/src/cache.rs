//! The user's cache: a folder a version, written by one run at a time, read by all.
//!
//! ```text
//! <cache>/eso/2.9.0/external-secrets   the program
//! <cache>/eso/2.9.0/release.json       where it came from, and its digest
//! <cache>/eso/2.9.0/bundle.yaml        the CRDs
//! <cache>/eso/2.9.0/bundle.json        where they came from, and their digest
//! <cache>/eso/2.9.0/partial/           what is not whole yet; a later run goes on with it
//! <cache>/eso/parsed/<sha256>.json     CRDs as JSON, by the digest of the YAML
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::digest::Digest;
use crate::progress::{Progress, Tell};
use crate::{Error, Version};

/// The beginning of names of files that are being written.
const UNFINISHED: &str = ".unfinished-";

/// A version's folder.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    version: Version,
}

impl Folder {
    pub(crate) fn of(cache: &Path, version: &Version) -> Self {
        Self {
            path: cache.join("eso").join(version.to_string()),
            version: version.clone(),
        }
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.path.join("external-secrets")
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.path.join("release.json")
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.path.join("bundle.yaml")
    }

    pub(crate) fn bundle_record(&self) -> PathBuf {
        self.path.join("bundle.json")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        self.path.join("partial")
    }

    /// Waits until no other run writes here. Ends with the lock's end, however the run ends.
    pub(crate) async fn lock(&self, tell: Tell<'_>) -> Result<Lock, Error> {
        make(&self.path)?;
        let path = self.path.join("lock");
        let failed = || Error::file("lock", &path);
        let file = File::create(&path).map_err(failed())?;
        let file = match file.try_lock() {
            Ok(()) => file,
            Err(TryLockError::Error(error)) => return Err(failed()(error)),
            Err(TryLockError::WouldBlock) => {
                tell(Progress::Waiting(self.version.clone()));
                wait_for(file).await.map_err(failed())?
            }
        };
        // What a killed run left half-written; nobody else writes now.
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(Lock { _file: file })
    }
}

/// Held until dropped.
pub(crate) struct Lock {
    _file: File,
}

/// Waits for the lock on a thread of its own: the call cannot be interrupted, the caller can.
async fn wait_for(file: File) -> io::Result<File> {
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("eso-cache-lock".into())
        .spawn(move || {
            let locked = file.lock().map(|()| file);
            // Where nobody waits any more, the lock ends here.
            let _ = send.send(locked);
        })?;
    receive.await.map_err(io::Error::other)?
}

/// Makes a folder, and those above it.
pub(crate) fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))
}

/// A file in the making, in the folder where it will be.
pub(crate) fn unfinished(folder: &Path) -> Result<NamedTempFile, Error> {
    tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)
        .map_err(Error::file("write in", folder))
}

/// Gives a finished file its name, in one step.
pub(crate) fn finish(file: NamedTempFile, path: &Path, mode: u32) -> Result<(), Error> {
    let written = || -> io::Result<()> {
        let permissions = fs::Permissions::from_mode(mode);
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()
    };
    written().map_err(Error::file("write", path))?;
    file.persist(path)
        .map_err(|error| Error::file("write", path)(error.error))?;
    Ok(())
}

/// Writes a small file in one step.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = unfinished(folder)?;
    file.write_all(bytes).map_err(Error::file("write", path))?;
    finish(file, path, 0o644)
}

/// Writes a record in one step.
pub(crate) fn write_record(path: &Path, record: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_vec_pretty(record)
        .map_err(|error| Error::file("write", path)(io::Error::other(error)))?;
    text.push(b'\n');
    write(path, &text)
}

/// Reads a record; `None` where there is none, or none that this version understands.
pub(crate) fn read_record<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// A file of the cache as it was put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    sha256: String,
    size: u64,
    /// Changes with every change of the file, whatever is done to its other times: while it stays, so does the digest.
    changed: (i64, i64),
    inode: u64,
}

impl Kept {
    /// The file as it is now, whose digest is known.
    pub(crate) fn new(path: &Path, digest: &Digest) -> Result<Self, Error> {
        let metadata = fs::metadata(path).map_err(Error::file("read", path))?;
        Ok(Self {
            sha256: digest.to_string(),
            size: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        })
    }

    /// Checks that the file is what was put there, by its digest where it may have changed since; what is to be
    /// recorded then, or the reason why it is not the same.
    pub(crate) fn check(&self, path: &Path) -> Result<Option<Self>, String> {
        let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        if (self.size, self.changed, self.inode) == (metadata.len(), changed, metadata.ino()) {
            return Ok(None);
        }
        let actual = Digest::of_file(path).map_err(|error| error.to_string())?;
        if actual.to_string() != self.sha256 {
            return Err(format!("it is {actual}, and was {}", self.sha256));
        }
        Ok(Some(Self {
            size: metadata.len(),
            changed,
            inode: metadata.ino(),
            sha256: self.sha256.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(_: Progress) {}

    fn folder(cache: &Path) -> Folder {
        Folder::of(cache, &"2.9.0".parse().unwrap())
    }

    #[tokio::test]
    async fn a_second_run_waits_for_the_first_and_says_so() {
        let cache = tempfile::tempdir().unwrap();
        let folder = folder(cache.path());
        let first = folder.lock(&silent).await.unwrap();
        let (told, mut waiting) = tokio::sync::mpsc::unbounded_channel();
        let tell = move |progress| told.send(progress).unwrap();
        let second = folder.lock(&tell);
        tokio::pin!(second);
        tokio::select! {
            biased;
            _ = &mut second => panic!("both have the lock"),
            progress = waiting.recv() => {
                assert_eq!(progress, Some(Progress::Waiting("2.9.0".parse().unwrap())));
            }
        }
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn what_a_killed_run_left_is_swept() {
        let cache = tempfile::tempdir().unwrap();
        let folder = folder(cache.path());
        fs::create_dir_all(&folder.path).unwrap();
        let left = folder.path.join(".unfinished-abc");
        fs::write(&left, "half").unwrap();
        folder.lock(&silent).await.unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn a_kept_file_is_trusted_until_it_changes() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("program");
        write(&path, b"one").unwrap();
        let kept = Kept::new(&path, &Digest::of(b"one")).unwrap();
        assert_eq!(kept.check(&path), Ok(None));

        // The same content again: another stamp, the same digest.
        write(&path, b"one").unwrap();
        let renewed = kept.check(&path).unwrap().unwrap();
        assert_eq!(renewed.check(&path), Ok(None));

        // As many bytes, and the old modification time.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        File::open(&path).unwrap().set_modified(modified).unwrap();
        assert!(kept.check(&path).unwrap_err().contains("and was sha256:"));
    }
}
