//! HashiCorp Vault as a scenario declares it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::value::Body;
use crate::{Located, ObjectName, Period};

/// A HashiCorp Vault server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct HashicorpVault {
    /// The address as the manifests write it; it answers for that host.
    pub address: Located<String>,
    /// Secrets engines by mount; `secret: kv-v2` unless given.
    #[serde(default = "mounts")]
    pub mounts: IndexMap<String, EngineKind>,
    /// Policies: paths (as Vault's policies write them) and capabilities.
    #[serde(default)]
    pub policies: IndexMap<String, IndexMap<String, Vec<Capability>>>,
    /// The kubernetes auth method.
    #[serde(default)]
    pub kubernetes: Option<AuthMount>,
    /// The jwt auth method.
    #[serde(default)]
    pub jwt: Option<AuthMount>,
    /// Static tokens, delivered into Kubernetes Secrets, by a name of your own.
    #[serde(default)]
    pub tokens: IndexMap<Located<String>, StaticToken>,
    /// The secrets that exist when the scenario starts, as `mount/path`.
    #[serde(default)]
    pub secrets: IndexMap<Located<String>, Body>,
}

/// A secrets engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum EngineKind {
    /// Key/value, without versions.
    #[serde(rename = "kv-v1")]
    KvV1,
    /// Key/value, with versions.
    #[serde(rename = "kv-v2")]
    KvV2,
}

/// What a policy grants on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// `create`.
    Create,
    /// `read`.
    Read,
    /// `update`.
    Update,
    /// `patch`.
    Patch,
    /// `delete`.
    Delete,
    /// `list`.
    List,
    /// `sudo`.
    Sudo,
    /// `deny`: wins over all others.
    Deny,
}

/// An auth method at a mount, and its roles.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthMount {
    /// Where it is mounted; the method's own name unless given.
    #[serde(default)]
    pub mount: Option<String>,
    /// The roles by name.
    pub roles: IndexMap<Located<String>, AuthRole>,
}

/// Who may log in under a role, and with what they leave.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthRole {
    /// The service accounts that may log in.
    pub service_accounts: Vec<Located<ObjectName>>,
    /// The audience that their tokens must carry; required for jwt.
    #[serde(default)]
    pub audience: Option<String>,
    /// The policies of the token that they get.
    #[serde(default)]
    pub policies: Vec<Located<String>>,
    /// How long that token lives; an hour unless given.
    #[serde(default = "ttl")]
    pub ttl: Period,
}

/// A token that never changes, and the Kubernetes Secret that carries it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticToken {
    /// Its policies.
    #[serde(default)]
    pub policies: Vec<Located<String>>,
    /// The Kubernetes Secret that is made for it.
    pub secret: Located<ObjectName>,
    /// The Secret's key; `token` unless given.
    #[serde(default = "token_key")]
    pub key: String,
}

fn mounts() -> IndexMap<String, EngineKind> {
    IndexMap::from([("secret".to_owned(), EngineKind::KvV2)])
}

fn ttl() -> Period {
    Period(std::time::Duration::from_secs(3600))
}

fn token_key() -> String {
    "token".to_owned()
}
