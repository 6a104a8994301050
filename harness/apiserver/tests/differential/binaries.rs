//! Where the real programs are.

use std::env;
use std::path::{Path, PathBuf};

/// envtest's variable: the folder of the two programs.
const ASSETS: &str = "KUBEBUILDER_ASSETS";
/// A folder with `kubernetes/` and `eso/` in it.
const PARTS: &str = "ROTAPROOF_REALPARTS";
/// The bundle of ESO 0.20.4's CustomResourceDefinitions.
const DEFINITIONS: &str = "ROTAPROOF_ESO_CRDS";
/// Where Go keeps ESO's sources, below its folder of modules.
const MODULE: &str = "github.com/external-secrets/external-secrets@v0.20.4/deploy/crds/bundle.yaml";

#[derive(Clone)]
pub(crate) struct Binaries {
    pub(crate) api: PathBuf,
    pub(crate) etcd: PathBuf,
    /// ESO's CustomResourceDefinitions.
    pub(crate) definitions: PathBuf,
}

impl Binaries {
    pub(crate) fn are_asked_for() -> bool {
        [ASSETS, PARTS]
            .iter()
            .any(|name| env::var_os(name).is_some())
    }

    pub(crate) fn find() -> Result<Self, String> {
        let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let parts = env::var_os(PARTS).map(PathBuf::from);
        let parts = parts.unwrap_or_else(|| home.join(".cache/rotaproof-realparts"));
        let folder = env::var_os(ASSETS).map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| parts.join("kubernetes"));
        let find = |name: &str| {
            let why = || {
                format!(
                    "no {name} below {}; {ASSETS} may name its folder",
                    folder.display()
                )
            };
            search(&folder, name, 6).ok_or_else(why)
        };
        let modules = env::var_os("GOMODCACHE").map(PathBuf::from);
        let bundles = [
            env::var_os(DEFINITIONS).map(PathBuf::from),
            Some(parts.join("eso/crds/bundle.yaml")),
            Some(
                modules
                    .unwrap_or_else(|| home.join("go/pkg/mod"))
                    .join(MODULE),
            ),
        ];
        let definitions = bundles.into_iter().flatten().find(|path| path.is_file());
        Ok(Self {
            api: find("kube-apiserver")?,
            etcd: find("etcd")?,
            definitions: definitions.ok_or_else(|| {
                format!("no CustomResourceDefinitions of ESO 0.20.4; {DEFINITIONS} may name their bundle")
            })?,
        })
    }
}

fn search(folder: &Path, name: &str, depth: u8) -> Option<PathBuf> {
    let here = folder.join(name);
    if here.is_file() {
        return Some(here);
    }
    let depth = depth.checked_sub(1)?;
    let mut folders: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect();
    // The newest version first, by its name.
    folders.sort();
    folders
        .iter()
        .rev()
        .find_map(|path| search(path, name, depth))
}
