//! Which scenario files a command line means.

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};

/// How a scenario file's name ends.
const SUFFIX: &str = ".scenario.yaml";

/// Folders nest no deeper than this; a loop of links ends here.
const MAX_DEPTH: usize = 32;

/// The scenario files under the paths: a file as given, a folder searched for `*.scenario.yaml` in sorted order.
///
/// Hidden folders and `target` and `node_modules` are left out. A file that two paths lead to comes once.
///
/// # Errors
/// A path that does not exist or cannot be read, and a folder without any scenario.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Diagnostics> {
    let mut files = Vec::new();
    let mut wrong = Diagnostics::default();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            if let Err(more) = search(path, MAX_DEPTH, &mut files) {
                wrong.extend(more);
            } else if files.len() == before {
                wrong.push(Diagnostic::of_file(
                    path,
                    format!("no *{SUFFIX} file in this folder"),
                ));
            }
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            wrong
                .push(Diagnostic::of_file(path, "no such file or folder").maybe_help(beside(path)));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
    Ok(files)
}

fn search(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Diagnostics> {
    let unreadable = |error: std::io::Error| {
        Diagnostics::from(Diagnostic::of_file(
            folder,
            format!("cannot be read: {error}"),
        ))
    };
    let mut entries = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() {
            let left_out = name.starts_with('.') || name == "target" || name == "node_modules";
            if !left_out && depth > 0 {
                search(&path, depth - 1, files)?;
            }
        } else if name.ends_with(SUFFIX) {
            files.push(path);
        }
    }
    Ok(())
}

/// A file or folder beside the missing one with nearly its name.
pub(crate) fn beside(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let names: Vec<String> = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    did_you_mean(&wanted, names.into_iter())
        .map(|name| format!("did you mean `{}`?", path.with_file_name(name).display()))
}
