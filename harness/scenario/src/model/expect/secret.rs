//! Expectations on a Kubernetes Secret.

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Expected;
use crate::text::from_text;
use crate::{Located, ObjectName, ValueRef, VersionName};

/// What must hold of a Secret.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretExpectation {
    /// The Secret.
    pub secret: Located<ObjectName>,
    /// Every key that an ExternalSecret maps holds this version.
    #[serde(default)]
    pub is: Option<Located<VersionName>>,
    /// These keys hold these versions or values.
    #[serde(default)]
    pub keys: IndexMap<Located<String>, Located<Expected>>,
    /// It has exactly these keys.
    #[serde(default)]
    pub has_keys: Option<Vec<Located<String>>>,
    /// It does not exist (`true`), or does (`false`).
    #[serde(default)]
    pub absent: Option<bool>,
    /// Its controlling owner.
    #[serde(default)]
    pub owned_by: Option<Located<Owner>>,
    /// It carries these labels.
    #[serde(default)]
    pub labels: IndexMap<String, String>,
    /// It carries these annotations.
    #[serde(default)]
    pub annotations: IndexMap<String, String>,
    /// Whether it is immutable.
    #[serde(default)]
    pub immutable: Option<bool>,
    /// These keys hold a text in which these values occur.
    #[serde(default)]
    pub contains: IndexMap<Located<String>, Located<ValueRef>>,
}

/// `externalsecret namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(
    /// The ExternalSecret.
    pub ObjectName,
);

from_text!(
    Owner,
    "Owner",
    "^externalsecret [a-z0-9.-]+/[a-z0-9.-]+$",
    "an owner such as `externalsecret namespace/name`"
);

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("externalsecret ")
            .ok_or_else(|| {
                format!("`{text}` is not an owner; write it as `externalsecret namespace/name`")
            })?
            .trim()
            .parse()
            .map(Self)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "externalsecret {}", self.0)
    }
}
