//! Expectations on a store.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Located, StoreName};

/// What must hold of a store's `Ready` condition.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreExpectation {
    /// `name` of a ClusterSecretStore, `namespace/name` of a SecretStore.
    pub store: Located<StoreName>,
    /// `Ready` is True with this reason.
    #[serde(default)]
    pub ready: Option<String>,
    /// `Ready` is False with this reason.
    #[serde(default)]
    pub not_ready: Option<String>,
    /// The condition's message contains this.
    #[serde(default)]
    pub message: Option<String>,
}
