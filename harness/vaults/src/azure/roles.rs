//! The built-in roles of Key Vault's data plane that concern secrets (Azure built-in roles, "Security").

/// A role that a principal is assigned on the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Administrator,
    /// Everything with secrets.
    SecretsOfficer,
    /// Reads secrets and their metadata.
    SecretsUser,
    /// Reads metadata, never a value.
    Reader,
    /// Manages the vault and reads nothing in it.
    Contributor,
}

/// An action on secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    GetSecret,
    SetSecret,
    ReadMetadata,
    Update,
    Delete,
    Recover,
    Purge,
    Backup,
    Restore,
    ReadKey,
    ReadCertificate,
}

impl Action {
    /// The data action, as roles and refusals name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GetSecret => "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            Self::SetSecret => "Microsoft.KeyVault/vaults/secrets/setSecret/action",
            Self::ReadMetadata => "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
            Self::Update => "Microsoft.KeyVault/vaults/secrets/update/action",
            Self::Delete => "Microsoft.KeyVault/vaults/secrets/delete",
            Self::Recover => "Microsoft.KeyVault/vaults/secrets/recover/action",
            Self::Purge => "Microsoft.KeyVault/vaults/secrets/purge/action",
            Self::Backup => "Microsoft.KeyVault/vaults/secrets/backup/action",
            Self::Restore => "Microsoft.KeyVault/vaults/secrets/restore/action",
            Self::ReadKey => "Microsoft.KeyVault/vaults/keys/read",
            Self::ReadCertificate => "Microsoft.KeyVault/vaults/certificates/read",
        }
    }
}

impl Role {
    pub(super) fn allows(self, action: Action) -> bool {
        let other_kind = matches!(action, Action::ReadKey | Action::ReadCertificate);
        match self {
            Self::Administrator => true,
            Self::SecretsOfficer => !other_kind,
            Self::SecretsUser => matches!(action, Action::GetSecret | Action::ReadMetadata),
            Self::Reader => action == Action::ReadMetadata || other_kind,
            Self::Contributor => false,
        }
    }
}
