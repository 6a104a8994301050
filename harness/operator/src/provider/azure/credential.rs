//! What a client authenticates with.

use rotaproof_base::SecretValue;

use super::Token;

/// The host of the identity platform of the public cloud.
pub(super) const LOGIN: &str = "https://login.microsoftonline.com";
/// What tokens are asked for.
pub(super) const RESOURCE: &str = "https://vault.azure.net";

/// A way to a token.
pub(super) enum Credential {
    /// An identity of the nodes, by `identityId` where the store has one.
    Managed(Option<String>),
    /// An application's client secret.
    Secret(Application),
    /// A service account's token.
    Federated(Assertion),
    /// A token that was acquired with the client, and is not acquired anew.
    Acquired(Token),
}

/// An application with its secret.
pub(super) struct Application {
    pub(super) tenant: String,
    pub(super) client_id: String,
    pub(super) secret: SecretValue,
}

/// A token of the cluster's for which one of the tenant's is had.
pub(super) struct Assertion {
    pub(super) tenant: String,
    pub(super) client_id: String,
    pub(super) token: SecretValue,
}
