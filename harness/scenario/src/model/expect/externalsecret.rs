//! Expectations on an ExternalSecret.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Located, Mark, ObjectName};

/// What must hold of an ExternalSecret's `Ready` condition and `refreshTime`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExternalSecretExpectation {
    /// The ExternalSecret.
    pub externalsecret: Located<ObjectName>,
    /// `Ready` is True with this reason.
    #[serde(default)]
    pub ready: Option<String>,
    /// `Ready` is False with this reason.
    #[serde(default)]
    pub not_ready: Option<String>,
    /// The condition's message contains this.
    #[serde(default)]
    pub message: Option<String>,
    /// `status.refreshTime` moved after this mark.
    #[serde(default)]
    pub refreshed_since: Option<Located<Mark>>,
    /// `status.refreshTime` did not move after this mark.
    #[serde(default)]
    pub refresh_unmoved_since: Option<Located<Mark>>,
}
