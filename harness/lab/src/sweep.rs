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
        if let Some(lab) = name.to_str().and_then(|name| name.strip_suffix(".log"))
            && lab
                .parse()
                .is_ok_and(|lab| Place::of(lab).is_ok_and(|place| !place.is_up()))
        {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(Error::file("remove", &path))?;
            swept.logs.push(path);
        }
    }
    for place in abandoned()? {
        swept.labs.push(place.folder().to_owned());
        // Dropping what is held removes it.
        drop(place.hold()?);
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
    let places = abandoned()?.into_iter();
    Ok(places.map(|place| place.folder().to_owned()).collect())
}

/// The places of labs that nobody holds; only a folder with a lock is a lab's.
fn abandoned() -> Result<Vec<Place>, Error> {
    let root = Place::root()?;
    // Where it cannot be read there is none to be told of; a sweep has said why by then.
    let entries = std::fs::read_dir(&root).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<Name>().ok());
    let places = names.map(Place::of).collect::<Result<Vec<_>, _>>()?;
    let left = places.into_iter();
    Ok(left
        .filter(|place| place.was_a_lab() && !place.is_up())
        .collect())
}
