//! Takes one program out of an image's layers, without Docker and without unpacking anything else.
//!
//! Nothing in an archive names a file of this machine: names, links and whiteouts are resolved in a tree in memory, and
//! the bytes of the one program go into a file that the caller made.

mod layer;
mod tree;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use self::tree::{Place, Tree};
use crate::digest::Hashing;
use crate::registry::Config;

/// The largest program, and the largest layer when unpacked, in bytes. ESO 0.20.4 has 193 MB.
const MAX_UNPACKED: u64 = 4 * 1024 * 1024 * 1024;
/// Files and folders of a layer.
const MAX_ENTRIES: usize = 500_000;

/// Why there is no program.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The image is not usable: the reason.
    Image(String),
    /// The program could not be written.
    Write(io::Error),
    /// The caller cancelled.
    Cancelled,
}

/// Unpacks the program that the configuration names from the layers' files, the lowest first; its path in the image.
pub(crate) fn unpack(
    layers: &[PathBuf],
    config: &Config,
    into: &mut File,
    cancel: &CancellationToken,
) -> Result<PathBuf, Failure> {
    let mut tree = Tree::default();
    for (index, (path, digest)) in layers.iter().zip(&config.unpacked).enumerate() {
        let failed = |reason: String| Failure::Image(format!("layer {}: {reason}", index + 1));
        let mut archive = tar::Archive::new(Hashing::new(open(path, cancel).map_err(failed)?));
        let mut read = || -> Result<(), String> {
            tree.begin_layer();
            let entries = archive.entries().map_err(|e| e.to_string())?;
            for (number, entry) in entries.enumerate() {
                if number >= MAX_ENTRIES {
                    return Err(format!("more than {MAX_ENTRIES} files"));
                }
                tree.apply(&entry.map_err(|e| e.to_string())?, number)?;
            }
            Ok(())
        };
        let result = read();
        if cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        result.map_err(failed)?;
        let actual = archive.into_inner().finish();
        let actual = actual.map_err(|error| failed(error.to_string()))?;
        if actual != *digest {
            return Err(failed(format!(
                "unpacked, it is {actual}, the configuration says {digest}"
            )));
        }
    }
    let (path, place) = find(&tree, config).map_err(Failure::Image)?;
    extract(layers, place, into, cancel)?;
    Ok(path)
}

/// The program's path and place.
fn find(tree: &Tree, config: &Config) -> Result<(PathBuf, Place), String> {
    let program = Path::new(&config.program);
    let candidates: Vec<PathBuf> = if config.program.contains('/') {
        vec![Path::new(&config.folder).join(program)]
    } else {
        let folders = config.path.iter();
        folders
            .map(|folder| Path::new(folder).join(program))
            .collect()
    };
    for candidate in &candidates {
        let path = tree.resolve(candidate)?;
        if let Some(place) = tree.file(&path) {
            return Ok((Path::new("/").join(path), place));
        }
    }
    Err(format!(
        "its entrypoint {} is no file in any of its layers",
        config.program
    ))
}

/// Reads the layer again, up to the file.
fn extract(
    layers: &[PathBuf],
    place: Place,
    into: &mut File,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let failed = |reason: String| Failure::Image(format!("layer {}: {reason}", place.layer + 1));
    let gone = || failed("it changed while it was read".into());
    let mut archive = tar::Archive::new(open(&layers[place.layer], cancel).map_err(failed)?);
    let mut entries = archive.entries().map_err(|e| failed(e.to_string()))?;
    let entry = entries.nth(place.entry).ok_or_else(gone)?;
    let mut entry = entry.map_err(|e| failed(e.to_string()))?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match entry.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => into.write_all(&buffer[..read]).map_err(Failure::Write)?,
            Err(_) if cancel.is_cancelled() => return Err(Failure::Cancelled),
            Err(error) => return Err(failed(error.to_string())),
        }
    }
}

fn open(path: &Path, cancel: &CancellationToken) -> Result<impl Read + use<>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let unpacked = layer::unpacked(file).map_err(|error| error.to_string())?;
    Ok(Bounded {
        inner: unpacked,
        left: MAX_UNPACKED,
        cancel: cancel.clone(),
    })
}

/// Ends with an error where it is too much, or cancelled.
struct Bounded<R> {
    inner: R,
    left: u64,
    cancel: CancellationToken,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!("unpacked, it has more than {MAX_UNPACKED} bytes"))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
