//! Expectations on a batch Job and on a NotebookValidationJob.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Located, ObjectName};

/// What must hold of a batch Job's status.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JobExpectation {
    /// The Job.
    pub job: Located<ObjectName>,
    /// Pods that succeeded.
    #[serde(default)]
    pub succeeded: Option<u32>,
    /// Pods that failed.
    #[serde(default)]
    pub failed: Option<u32>,
}

/// What must hold of a NotebookValidationJob's status.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NotebookValidationJobExpectation {
    /// The NotebookValidationJob.
    pub notebookvalidationjob: Located<ObjectName>,
    /// Its phase: `Succeeded`.
    #[serde(default)]
    pub phase: Option<String>,
    /// One of its conditions.
    #[serde(default)]
    pub condition: Option<ConditionExpectation>,
}

/// What must hold of one condition.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConditionExpectation {
    /// Its type: `ValidationComplete`.
    pub r#type: String,
    /// Its status; `True` unless given.
    #[serde(default = "yes")]
    pub status: String,
    /// Its reason.
    #[serde(default)]
    pub reason: Option<String>,
    /// Its message contains this.
    #[serde(default)]
    pub message: Option<String>,
}

fn yes() -> String {
    "True".to_owned()
}
