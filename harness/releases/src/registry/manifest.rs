//! Manifests, indexes and configurations (OCI Image Specification 1.1; Docker's schema 2, which is the same).

use serde::Deserialize;

use crate::Error;
use crate::digest::Digest;
use crate::program::Machine;

pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// More than ESO's image will ever have.
const MAX_LAYERS: usize = 128;
/// Bytes of all layers; the image of 2.9.0 has 50 MB.
const MAX_SIZE: u64 = 2 * 1024 * 1024 * 1024;

/// Something of the registry's, by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// An image for this machine.
#[derive(Debug)]
pub(crate) struct Image {
    /// `ghcr.io/external-secrets/external-secrets:v2.9.0`
    pub(crate) name: String,
    pub(crate) manifest: Digest,
    /// From the bottom up.
    pub(crate) layers: Vec<Blob>,
    pub(crate) config: Config,
}

impl Image {
    /// The bytes of all layers.
    pub(crate) fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }

    /// `map_err`-like: the image is not usable.
    pub(crate) fn unusable(&self, reason: impl Into<String>) -> Error {
        Error::Image {
            image: self.name.clone(),
            reason: reason.into(),
        }
    }
}

/// What of the configuration says which program it is.
#[derive(Debug)]
pub(crate) struct Config {
    /// The program, absolute, or to be looked for in `path`.
    pub(crate) program: String,
    /// Where a program without a slash is looked for.
    pub(crate) path: Vec<String>,
    /// Where a relative program with a slash begins.
    pub(crate) folder: String,
    /// SHA-256 of each layer, unpacked.
    pub(crate) unpacked: Vec<Digest>,
}

/// An image's manifest.
pub(super) struct Manifest {
    pub(super) config: Blob,
    layers: Vec<Blob>,
}

/// An entry of an index.
pub(super) struct Entry {
    digest: Digest,
    os: String,
    architecture: String,
}

/// What a tag can lead to.
pub(super) enum Document {
    Image(Manifest),
    Index(Vec<Entry>),
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    size: u64,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

/// Reads a manifest or an index.
pub(super) fn read(name: &str, body: &[u8]) -> Result<Document, Error> {
    #[derive(Deserialize)]
    struct Either {
        config: Option<Descriptor>,
        #[serde(default)]
        layers: Vec<Descriptor>,
        manifests: Option<Vec<Descriptor>>,
    }
    let unusable = |reason: String| Error::Image {
        image: name.to_owned(),
        reason,
    };
    let blob = |descriptor: Descriptor| {
        let digest = Digest::parse(&descriptor.digest).ok_or_else(|| {
            let digest: String = descriptor.digest.chars().take(80).collect();
            unusable(format!(
                "its manifest has the digest {digest:?}, no SHA-256"
            ))
        })?;
        Ok(Blob {
            digest,
            size: descriptor.size,
        })
    };
    let either: Either = serde_json::from_slice(body)
        .map_err(|error| unusable(format!("its manifest cannot be read: {error}")))?;
    if let Some(manifests) = either.manifests {
        let entry = |mut descriptor: Descriptor| {
            let platform = descriptor.platform.take()?;
            Some(Entry {
                digest: blob(descriptor).ok()?.digest,
                os: platform.os,
                architecture: platform.architecture,
            })
        };
        return Ok(Document::Index(
            manifests.into_iter().filter_map(entry).collect(),
        ));
    }
    let config = either
        .config
        .ok_or_else(|| unusable("its manifest names no configuration".into()))?;
    let layers: Vec<Blob> = either
        .layers
        .into_iter()
        .map(blob)
        .collect::<Result<_, _>>()?;
    let size = layers
        .iter()
        .try_fold(0_u64, |sum, layer| sum.checked_add(layer.size));
    match size {
        Some(size) if size <= MAX_SIZE && layers.len() <= MAX_LAYERS => {}
        _ => return Err(unusable("its layers are larger than any ESO's".into())),
    }
    Ok(Document::Image(Manifest {
        config: blob(config)?,
        layers,
    }))
}

/// The entry of an index that runs here.
pub(super) fn for_this_machine(name: &str, entries: &[Entry]) -> Result<Digest, Error> {
    let machine = Machine::here();
    entries
        .iter()
        .find(|entry| entry.os == "linux" && entry.architecture == machine.image)
        .map(|entry| entry.digest.clone())
        .ok_or_else(|| {
            // Attestations stand among them, for `unknown/unknown`.
            let offered: Vec<_> = entries
                .iter()
                .filter(|entry| entry.os != "unknown")
                .map(|entry| format!("{}/{}", entry.os, entry.architecture))
                .collect();
            no_platform(name, &machine, &offered.join(", "))
        })
}

fn no_platform(name: &str, machine: &Machine, offered: &str) -> Error {
    Error::NoPlatform {
        image: name.to_owned(),
        machine: format!("linux/{}", machine.image),
        offered: offered.to_owned(),
    }
}

/// Reads the configuration, and puts the image together.
pub(super) fn image(
    name: String,
    digest: Digest,
    manifest: Manifest,
    config: &[u8],
) -> Result<Image, Error> {
    #[derive(Deserialize)]
    struct Document {
        architecture: String,
        os: String,
        #[serde(default)]
        config: Run,
        rootfs: Root,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Run {
        entrypoint: Option<Vec<String>>,
        cmd: Option<Vec<String>>,
        env: Option<Vec<String>>,
        working_dir: Option<String>,
    }
    #[derive(Deserialize)]
    struct Root {
        diff_ids: Vec<String>,
    }
    let unusable = |reason: &str| Error::Image {
        image: name.clone(),
        reason: reason.into(),
    };
    let document: Document = serde_json::from_slice(config)
        .map_err(|error| unusable(&format!("its configuration cannot be read: {error}")))?;
    let machine = Machine::here();
    if (document.os.as_str(), document.architecture.as_str()) != ("linux", machine.image) {
        let offered = format!("{}/{}", document.os, document.architecture);
        return Err(no_platform(&name, &machine, &offered));
    }
    let run = document.config;
    let first = |words: Option<Vec<String>>| words.and_then(|words| words.into_iter().next());
    let program = first(run.entrypoint)
        .or_else(|| first(run.cmd))
        .ok_or_else(|| unusable("its configuration has no entrypoint"))?;
    let path = run
        .env
        .iter()
        .flatten()
        .find_map(|variable| variable.strip_prefix("PATH="))
        .unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let unpacked: Option<Vec<_>> = document
        .rootfs
        .diff_ids
        .iter()
        .map(|digest| Digest::parse(digest))
        .collect();
    let unpacked = unpacked
        .filter(|unpacked| unpacked.len() == manifest.layers.len())
        .ok_or_else(|| unusable("its configuration and its manifest differ in their layers"))?;
    let path = path.split(':').map(str::to_owned).collect();
    Ok(Image {
        manifest: digest,
        layers: manifest.layers,
        config: Config {
            program,
            path,
            folder: run.working_dir.unwrap_or_else(|| "/".into()),
            unpacked,
        },
        name,
    })
}
