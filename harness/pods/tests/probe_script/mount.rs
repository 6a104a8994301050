//! A folder as the kubelet writes it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Path, content and mode of each file.
pub(crate) type Files<'a> = &'a [(&'a str, &'a [u8], u32)];

/// A mounted folder: files behind `..data`, which leads to the folder that holds them.
pub(crate) struct Mount(tempfile::TempDir);

impl Mount {
    pub(crate) fn new(files: Files<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let mount = Self(folder);
        mount.turn(files);
        mount
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes the files beside those that are there, and turns the link.
    pub(crate) fn turn(&self, files: Files<'_>) {
        let old = fs::read_link(self.path().join("..data")).ok();
        let stamp = format!("..{}", fs::read_dir(self.path()).unwrap().count());
        let folder = self.path().join(&stamp);
        fs::create_dir(&folder).unwrap();
        for (name, content, mode) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
        }
        let turning = self.path().join("..data_tmp");
        symlink(&stamp, &turning).unwrap();
        fs::rename(turning, self.path().join("..data")).unwrap();
        for (name, ..) in files {
            let first = name.split('/').next().unwrap_or_default();
            let link = self.path().join(first);
            if !link.is_symlink() {
                symlink(Path::new("..data").join(first), link).unwrap();
            }
        }
        if let Some(old) = old {
            fs::remove_dir_all(self.path().join(old)).unwrap();
        }
    }
}
