//! What a scenario says about a vault, its tenant, and who may use it.

use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};

use super::roles::Role;

/// One vault in one tenant.
pub struct AzureConfig {
    /// The vault's host: `my-vault.vault.azure.net`.
    pub host: String,
    /// The tenant's id, a UUID.
    pub tenant: String,
    /// The time by which tokens, assertions and scheduled purges are judged.
    pub clock: Clock,
    /// Ids, keys and the administrator's secret.
    pub entropy: Entropy,
    /// Fingerprints of served values.
    pub fingerprinter: Fingerprinter,
    /// The cluster's token issuer, whose keys verify federated tokens.
    pub verifier: Verifier,
    /// Who may ask for tokens.
    pub principals: Vec<Principal>,
}

/// An application or a managed identity. It may authenticate in several ways, as in Azure.
#[derive(Clone)]
pub struct Principal {
    /// What it is called in the journal.
    pub name: String,
    /// Its client (application) id, a UUID.
    pub client_id: String,
    /// The roles that it is assigned on the vault.
    pub roles: Vec<Role>,
    /// Its ARM resource id, where it is a managed identity that the cluster's nodes carry.
    pub managed_identity: Option<String>,
    /// Its client secret.
    pub client_secret: Option<SecretValue>,
    /// The tokens of others for which it gets its own: workload identity federation.
    pub federated: Vec<FederatedCredential>,
}

/// A federated identity credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedCredential {
    /// The `iss` of the token.
    pub issuer: String,
    /// Its `sub`: `system:serviceaccount:<namespace>:<name>`.
    pub subject: String,
    /// Its `aud`: `api://AzureADTokenExchange`.
    pub audience: String,
}
