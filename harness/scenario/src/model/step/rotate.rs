//! `rotate`: new values for a secret.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::value::Value;
use crate::{Located, Period, SecretRef, VersionName};

/// Makes a new version of a secret current.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rotate {
    /// The secret.
    pub secret: Located<SecretRef>,
    /// How; `put-value` unless given.
    #[serde(default)]
    pub strategy: Located<Strategy>,
    /// Only these fields get new values; all unless given.
    #[serde(default)]
    pub fields: Option<Vec<Located<String>>>,
    /// The version that a roll-back makes current; `previous` unless given.
    #[serde(default)]
    pub to: Option<Located<VersionName>>,
    /// Values for single fields, instead of generated ones.
    #[serde(default)]
    pub values: IndexMap<Located<String>, Value>,
    /// How many rotations; 1 unless given.
    #[serde(default = "once")]
    pub times: u32,
    /// Between two rotations; none unless given.
    #[serde(default)]
    pub every: Option<Period>,
    /// The step's name.
    #[serde(default, rename = "as")]
    pub name: Option<Located<String>>,
}

/// How a new version becomes current.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// PutSecretValue; a KV write.
    #[default]
    PutValue,
    /// AWS's four steps: AWSPENDING first, then AWSCURRENT moves.
    Staged,
    /// A KV v2 write with check-and-set.
    CheckAndSet,
    /// A KV v2 merge patch.
    Patch,
    /// An earlier version becomes current again.
    RollBack,
}

impl Strategy {
    /// The strategy as a scenario writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PutValue => "put-value",
            Self::Staged => "staged",
            Self::CheckAndSet => "check-and-set",
            Self::Patch => "patch",
            Self::RollBack => "roll-back",
        }
    }
}

impl Default for Located<Strategy> {
    fn default() -> Self {
        Self::new(Strategy::default(), crate::Span::default())
    }
}

fn once() -> u32 {
    1
}
