//! The vaults of a scenario; one file per kind.

mod aws_secrets_manager;
mod azure_key_vault;
mod gcp_secret_manager;
mod hashicorp_vault;
mod one_password_connect;

pub use aws_secrets_manager::{AccessKey, Allow, AwsSecretsManager, Role};
pub use azure_key_vault::{
    AzureKeyVault, FederatedIdentity, KeyVaultRole, ManagedIdentity, ServicePrincipal,
};
pub use gcp_secret_manager::{
    GCP_ROLES, GcpSecretManager, GkeCluster, RoleBinding, ServiceAccount, ServiceAccountKey,
    WorkloadIdentity,
};
pub use hashicorp_vault::{
    AuthMount, AuthRole, Capability, EngineKind, HashicorpVault, StaticToken,
};
use indexmap::IndexMap;
pub use one_password_connect::{ConnectToken, Document, OnePasswordConnect, VaultAccess};
use schemars::JsonSchema;
use serde::Deserialize;

use super::value::Body;
use crate::Located;

/// A vault, told apart by its `kind`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "$by:kind", rename_all = "kebab-case")]
#[schemars(rename = "Vault", tag = "kind")]
pub enum Vault {
    /// AWS Secrets Manager, with STS.
    AwsSecretsManager(AwsSecretsManager),
    /// Azure Key Vault, with its tenant and the nodes' metadata service.
    AzureKeyVault(AzureKeyVault),
    /// GCP Secret Manager, with its token services.
    GcpSecretManager(GcpSecretManager),
    /// HashiCorp Vault.
    HashicorpVault(HashicorpVault),
    /// 1Password Connect.
    OnePasswordConnect(OnePasswordConnect),
}

impl Vault {
    /// The secrets that exist when the scenario starts, by name.
    pub fn secrets(&self) -> &IndexMap<Located<String>, Body> {
        match self {
            Self::AwsSecretsManager(vault) => &vault.secrets,
            Self::AzureKeyVault(vault) => &vault.secrets,
            Self::GcpSecretManager(vault) => &vault.secrets,
            Self::HashicorpVault(vault) => &vault.secrets,
            Self::OnePasswordConnect(vault) => &vault.secrets,
        }
    }

    /// Whether it holds a file under this name, which no step can change.
    pub fn has_document(&self, name: &str) -> bool {
        match self {
            Self::OnePasswordConnect(vault) => vault.documents.contains_key(name),
            _ => false,
        }
    }

    /// What the vault is called in a message.
    pub fn product(&self) -> &'static str {
        match self {
            Self::AwsSecretsManager(_) => "AWS Secrets Manager",
            Self::AzureKeyVault(_) => "Azure Key Vault",
            Self::GcpSecretManager(_) => "GCP Secret Manager",
            Self::HashicorpVault(_) => "HashiCorp Vault",
            Self::OnePasswordConnect(_) => "1Password Connect",
        }
    }
}
