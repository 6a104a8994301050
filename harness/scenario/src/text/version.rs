//! Versions of a secret by name, and references to one value.

use std::fmt;
use std::str::FromStr;

use super::{SecretRef, from_text};

/// A version of a secret, as the ledger names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionName {
    /// What the vault serves as current.
    Current,
    /// What was current before.
    Previous,
    /// The first version.
    Initial,
    /// The N-th version that was written, from 1.
    Number(u32),
}

from_text!(
    VersionName,
    "VersionName",
    "^(current|previous|initial|v[1-9][0-9]*)$",
    "a version: current, previous, initial or v1, v2, ..."
);

impl FromStr for VersionName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "current" => Ok(Self::Current),
            "previous" => Ok(Self::Previous),
            "initial" => Ok(Self::Initial),
            _ => text
                .strip_prefix('v')
                .filter(|digits| !digits.starts_with(['+', '0']))
                .and_then(|digits| digits.parse().ok())
                .map(Self::Number)
                .ok_or_else(|| {
                    format!("`{text}` is not a version; versions are current, previous, initial, v1, v2, ...")
                }),
        }
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("current"),
            Self::Previous => f.write_str("previous"),
            Self::Initial => f.write_str("initial"),
            Self::Number(n) => write!(f, "v{n}"),
        }
    }
}

/// One value: `vault/secret#field@version`, the field where the secret has fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ValueRef {
    /// The secret.
    pub secret: SecretRef,
    /// The field; the whole body where none.
    pub field: Option<String>,
    /// The version.
    pub version: VersionName,
}

from_text!(
    ValueRef,
    "ValueRef",
    "^[^/]+/.+@(current|previous|initial|v[1-9][0-9]*)$",
    "a value such as aws/prod/notebook/aws#access_key_id@current"
);

impl FromStr for ValueRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (place, version) = text.rsplit_once('@').ok_or_else(|| {
            format!("`{text}` names no version; write it as vault/secret#field@current")
        })?;
        let (secret, field) = match place.split_once('#') {
            Some((_, "")) => return Err(format!("`{text}` has an empty field after #")),
            Some((secret, field)) => (secret, Some(field.to_owned())),
            None => (place, None),
        };
        Ok(Self {
            secret: secret.parse()?,
            field,
            version: version.parse()?,
        })
    }
}

impl fmt::Display for ValueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.secret)?;
        if let Some(field) = &self.field {
            write!(f, "#{field}")?;
        }
        write!(f, "@{}", self.version)
    }
}
