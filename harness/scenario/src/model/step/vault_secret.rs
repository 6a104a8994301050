//! `write`, `disable`, `enable`, `destroy`, `remove`, `restore`: what else one does to a secret of a vault.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::value::Value;
use crate::{Located, SecretRef, VersionName};

/// Writes a version with exactly this content. A secret that does not exist is created.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Write {
    /// The secret.
    pub secret: Located<SecretRef>,
    /// Its fields; or give `text`.
    #[serde(default)]
    pub values: Option<IndexMap<Located<String>, Value>>,
    /// Its body; or give `values`.
    #[serde(default)]
    pub text: Option<Value>,
    /// The step's name.
    #[serde(default, rename = "as")]
    pub name: Option<Located<String>>,
}

/// One version of a secret: the one to `disable`, `enable` or `destroy`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OneVersion {
    /// The secret.
    pub secret: Located<SecretRef>,
    /// The version.
    pub version: Located<VersionName>,
    /// The step's name.
    #[serde(default, rename = "as")]
    pub name: Option<Located<String>>,
}

/// Removes a secret.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Remove {
    /// The secret.
    pub secret: Located<SecretRef>,
    /// For good, so that it cannot be restored.
    #[serde(default)]
    pub forced: bool,
    /// The step's name.
    #[serde(default, rename = "as")]
    pub name: Option<Located<String>>,
}

/// Brings a secret back that was removed, but not for good.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Restore {
    /// The secret.
    pub secret: Located<SecretRef>,
    /// The step's name.
    #[serde(default, rename = "as")]
    pub name: Option<Located<String>>,
}
