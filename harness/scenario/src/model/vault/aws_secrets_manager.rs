//! AWS Secrets Manager as a scenario declares it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::value::Body;
use crate::{Located, ObjectName};

/// AWS Secrets Manager in one region of one account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct AwsSecretsManager {
    /// The region; `us-east-1` unless given.
    #[serde(default = "region")]
    pub region: String,
    /// The account's twelve digits; `123456789012` unless given.
    #[serde(default = "account")]
    pub account: String,
    /// Roles that service accounts may assume (IRSA), by ARN.
    #[serde(default)]
    pub roles: IndexMap<Located<String>, Role>,
    /// Static access keys, delivered into Kubernetes Secrets, by a name of your own.
    #[serde(default)]
    pub keys: IndexMap<Located<String>, AccessKey>,
    /// The secrets that exist when the scenario starts.
    #[serde(default)]
    pub secrets: IndexMap<Located<String>, Body>,
}

/// A role's trust and permissions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The service accounts that may assume it.
    pub trusts: Vec<Located<ObjectName>>,
    /// The audience that their tokens must carry; `sts.amazonaws.com` unless given.
    #[serde(default = "audience")]
    pub audience: String,
    /// What it may do; everything on everything unless given.
    #[serde(default)]
    pub allows: Option<Vec<Allow>>,
}

/// One statement of a permission policy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// Actions such as `secretsmanager:GetSecretValue`; `*` stands for any text.
    pub actions: Vec<String>,
    /// Names of secrets; `*` stands for any text.
    pub secrets: Vec<String>,
}

/// A static access key, and the Kubernetes Secret that carries it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// The Kubernetes Secret that is made for it.
    pub secret: Located<ObjectName>,
    /// The Secret's key for the access key id.
    pub access_key_id: String,
    /// The Secret's key for the secret access key.
    pub secret_access_key: String,
    /// What it may do; everything on everything unless given.
    #[serde(default)]
    pub allows: Option<Vec<Allow>>,
}

fn region() -> String {
    "us-east-1".to_owned()
}

fn account() -> String {
    "123456789012".to_owned()
}

fn audience() -> String {
    "sts.amazonaws.com".to_owned()
}
