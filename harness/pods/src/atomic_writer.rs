//! Files that change all at once: the layout of `k8s.io/kubernetes/pkg/volume/util/atomic_writer.go`.
//!
//! ```text
//! ..2025_11_08_00_00_00.1234567890/key    the content
//! ..data -> ..2025_11_08_00_00_00.1234567890    swapped by a rename
//! key -> ..data/key
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use rotaproof_base::SecretValue;

const DATA: &str = "..data";
const NEXT_DATA: &str = "..data_tmp";

/// The files of a volume, by their path in it.
pub(crate) type Payload = BTreeMap<String, Content>;

/// One file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) data: SecretValue,
    pub(crate) mode: u32,
}

/// Whether a path may be written: relative, within the volume, not hidden behind `..`.
pub(crate) fn is_valid_path(path: &str) -> bool {
    let plain = |part: Component| matches!(part, Component::Normal(_));
    !path.is_empty() && !path.starts_with("..") && Path::new(path).components().all(plain)
}

/// Brings the folder to the payload; says whether anything changed. `stamp` names the new folder, without its dots.
pub(crate) fn write(folder: &Path, payload: &Payload, stamp: &str) -> io::Result<bool> {
    fs::create_dir_all(folder)?;
    let old = fs::read_link(folder.join(DATA)).ok();
    if old.is_some() && holds(&folder.join(DATA), payload)? {
        return Ok(false);
    }
    let name = format!("..{stamp}");
    let new = folder.join(&name);
    fs::create_dir(&new)?;
    for (path, content) in payload {
        let file = new.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, content.data.expose())?;
        // Set after the fact: the umask has a say in the creation.
        fs::set_permissions(&file, fs::Permissions::from_mode(content.mode & 0o7777))?;
    }
    symlink(&name, folder.join(NEXT_DATA))?;
    fs::rename(folder.join(NEXT_DATA), folder.join(DATA))?;
    link_names(folder, payload)?;
    if let Some(old) = old {
        fs::remove_dir_all(folder.join(old))?;
    }
    Ok(true)
}

/// The first part of each path is a link into `..data`; links of paths that are gone go too.
fn link_names(folder: &Path, payload: &Payload) -> io::Result<()> {
    let first = |path: &String| path.split('/').next().map(str::to_owned);
    let names: BTreeSet<String> = payload.keys().filter_map(first).collect();
    for name in &names {
        let link = folder.join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new(DATA).join(name), link)?;
        }
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let into_data = fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(DATA));
        if into_data && !names.contains(&name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn holds(data: &Path, payload: &Payload) -> io::Result<bool> {
    let mut files = Vec::new();
    list(data, Path::new(""), &mut files)?;
    if files.len() != payload.len() {
        return Ok(false);
    }
    for (path, content) in payload {
        let file = data.join(path);
        let Ok(metadata) = fs::metadata(&file) else {
            return Ok(false);
        };
        let same_mode = metadata.permissions().mode() & 0o7777 == content.mode & 0o7777;
        if !same_mode || fs::read(&file)? != content.data.expose() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn list(folder: &Path, prefix: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = prefix.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(files: &[(&str, &str, u32)]) -> Payload {
        let content = |data: &str, mode| Content {
            data: SecretValue::new(data),
            mode,
        };
        files
            .iter()
            .map(|(path, data, mode)| ((*path).to_owned(), content(data, *mode)))
            .collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_layout_is_that_of_the_kubelet() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            write(
                folder.path(),
                &payload(&[("key", "v1", 0o644), ("sub/deep", "x", 0o400)]),
                "s1"
            )
            .unwrap()
        );
        assert_eq!(names(folder.path()), ["..data", "..s1", "key", "sub"]);
        assert_eq!(
            fs::read_link(folder.path().join("key")).unwrap(),
            Path::new("..data/key")
        );
        assert_eq!(
            fs::read_link(folder.path().join("..data")).unwrap(),
            Path::new("..s1")
        );
        let mode = fs::metadata(folder.path().join("sub/deep"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o400);
    }

    #[test]
    fn a_change_swaps_everything_and_removes_what_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &payload(&[("a", "1", 0o644), ("b", "1", 0o644)]),
            "s1",
        )
        .unwrap();
        assert!(
            write(
                folder.path(),
                &payload(&[("b", "2", 0o644), ("c", "1", 0o644)]),
                "s2"
            )
            .unwrap()
        );
        assert_eq!(names(folder.path()), ["..data", "..s2", "b", "c"]);
        assert_eq!(fs::read(folder.path().join("b")).unwrap(), b"2");
    }

    #[test]
    fn the_same_content_is_not_written_again_but_another_mode_is() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &payload(&[("a", "1", 0o644)]), "s1").unwrap();
        assert!(!write(folder.path(), &payload(&[("a", "1", 0o644)]), "s2").unwrap());
        assert!(write(folder.path(), &payload(&[("a", "1", 0o600)]), "s3").unwrap());
        assert_eq!(names(folder.path()), ["..data", "..s3", "a"]);
    }

    #[rstest::rstest]
    #[case("a", true)]
    #[case("a/b", true)]
    #[case("a..b", true)]
    #[case("", false)]
    #[case("/a", false)]
    #[case("../a", false)]
    #[case("..data", false)]
    #[case("a/../../b", false)]
    fn a_path_may_not_leave_the_volume(#[case] path: &str, #[case] valid: bool) {
        assert_eq!(is_valid_path(path), valid);
    }
}
