//! `start`: a pod from a manifest.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Located, Period};

/// Starts the Pod, Job, CronJob or NotebookValidationJob of a manifest.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Start {
    /// The manifest's path, from the scenario's folder.
    pub manifest: Located<String>,
    /// The name by which later steps speak of the pod.
    #[serde(default, rename = "as")]
    pub name: Option<Located<String>>,
    /// The workload completes after this long; it keeps running unless given.
    #[serde(default)]
    pub runs: Option<Period>,
}
