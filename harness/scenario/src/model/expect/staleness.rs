//! Expectations on how long rotations took to arrive.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Budget, Located, SecretRef};

/// Bounds on the staleness of the rotations so far.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StalenessExpectation {
    /// Which rotations.
    pub staleness: StalenessFilter,
    /// The longest.
    #[serde(default)]
    pub max: Option<Located<Budget>>,
    /// The 95th percentile.
    #[serde(default)]
    pub p95: Option<Located<Budget>>,
    /// Where the clock stops; at the pod unless given.
    #[serde(default)]
    pub until: Until,
}

/// Which rotations are counted; `{}` for all.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StalenessFilter {
    /// Only those of this secret.
    #[serde(default)]
    pub secret: Option<Located<SecretRef>>,
}

/// Where the clock of a rotation stops. It starts when the vault acknowledged the write (t0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// When a pod saw the value (t3).
    #[default]
    Pod,
    /// When the Kubernetes Secret changed (t2).
    Secret,
}
