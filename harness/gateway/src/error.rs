//! What can be wrong with a gateway's set-up.

/// Why the gateway, or a vault's place in it, cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate or its key cannot be made.
    #[error("certificate for {subject}: {message}")]
    Certificate {
        /// The host, or the authority itself.
        subject: String,
        /// What the generator said.
        message: String,
    },
    /// Two vaults have the same name.
    #[error("a vault named {0} is already attached")]
    NameTaken(String),
    /// Two vaults claim a host that both would answer for.
    #[error("vault {name} claims {host}, which vault {holder} already claims as {held}")]
    HostTaken {
        /// The vault that came later.
        name: String,
        /// Its host pattern.
        host: String,
        /// The vault that came first.
        holder: String,
        /// That vault's pattern.
        held: String,
    },
    /// No vault has this name.
    #[error("no vault named {0} is attached")]
    UnknownVault(String),
}
