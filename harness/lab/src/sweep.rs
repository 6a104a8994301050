//! Removes what killed labs left.

use std::path::PathBuf;

use crate::{Error, Name, Place};

/// What was removed.
#[derive(Debug, Default)]
pub struct Swept {
    /// The folders of labs.
    pub labs: Vec<PathBuf>,
    /// The logs of labs.
    pub logs: Vec<PathBuf>,
    /// How many folders of pods.
    pub pods: usize,
    /// The kind clusters of killed runs.
    pub clusters: Vec<String>,
}

/// Removes the folders of labs and of pods, and the kind clusters, whose process is gone. The pods' own processes ended
/// with it.
///
/// # Errors
/// Where a folder cannot be read or removed, or a cluster cannot be deleted.
pub fn sweep() -> Result<Swept, Error> {
    let root = Place::root()?;
    let mut swept = Swept::default();
    let entries = match std::fs::read_dir(&root) {
        Ok(entries) => Some(entries),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::file("read", &root)(error)),
    };
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(lab) = name.to_str().and_then(|name| name.strip_suffix(".log")) {
            if lab
                .parse()
                .is_ok_and(|lab| Place::of(lab).is_ok_and(|place| !place.is_up()))
            {
                let path = entry.path();
                std::fs::remove_file(&path).map_err(Error::file("remove", &path))?;
                swept.logs.push(path);
            }
            continue;
        }
        let Some(name) = name.to_str().and_then(|name| name.parse::<Name>().ok()) else {
            continue;
        };
        let place = Place::of(name)?;
        // Only a folder with a lock is a lab's. Dropping what is held removes it.
        if place.was_a_lab() && !place.is_up() {
            drop(place.hold()?);
            swept.labs.push(entry.path());
        }
    }
    swept.pods = rotaproof_cluster::sweep();
    swept.clusters = rotaproof_cluster::sweep_clusters()
        .map_err(|error| Error::Environment(error.to_string()))?;
    Ok(swept)
}

/// The folders of labs whose process is gone; nothing is removed.
///
/// # Errors
/// Where there is no place for labs.
pub fn left_behind() -> Result<Vec<PathBuf>, Error> {
    let root = Place::root()?;
    // Where it cannot be read there is none to be told of; a sweep says why.
    let entries = std::fs::read_dir(&root).into_iter().flatten().flatten();
    let mut left = Vec::new();
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.parse::<Name>().ok()) else {
            continue;
        };
        let place = Place::of(name)?;
        if place.was_a_lab() && !place.is_up() {
            left.push(entry.path());
        }
    }
    Ok(left)
}
