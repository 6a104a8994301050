//! Azure Key Vault.

use rotaproof_scenario::model::vault::{self as declared, KeyVaultRole};

use super::{Vault, name, names};
use crate::lab::Content;

/// An Azure Key Vault and its tenant, and the identities that may use it, each with its roles on the vault.
///
/// ```
/// use rotaproof::Value;
/// use rotaproof::vault::{AzureKeyVault, KeyVaultRole};
///
/// let azure = AzureKeyVault::at("https://my-vault.vault.azure.net")
///     .managed_identity("eso", "3c5f2c4e-6f0a-4b7e-9a51-0d6c1f0e7b21", [KeyVaultRole::SecretsUser])
///     .secret("db-password", Value::password(32));
/// # let _ = azure;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AzureKeyVault(Result<declared::AzureKeyVault, String>);

impl AzureKeyVault {
    /// The vault of this URL, which the stores' `vaultUrl` names, without a secret and without anybody who may read one.
    pub fn at(vault_url: &str) -> Self {
        Self(Ok(declared::AzureKeyVault {
            vault_url: vault_url.to_owned().into(),
            tenant: "11111111-2222-4333-8444-555555555555".into(),
            managed_identities: Default::default(),
            service_principals: Default::default(),
            workload_identities: Default::default(),
            secrets: Default::default(),
        }))
    }

    /// In this tenant, by its id.
    pub fn tenant(mut self, tenant: &str) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault.tenant = tenant.to_owned();
        }
        self
    }

    /// With a managed identity that the cluster's nodes carry, by a name of your own.
    pub fn managed_identity(
        mut self,
        identity: &str,
        client_id: &str,
        roles: impl IntoIterator<Item = KeyVaultRole>,
    ) -> Self {
        if let Ok(vault) = &mut self.0 {
            let declared = declared::ManagedIdentity {
                client_id: client_id.to_owned(),
                resource_id: None,
                roles: roles.into_iter().collect(),
            };
            vault
                .managed_identities
                .insert(identity.to_owned().into(), declared);
        }
        self
    }

    /// With an application, whose client id and client secret are delivered into a Kubernetes Secret under its keys
    /// `client-id` and `client-secret`.
    pub fn service_principal(
        self,
        principal: &str,
        secret: &str,
        roles: impl IntoIterator<Item = KeyVaultRole>,
    ) -> Self {
        Self(self.0.and_then(|mut vault| {
            let declared = declared::ServicePrincipal {
                secret: name(secret)?,
                client_id: "client-id".into(),
                client_secret: "client-secret".into(),
                roles: roles.into_iter().collect(),
            };
            vault
                .service_principals
                .insert(principal.to_owned().into(), declared);
            Ok(vault)
        }))
    }

    /// With an identity that these service accounts get by federation, for tokens for `api://AzureADTokenExchange`.
    pub fn workload_identity<'a>(
        self,
        identity: &str,
        client_id: &str,
        service_accounts: impl IntoIterator<Item = &'a str>,
        roles: impl IntoIterator<Item = KeyVaultRole>,
    ) -> Self {
        Self(self.0.and_then(|mut vault| {
            let declared = declared::FederatedIdentity {
                client_id: client_id.to_owned(),
                trusts: names(service_accounts)?,
                audience: "api://AzureADTokenExchange".into(),
                issuer: None,
                roles: roles.into_iter().collect(),
            };
            vault
                .workload_identities
                .insert(identity.to_owned().into(), declared);
            Ok(vault)
        }))
    }

    /// With a secret from the start: one text.
    pub fn secret(mut self, secret: &str, content: impl Into<Content>) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault
                .secrets
                .insert(secret.to_owned().into(), content.into().0);
        }
        self
    }
}

impl From<AzureKeyVault> for Vault {
    fn from(vault: AzureKeyVault) -> Self {
        Self(vault.0.map(declared::Vault::AzureKeyVault))
    }
}
