//! What pods run on a cluster whose kubelet is not ours.
//!
//! [`Probe::dress`] replaces the program of each container by a script for busybox, on the way to the API. The script
//! prints reports as [`crate::probe`] makes them, so whoever reads logs need not know which lane a pod runs in:
//!
//! | | embedded kubelet | here |
//! |---|---|---|
//! | reports | at the start, after each change of a mounted volume | the same, at most 0.1 s after the kubelet turned `..data` |
//! | `env` | what the container's spec says | the same; what the container runtime adds (`PATH`, `HOME`, `HOSTNAME`, `KUBERNETES_...`) only where `env` names it |
//! | `files` | the files of `volumeMounts` | the same |
//! | init containers | report once and succeed | the same |
//! | SIGTERM | ends with 143 | ends with 0 |
//! | how long it runs | the pod's annotations, read all the time | the annotations that it was dressed with |
//!
//! The run's key is not in any pod's spec: [`Probe::secret`] carries it, one in each namespace that has pods. It has to
//! be there before they are.

mod dress;

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rotaproof_base::Fingerprinter;

/// The name of the Secret that every probe reads begins so.
pub const SECRET_PREFIX: &str = "rotaproof-probe-";
/// The label of that Secret, by which an observer leaves it out.
pub const SECRET_LABEL: &str = "rotaproof.dev/probe";

const SCRIPT: &str = include_str!("real_cluster/probe.sh");
/// What the script tries the image's tools with.
const CHECKED: &[u8] = b"rotaproof";
/// The block of SHA-256.
const BLOCK: usize = 64;

/// What runs in place of a container's program.
#[derive(Clone)]
pub struct Probe {
    /// An image with busybox, its `sh` and its tools in `/bin`; it has to be on the node or to be pulled.
    pub image: String,
    /// Makes the fingerprints that are reported.
    pub fingerprinter: Fingerprinter,
}

impl Probe {
    /// The name of that Secret: another one under another key. A kubelet that has read an immutable Secret does not look at
    /// one of the same name again.
    pub fn secret_name(&self) -> String {
        let key = self.fingerprinter.of(SECRET_PREFIX.as_bytes());
        format!("{SECRET_PREFIX}{}", key.as_str())
    }

    /// The Secret that the probes of a namespace read.
    pub fn secret(&self, namespace: &str) -> Secret {
        let check = self.fingerprinter.of(CHECKED);
        let data = [
            ("script", SCRIPT.to_owned()),
            // HMAC hashes the key in these two forms ahead of the value, and of the value's digest.
            ("inner", self.block(0x36)),
            ("outer", self.block(0x5c)),
            ("check", check.as_str().to_owned()),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(self.secret_name()),
                namespace: Some(namespace.to_owned()),
                labels: Some(BTreeMap::from([(
                    SECRET_LABEL.to_owned(),
                    "true".to_owned(),
                )])),
                ..ObjectMeta::default()
            },
            data: Some(
                data.map(|(key, value)| (key.to_owned(), ByteString(value.into_bytes())))
                    .into(),
            ),
            // The kubelet need not watch it.
            immutable: Some(true),
            ..Secret::default()
        }
    }

    /// The key, filled up to a block and mixed with HMAC's constant, as escapes for `printf`: a variable holds no NUL.
    fn block(&self, constant: u8) -> String {
        let key = self.fingerprinter.key().iter().copied();
        key.chain(std::iter::repeat(0))
            .take(BLOCK)
            .map(|byte| format!("\\{:03o}", byte ^ constant))
            .collect()
    }
}
