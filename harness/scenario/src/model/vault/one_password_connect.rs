//! 1Password Connect as a scenario declares it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::value::{Body, Value};
use crate::{Located, ObjectName, Period};

/// A 1Password Connect server, and the vaults behind it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct OnePasswordConnect {
    /// The address as the manifests write it (`connectHost`); it answers for that host.
    pub address: Located<String>,
    /// The names of the vaults.
    pub vaults: Vec<Located<String>>,
    /// Access tokens, delivered into Kubernetes Secrets, by a name of your own.
    #[serde(default)]
    pub tokens: IndexMap<Located<String>, ConnectToken>,
    /// The items that exist when the scenario starts, as `vault/item`; a plain body is the field `password`.
    #[serde(default)]
    pub secrets: IndexMap<Located<String>, Body>,
    /// Items with a file, as `vault/item`. Connect can only read files: no step changes them.
    #[serde(default)]
    pub documents: IndexMap<Located<String>, Document>,
}

/// An access token, and the Kubernetes Secret that carries it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectToken {
    /// What it may do, by vault; any other vault is out of its scope.
    pub vaults: IndexMap<Located<String>, Vec<VaultAccess>>,
    /// The Kubernetes Secret that is made for it.
    pub secret: Located<ObjectName>,
    /// The Secret's key; `token` unless given.
    #[serde(default = "token_key")]
    pub key: String,
    /// How long it lives; for ever unless given.
    #[serde(default)]
    pub ttl: Option<Period>,
}

/// What a token may do with a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VaultAccess {
    /// Read the vault, its items and files.
    Read,
    /// Create, change and delete items.
    Write,
}

/// An item that carries one file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The file's name.
    pub file: String,
    /// What it holds: a text.
    pub content: Value,
}

fn token_key() -> String {
    "token".to_owned()
}
