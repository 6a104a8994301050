//! Azure Key Vault, with the identity platform of its tenant and the instance metadata service of the cluster's nodes.
//!
//! Behaviour follows the Key Vault REST reference (secrets, 7.6), the Microsoft Entra error codes and IMDS's token
//! endpoint (2018-02-01), in the real services' words where they could be had. As strict as the cloud: client secrets,
//! federated credentials (issuer, subject, audience, signature), tokens (signature, issuer, audience, time) and the
//! roles of the caller are all checked. Narrower: roles are assigned on the whole vault; there are no keys and no
//! certificates (each one asked for is missing); what is deleted shows as deleted at once; tokens are signed with ES256.
//!
//! Operations, as Key Vault's own logs name them: `SecretGet`, `SecretSet`, `SecretList`, `SecretListVersions`,
//! `SecretUpdate`, `SecretDelete`, `SecretListDeleted`, `SecretGetDeleted`, `SecretRecover`, `SecretPurge`,
//! `SecretBackup`, `SecretRestore`, `KeyGet`, `CertificateGet`; of the identity platform `token`,
//! `openid-configuration`, `discovery`, `keys`; of IMDS `managed identity token`; else `unknown`.
//!
//! A secret's name is the one in its address: `db-host`.

mod backup;
mod bundle;
mod config;
mod directory;
mod entra;
mod error;
mod imds;
mod listing;
mod operation;
mod roles;
mod route;
mod secrets;
mod server;
mod writer;

pub use config::{AzureConfig, FederatedCredential, Principal};
pub use roles::Role;
pub use server::AzureVault;
pub use writer::{Administrator, AzureWriter};

/// The host of the identity platform.
pub const LOGIN_HOST: &str = "login.microsoftonline.com";
/// The host of the instance metadata service.
pub const IMDS_HOST: &str = "169.254.169.254";
/// What a token for Key Vault is asked for and carries as its audience.
pub const RESOURCE: &str = "https://vault.azure.net";
