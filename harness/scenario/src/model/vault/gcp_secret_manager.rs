//! GCP Secret Manager as a scenario declares it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::value::Body;
use crate::{Located, ObjectName};

/// GCP Secret Manager of one project, which a GKE cluster is part of.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct GcpSecretManager {
    /// The project's id; `my-project-id` unless given.
    #[serde(default = "project")]
    pub project: String,
    /// The cluster whose service accounts have workload identities.
    #[serde(default)]
    pub cluster: GkeCluster,
    /// Google service accounts, by email address.
    #[serde(default)]
    pub service_accounts: IndexMap<Located<String>, ServiceAccount>,
    /// What Kubernetes service accounts (`namespace/name`) may do themselves, without a Google one.
    #[serde(default)]
    pub workload_identities: IndexMap<Located<ObjectName>, WorkloadIdentity>,
    /// The secrets that exist when the scenario starts.
    #[serde(default)]
    pub secrets: IndexMap<Located<String>, Body>,
}

/// A GKE cluster, by what names its identity provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GkeCluster {
    /// Its region or zone; `us-central1` unless given.
    #[serde(default = "location")]
    pub location: String,
    /// Its name; `my-cluster` unless given.
    #[serde(default = "name")]
    pub name: String,
}

/// A Google service account: who may act as it, what it may do, its key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccount {
    /// The Kubernetes service accounts that hold `roles/iam.workloadIdentityUser` on it.
    #[serde(default)]
    pub workload_identity_users: Vec<Located<ObjectName>>,
    /// Its role bindings; `roles/secretmanager.admin` on everything unless given.
    #[serde(default)]
    pub allows: Option<Vec<RoleBinding>>,
    /// A key of it, delivered into a Kubernetes Secret.
    #[serde(default)]
    pub key: Option<ServiceAccountKey>,
}

/// A Kubernetes service account that holds roles itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadIdentity {
    /// Its role bindings; `roles/secretmanager.admin` on everything unless given.
    #[serde(default)]
    pub allows: Option<Vec<RoleBinding>>,
}

/// A binding of roles.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBinding {
    /// Roles such as `roles/secretmanager.secretAccessor`, or single permissions such as
    /// `secretmanager.versions.access`.
    pub roles: Vec<Located<String>>,
    /// Ids of secrets; `*` stands for any text. To list and to create secrets takes `*`, the whole project.
    pub secrets: Vec<String>,
}

/// The Kubernetes Secret that carries a key file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountKey {
    /// The Kubernetes Secret that is made for it.
    pub secret: Located<ObjectName>,
    /// The Secret's key; `key.json` unless given.
    #[serde(default = "key_file")]
    pub key: String,
}

impl Default for GkeCluster {
    fn default() -> Self {
        Self {
            location: location(),
            name: name(),
        }
    }
}

/// The roles that Secret Manager knows.
pub const GCP_ROLES: [&str; 8] = [
    "roles/secretmanager.admin",
    "roles/secretmanager.secretAccessor",
    "roles/secretmanager.secretVersionAdder",
    "roles/secretmanager.secretVersionManager",
    "roles/secretmanager.viewer",
    "roles/owner",
    "roles/editor",
    "roles/viewer",
];

fn project() -> String {
    "my-project-id".to_owned()
}

fn location() -> String {
    "us-central1".to_owned()
}

fn name() -> String {
    "my-cluster".to_owned()
}

fn key_file() -> String {
    "key.json".to_owned()
}
