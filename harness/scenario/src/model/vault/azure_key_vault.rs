//! Azure Key Vault as a scenario declares it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::value::Body;
use crate::{Located, ObjectName};

/// An Azure Key Vault, its tenant, and who may use it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct AzureKeyVault {
    /// The vault's URL as the manifests write it: `https://my-vault.vault.azure.net`.
    pub vault_url: Located<String>,
    /// The tenant's id; `11111111-2222-4333-8444-555555555555` unless given.
    #[serde(default = "tenant")]
    pub tenant: String,
    /// Managed identities that the cluster's nodes carry, by a name of your own.
    #[serde(default)]
    pub managed_identities: IndexMap<Located<String>, ManagedIdentity>,
    /// Applications with a client secret, delivered into Kubernetes Secrets, by a name of your own.
    #[serde(default)]
    pub service_principals: IndexMap<Located<String>, ServicePrincipal>,
    /// Identities that service accounts get by federation, by a name of your own.
    #[serde(default)]
    pub workload_identities: IndexMap<Located<String>, FederatedIdentity>,
    /// The secrets that exist when the scenario starts; each holds one text.
    #[serde(default)]
    pub secrets: IndexMap<Located<String>, Body>,
}

/// A managed identity of the nodes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagedIdentity {
    /// Its client id.
    pub client_id: String,
    /// Its ARM resource id, where a manifest names it.
    #[serde(default)]
    pub resource_id: Option<String>,
    /// Its roles on the vault; `Key Vault Secrets User` unless given.
    #[serde(default = "roles")]
    pub roles: Vec<KeyVaultRole>,
}

/// An application with a client secret, and the Kubernetes Secret that carries both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicePrincipal {
    /// The Kubernetes Secret that is made for it.
    pub secret: Located<ObjectName>,
    /// The Secret's key for the client id.
    pub client_id: String,
    /// The Secret's key for the client secret.
    pub client_secret: String,
    /// Its roles on the vault; `Key Vault Secrets User` unless given.
    #[serde(default = "roles")]
    pub roles: Vec<KeyVaultRole>,
}

/// An identity that service accounts get for their tokens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FederatedIdentity {
    /// Its client id.
    pub client_id: String,
    /// The service accounts of its federated credentials.
    pub trusts: Vec<Located<ObjectName>>,
    /// The audience that their tokens must carry; `api://AzureADTokenExchange` unless given.
    #[serde(default = "audience")]
    pub audience: String,
    /// The issuer that the credentials name; the cluster's unless given.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Its roles on the vault; `Key Vault Secrets User` unless given.
    #[serde(default = "roles")]
    pub roles: Vec<KeyVaultRole>,
}

/// A role of Key Vault's data plane, as Azure names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum KeyVaultRole {
    /// Everything.
    #[serde(rename = "Key Vault Administrator")]
    Administrator,
    /// Everything with secrets.
    #[serde(rename = "Key Vault Secrets Officer")]
    SecretsOfficer,
    /// Reads secrets and their metadata.
    #[serde(rename = "Key Vault Secrets User")]
    SecretsUser,
    /// Reads metadata, never a value.
    #[serde(rename = "Key Vault Reader")]
    Reader,
    /// Manages the vault, and reads nothing in it.
    #[serde(rename = "Key Vault Contributor")]
    Contributor,
}

fn tenant() -> String {
    "11111111-2222-4333-8444-555555555555".to_owned()
}

fn roles() -> Vec<KeyVaultRole> {
    vec![KeyVaultRole::SecretsUser]
}

fn audience() -> String {
    "api://AzureADTokenExchange".to_owned()
}
