//! Images: layers, configuration, manifest, index.

use std::io::Read;

use serde_json::json;
use tar::{EntryType, Header};

/// How a layer is packed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
    Plain,
}

/// A layer in the making.
pub(crate) struct Layer(tar::Builder<Vec<u8>>);

impl Layer {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn entry(mut self, kind: EntryType, name: &str, link: &str, bytes: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(bytes.len() as u64);
        // Past the library's own checks: an attacker has none.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
        self
    }

    pub(crate) fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(EntryType::Regular, name, "", bytes)
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.entry(EntryType::Directory, name, "", b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, name, target, b"")
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Link, name, target, b"")
    }

    pub(crate) fn pipe(self, name: &str) -> Self {
        self.entry(EntryType::Fifo, name, "", b"")
    }

    /// The archive.
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

pub(crate) fn pack(archive: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => archive.to_vec(),
        Packing::Zstd => {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            ruzstd::encoding::compress_to_vec(archive, level)
        }
        Packing::Gzip => {
            let mut packed = Vec::new();
            let level = flate2::Compression::fast();
            let mut encoder = flate2::read::GzEncoder::new(archive, level);
            encoder.read_to_end(&mut packed).unwrap();
            packed
        }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    format!("sha256:{}", hex::encode(digest))
}

/// As images call this machine.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// An image as a registry has it.
pub(crate) struct Image {
    /// Configuration and layers, by their digests.
    pub(crate) blobs: Vec<(String, Vec<u8>)>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) index: Vec<u8>,
}

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Image {
    /// Of these archives, the lowest first, with this program as entrypoint, for this machine.
    pub(crate) fn new(layers: Vec<(Vec<u8>, Packing)>, entrypoint: &str) -> Self {
        Self::built_for(layers, entrypoint, architecture())
    }

    pub(crate) fn built_for(
        layers: Vec<(Vec<u8>, Packing)>,
        entrypoint: &str,
        architecture: &str,
    ) -> Self {
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "config": { "Entrypoint": [entrypoint, "--unused"], "User": "65534" },
            "rootfs": {
                "type": "layers",
                "diff_ids": layers.iter().map(|(archive, _)| sha256(archive)).collect::<Vec<_>>(),
            },
        });
        let config = config.to_string().into_bytes();
        let mut blobs = vec![(sha256(&config), config.clone())];
        let mut descriptors = Vec::new();
        for (archive, packing) in &layers {
            let packed = pack(archive, *packing);
            let kind = match packing {
                Packing::Gzip => "tar+gzip",
                Packing::Zstd => "tar+zstd",
                Packing::Plain => "tar",
            };
            descriptors.push(json!({
                "mediaType": format!("application/vnd.oci.image.layer.v1.{kind}"),
                "digest": sha256(&packed),
                "size": packed.len(),
            }));
            blobs.push((sha256(&packed), packed));
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": sha256(&config),
                "size": config.len(),
            },
            "layers": descriptors,
        });
        let manifest = manifest.to_string().into_bytes();
        let entry = |os: &str, architecture: &str, digest: String| {
            json!({
                "mediaType": MANIFEST,
                "digest": digest,
                "size": manifest.len(),
                "platform": { "os": os, "architecture": architecture },
            })
        };
        let index = json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [
                entry("linux", "mips64le", sha256(b"of another machine")),
                entry("linux", architecture, sha256(&manifest)),
                entry("unknown", "unknown", sha256(b"an attestation")),
            ],
        });
        Self {
            blobs,
            manifest,
            index: index.to_string().into_bytes(),
        }
    }

    /// The topmost layer, packed.
    pub(crate) fn top(&self) -> &[u8] {
        &self.blobs.last().unwrap().1
    }
}

/// Bytes that no packer makes small.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}
