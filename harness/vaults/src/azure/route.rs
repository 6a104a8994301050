//! What a request to a vault asks for, read from its form alone.

use http::Method;

use super::error::VaultError;
use super::roles::Action;

/// A request to a vault. Names and versions are as the address has them; an empty version is the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Get { name: &'a str, version: &'a str },
    Set { name: &'a str },
    List,
    ListVersions { name: &'a str },
    Update { name: &'a str, version: &'a str },
    Delete { name: &'a str },
    ListDeleted,
    GetDeleted { name: &'a str },
    Recover { name: &'a str },
    Purge { name: &'a str },
    Backup { name: &'a str },
    Restore,
    Key { id: &'a str },
    Certificate { id: &'a str },
}

impl<'a> Target<'a> {
    /// Reads method and path: the vault's own 404 for a path that it has not, 405 for a method that a path has not.
    pub(super) fn read(method: &Method, path: &'a str) -> Result<Self, VaultError> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let parts: Vec<&str> = path.split('/').collect();
        let allowed = match (method.as_str(), parts.as_slice()) {
            ("GET", ["secrets"] | ["secrets", ""]) => Self::List,
            ("POST", ["secrets", "restore"]) => Self::Restore,
            ("GET", ["secrets", name, "versions"]) => Self::ListVersions { name },
            ("POST", ["secrets", name, "backup"]) => Self::Backup { name },
            ("GET", ["secrets", name]) => Self::Get { name, version: "" },
            ("GET", ["secrets", name, version]) => Self::Get { name, version },
            ("PATCH", ["secrets", name]) => Self::Update { name, version: "" },
            ("PATCH", ["secrets", name, version]) => Self::Update { name, version },
            ("PUT", ["secrets", name] | ["secrets", name, ""]) => Self::Set { name },
            ("DELETE", ["secrets", name] | ["secrets", name, ""]) => Self::Delete { name },
            ("GET", ["deletedsecrets"] | ["deletedsecrets", ""]) => Self::ListDeleted,
            ("GET", ["deletedsecrets", name]) => Self::GetDeleted { name },
            ("DELETE", ["deletedsecrets", name]) => Self::Purge { name },
            ("POST", ["deletedsecrets", name, "recover"]) => Self::Recover { name },
            ("GET", ["keys", _] | ["keys", _, _]) => Self::Key {
                id: path.strip_prefix("keys/").unwrap_or(path),
            },
            ("GET", ["certificates", _] | ["certificates", _, _]) => Self::Certificate {
                id: path.strip_prefix("certificates/").unwrap_or(path),
            },
            (_, ["secrets"])
            | (_, ["secrets", _] | ["secrets", _, _])
            | (_, ["deletedsecrets"] | ["deletedsecrets", _])
            | (_, ["deletedsecrets", _, "recover"])
            | (_, ["keys" | "certificates", _] | ["keys" | "certificates", _, _]) => {
                return Err(VaultError::no_such_method(method));
            }
            _ => return Err(VaultError::no_such_route()),
        };
        Ok(allowed)
    }

    /// The operation as Key Vault's logs name it.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::Get { .. } => "SecretGet",
            Self::Set { .. } => "SecretSet",
            Self::List => "SecretList",
            Self::ListVersions { .. } => "SecretListVersions",
            Self::Update { .. } => "SecretUpdate",
            Self::Delete { .. } => "SecretDelete",
            Self::ListDeleted => "SecretListDeleted",
            Self::GetDeleted { .. } => "SecretGetDeleted",
            Self::Recover { .. } => "SecretRecover",
            Self::Purge { .. } => "SecretPurge",
            Self::Backup { .. } => "SecretBackup",
            Self::Restore => "SecretRestore",
            Self::Key { .. } => "KeyGet",
            Self::Certificate { .. } => "CertificateGet",
        }
    }

    /// The secret that it names.
    pub(super) fn secret(self) -> Option<&'a str> {
        match self {
            Self::Get { name, .. }
            | Self::Set { name }
            | Self::ListVersions { name }
            | Self::Update { name, .. }
            | Self::Delete { name }
            | Self::GetDeleted { name }
            | Self::Recover { name }
            | Self::Purge { name }
            | Self::Backup { name } => Some(name),
            Self::List
            | Self::ListDeleted
            | Self::Restore
            | Self::Key { .. }
            | Self::Certificate { .. } => None,
        }
    }

    /// What the caller must be allowed to do.
    pub(super) fn action(self) -> Action {
        match self {
            Self::Get { .. } => Action::GetSecret,
            Self::Set { .. } => Action::SetSecret,
            Self::List
            | Self::ListVersions { .. }
            | Self::ListDeleted
            | Self::GetDeleted { .. } => Action::ReadMetadata,
            Self::Update { .. } => Action::Update,
            Self::Delete { .. } => Action::Delete,
            Self::Recover { .. } => Action::Recover,
            Self::Purge { .. } => Action::Purge,
            Self::Backup { .. } => Action::Backup,
            Self::Restore => Action::Restore,
            Self::Key { .. } => Action::ReadKey,
            Self::Certificate { .. } => Action::ReadCertificate,
        }
    }
}
