//! What one Connect server is set up with before it serves.

use std::time::Duration;

use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};

/// A Connect server.
pub struct OnePasswordConfig {
    /// The host that it answers for, without scheme and port: `connect.example.com`.
    pub address: String,
    /// The time by which tokens live and items are stamped.
    pub clock: Clock,
    /// Draws ids, and the values that items ask to be generated.
    pub entropy: Entropy,
    /// Fingerprints the values served.
    pub fingerprinter: Fingerprinter,
    /// The vaults; all are empty but for their documents.
    pub vaults: Vec<ConnectVault>,
    /// Access tokens.
    pub tokens: Vec<ConnectToken>,
}

/// A vault.
#[derive(Clone)]
pub struct ConnectVault {
    /// The vault's name, without `/`.
    pub name: String,
    /// Documents that were uploaded with 1Password's apps: Connect itself cannot.
    pub documents: Vec<Document>,
}

/// An item that carries one file.
#[derive(Clone)]
pub struct Document {
    /// The item's title.
    pub title: String,
    /// The file's name.
    pub file: String,
    /// The file's bytes.
    pub content: SecretValue,
}

/// An access token.
#[derive(Clone)]
pub struct ConnectToken {
    /// What the journal calls its bearer.
    pub name: String,
    /// The token, as [`super::draw_token`] makes it.
    pub token: SecretValue,
    /// What it may do, by the vault's name; any other vault is out of its scope.
    pub vaults: Vec<(String, Access)>,
    /// How long it lives; `None` never ends.
    pub ttl: Option<Duration>,
}

/// What a token may do with a vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Read the vault, its items and files.
    pub read: bool,
    /// Create, change and delete items.
    pub write: bool,
}
