//! `delete`: an object by its kind and name, or everything in a manifest.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Located, ObjectName, PodRef};

/// What is deleted.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Delete {
    /// An ExternalSecret.
    ExternalSecret(ObjectName),
    /// A SecretStore.
    SecretStore(ObjectName),
    /// A ClusterSecretStore.
    ClusterSecretStore(String),
    /// A Secret.
    Secret(ObjectName),
    /// A pod.
    Pod(PodRef),
    /// A batch Job.
    Job(ObjectName),
    /// A NotebookValidationJob.
    NotebookValidationJob(ObjectName),
    /// A ServiceAccount.
    ServiceAccount(ObjectName),
    /// A namespace and all that is in it.
    Namespace(String),
    /// Every object of a manifest, last first; its path from the scenario's folder.
    Manifest(Located<String>),
}
