//! The files of an image, layer over layer, in memory (OCI Image Specification 1.1, "Applying Changesets").

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// Where a file's bytes are: an entry of a layer, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) layer: usize,
    pub(super) entry: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Folder,
    File(Place),
    Symlink(PathBuf),
    /// A device, a pipe.
    Other,
}

#[derive(Clone, Debug)]
struct Node {
    /// The layer that put it there last.
    layer: usize,
    kind: Kind,
}

/// Links that lead to links; as many as Linux follows.
const MAX_LINKS: usize = 40;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// The tree. Paths are relative to the image's root.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<PathBuf, Node>,
    /// One more than the present layer's number.
    layers: usize,
}

impl Tree {
    /// What follows is of the next layer.
    pub(super) fn begin_layer(&mut self) {
        self.layers += 1;
    }

    /// Applies an archive's entry; the reason where it must not be there.
    pub(super) fn apply(
        &mut self,
        entry: &tar::Entry<'_, impl Read>,
        number: usize,
    ) -> Result<(), String> {
        let layer = self.layers.saturating_sub(1);
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let name = inside(&entry.path_bytes())?;
        let (Some(parent), Some(base)) = (name.parent(), name.file_name()) else {
            // The root itself.
            return Ok(());
        };
        let parent = self.resolve(parent)?;
        let base = base.as_bytes();
        if base == OPAQUE {
            self.remove(&parent, layer, false);
            return Ok(());
        }
        if let Some(hidden) = base.strip_prefix(WHITEOUT) {
            if hidden.is_empty() || hidden.starts_with(WHITEOUT) || matches!(hidden, b"." | b"..") {
                return Err(format!("the whiteout {} hides nothing", name.display()));
            }
            let hidden = parent.join(std::ffi::OsStr::from_bytes(hidden));
            self.remove(&hidden, layer, true);
            return Ok(());
        }
        let path = parent.join(std::ffi::OsStr::from_bytes(base));
        let link = || {
            let target = entry.link_name_bytes();
            let target = target.filter(|target| !target.is_empty());
            target.ok_or_else(|| format!("the link {} leads nowhere", name.display()))
        };
        let kind = if kind.is_dir() {
            Kind::Folder
        } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            Kind::File(Place {
                layer,
                entry: number,
            })
        } else if kind.is_symlink() {
            Kind::Symlink(PathBuf::from(std::ffi::OsString::from_vec(
                link()?.into_owned(),
            )))
        } else if kind.is_hard_link() {
            let target = self.resolve_parent(&inside(&link()?)?)?;
            let node = self.nodes.get(&target).map(|node| node.kind.clone());
            match node {
                Some(kind @ (Kind::File(_) | Kind::Symlink(_))) => kind,
                _ => {
                    return Err(format!(
                        "the hard link {} leads to {}, which is no file",
                        name.display(),
                        target.display()
                    ));
                }
            }
        } else {
            Kind::Other
        };
        self.put(path, Node { layer, kind })
    }

    /// Puts a node in its place; a folder over a folder keeps what is in it.
    fn put(&mut self, path: PathBuf, node: Node) -> Result<(), String> {
        let mut above = PathBuf::new();
        for component in path.parent().unwrap_or(Path::new("")).components() {
            above.push(component);
            let folder = self.nodes.entry(above.clone()).or_insert(Node {
                layer: node.layer,
                kind: Kind::Folder,
            });
            if !matches!(folder.kind, Kind::Folder) {
                return Err(format!(
                    "{} lies in {}, which is no folder",
                    path.display(),
                    above.display()
                ));
            }
        }
        let both_folders = matches!(node.kind, Kind::Folder)
            && matches!(
                self.nodes.get(&path),
                Some(Node {
                    kind: Kind::Folder,
                    ..
                })
            );
        if !both_folders {
            self.remove(&path, usize::MAX, true);
        }
        self.nodes.insert(path, node);
        Ok(())
    }

    /// Removes what layers below this one put at a path, and in it. A folder stays where something in it does.
    fn remove(&mut self, path: &Path, below: usize, itself: bool) {
        let inside = |node: &(&PathBuf, &Node)| node.0.starts_with(path);
        let gone: Vec<_> = self
            .nodes
            .range(path.to_path_buf()..)
            .take_while(inside)
            .filter(|(found, node)| node.layer < below && (itself || found.as_path() != path))
            .map(|(found, _)| found.clone())
            .collect();
        // From the leaves up.
        for path in gone.iter().rev() {
            let next = (
                std::ops::Bound::Excluded(path.clone()),
                std::ops::Bound::Unbounded,
            );
            let kept = self.nodes.range(next).next();
            if !kept.is_some_and(|(found, _)| found.starts_with(path)) {
                self.nodes.remove(path);
            }
        }
    }

    /// The file at a resolved path.
    pub(super) fn file(&self, path: &Path) -> Option<Place> {
        match self.nodes.get(path)?.kind {
            Kind::File(place) => Some(place),
            _ => None,
        }
    }

    /// Follows links, all within the image: its root is above everything, as after chroot.
    pub(super) fn resolve(&self, path: &Path) -> Result<PathBuf, String> {
        let mut pending: VecDeque<PathBuf> = parts(path);
        let mut resolved = PathBuf::new();
        let mut links = 0;
        while let Some(part) = pending.pop_front() {
            if part == Path::new("..") {
                resolved.pop();
                continue;
            }
            resolved.push(&part);
            if let Some(Node {
                kind: Kind::Symlink(target),
                ..
            }) = self.nodes.get(&resolved)
            {
                links += 1;
                if links > MAX_LINKS {
                    return Err(format!("{} leads through too many links", path.display()));
                }
                resolved.pop();
                if target.is_absolute() {
                    resolved.clear();
                }
                for part in parts(target).into_iter().rev() {
                    pending.push_front(part);
                }
            }
        }
        Ok(resolved)
    }

    /// Follows links but for the last part.
    fn resolve_parent(&self, path: &Path) -> Result<PathBuf, String> {
        let parent = self.resolve(path.parent().unwrap_or(Path::new("")))?;
        Ok(match path.file_name() {
            Some(base) => parent.join(base),
            None => parent,
        })
    }
}

/// The names in a path, and `..`.
fn parts(path: &Path) -> VecDeque<PathBuf> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(PathBuf::from(name)),
            Component::ParentDir => Some(PathBuf::from("..")),
            _ => None,
        })
        .collect()
}

/// A name in an archive, relative to the root. No packer writes `..`.
fn inside(name: &[u8]) -> Result<PathBuf, String> {
    let name = Path::new(std::ffi::OsStr::from_bytes(name));
    let mut path = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::ParentDir => {
                return Err(format!("the name {name:?} leads out of the image"));
            }
            _ => {}
        }
    }
    Ok(path)
}
