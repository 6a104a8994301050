//! The questions and answers, as they cross the socket.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rotaproof_base::SecretValue;
use serde::{Deserialize, Serialize};

/// What a lab is, and how it fares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// The version of the program that it is.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it came up.
    pub started: Timestamp,
    /// For how long it has been up.
    pub uptime: Duration,
    /// The scenario's title, unless the lab began empty.
    pub scenario: Option<String>,
    /// What stands in for every `refreshInterval` (`--refresh`).
    pub refresh: Option<Duration>,
    /// The file to source.
    pub env_file: PathBuf,
    /// The folder of its files.
    pub folder: PathBuf,
    /// The URL of the Kubernetes API.
    pub kubernetes: String,
    /// The URL of the forward proxy.
    pub proxy: String,
    /// The vaults.
    pub vaults: Vec<VaultStatus>,
    /// The faults that are not healed.
    pub faults: Vec<FaultStatus>,
    /// How many requests the journal has counted, those to no vault included.
    pub requests: u64,
}

/// One vault of a lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VaultStatus {
    /// Its name in the lab.
    pub name: String,
    /// What it is.
    pub product: String,
    /// The URL of its direct endpoint.
    pub endpoint: String,
    /// The hosts that it answers for behind the proxy.
    pub hosts: Vec<String>,
    /// The requests to it that the journal keeps.
    pub requests: u64,
}

/// One fault that is not healed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultStatus {
    /// Its name.
    pub name: String,
    /// The vault.
    pub vault: String,
    /// The only operation that it hits.
    pub operation: Option<String>,
    /// The number of requests after which it is spent.
    pub first: Option<u32>,
    /// The requests that it hit so far.
    pub hits: u64,
}

/// How a new version becomes current.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// PutSecretValue; a KV write.
    #[default]
    PutValue,
    /// AWS's four steps.
    Staged,
    /// A KV v2 write with check-and-set.
    CheckAndSet,
    /// A KV v2 merge patch.
    Patch,
}

/// Makes a new version of a secret current.
#[derive(Serialize, Deserialize)]
pub struct Rotate {
    /// The vault, by its name in the lab.
    pub vault: String,
    /// The secret's name in that vault.
    pub secret: String,
    /// How.
    pub strategy: Strategy,
    /// Only these fields get new values; all where empty.
    pub fields: Vec<String>,
    /// The value of the one field, or of the whole body, instead of a generated one.
    #[serde(with = "value")]
    pub value: Option<SecretValue>,
}

/// What a rotation came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rotated {
    /// The vault's own id of the version that is current now.
    pub version: String,
    /// The fields that have new values; none of a secret that is one text.
    pub fields: Vec<String>,
}

/// Makes a vault misbehave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// The vault, by its name in the lab.
    pub vault: String,
    /// What the journal and `heal` call it; the model's own name unless given.
    pub name: Option<String>,
    /// Only requests of this operation.
    pub operation: Option<String>,
    /// Only the first so many of them.
    pub first: Option<u32>,
    /// What goes wrong.
    pub model: FaultModel,
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultModel {
    /// The answer comes this much later.
    Latency(Duration),
    /// The vault is not asked; the answer has this status.
    Status {
        /// The HTTP status, 400 to 599.
        code: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// The connection is reset.
    Reset,
    /// No answer ever comes.
    Hang,
}

/// A fault that is there now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Injected {
    /// Its name.
    pub name: String,
}

/// Ends faults: all, or those of one vault, or those of one name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Heal {
    /// Only those of this vault.
    pub vault: Option<String>,
    /// Only those of this name.
    pub fault: Option<String>,
}

/// What a `heal` came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Healed {
    /// How many faults it ended.
    pub count: usize,
}

/// What is wanted of the journal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct JournalQuery {
    /// Whether to stay for what comes.
    pub follow: bool,
    /// Only the newest so many of what is there.
    pub tail: Option<u64>,
}

/// Why a question has no answer: the text of an [`crate::Error`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: String,
    /// Whether the question was wrong, rather than the lab.
    pub(super) usage: bool,
}

/// A value on the private socket, in base64: it may be bytes.
mod value {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use rotaproof_base::SecretValue;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<SecretValue>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = value.as_ref().map(|v| BASE64_STANDARD.encode(v.expose()));
        text.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SecretValue>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let bytes = BASE64_STANDARD.decode(text);
        let bytes = bytes.map_err(|_| D::Error::custom("a value that is no base64"))?;
        Ok(Some(SecretValue::new(bytes)))
    }
}
