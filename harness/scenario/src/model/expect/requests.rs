//! Expectations on the requests that reached a vault.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{ClientName, Located, Mark};

/// How many requests the journal holds.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestsExpectation {
    /// Which requests.
    pub requests: RequestFilter,
    /// Exactly so many.
    #[serde(default)]
    pub count: Option<u64>,
    /// So many or more.
    #[serde(default)]
    pub at_least: Option<u64>,
    /// So many or fewer.
    #[serde(default)]
    pub at_most: Option<u64>,
    /// Only those after this mark.
    #[serde(default)]
    pub since: Option<Located<Mark>>,
}

/// Which requests are counted: all that match every field.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestFilter {
    /// The vault's name.
    pub vault: Located<String>,
    /// The vault's own name of the operation: `GetSecretValue`.
    #[serde(default)]
    pub operation: Option<String>,
    /// The secret's name, without the vault's.
    #[serde(default)]
    pub secret: Option<Located<String>>,
    /// The identity contains this.
    #[serde(default)]
    pub identity: Option<String>,
    /// The HTTP status of the answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// Who asked; the operator unless given.
    #[serde(default)]
    pub client: ClientName,
}
