//! Names of things: Kubernetes objects, secrets of a vault, pods, marks in time.

use std::fmt;
use std::str::FromStr;

use super::from_text;

/// A namespaced Kubernetes object: `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

from_text!(
    ObjectName,
    "ObjectName",
    "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
    "a name such as namespace/name"
);

impl ObjectName {
    /// A name in a namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl FromStr for ObjectName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, name) = text
            .split_once('/')
            .ok_or_else(|| format!("`{text}` has no namespace; write it as namespace/name"))?;
        Ok(Self::new(object_name(namespace)?, object_name(name)?))
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A DNS subdomain, as Kubernetes wants for most names.
fn object_name(text: &str) -> Result<&str, String> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if text.len() <= 253
        && text.chars().all(inner)
        && text.starts_with(outer)
        && text.ends_with(outer)
    {
        Ok(text)
    } else {
        Err(format!(
            "`{text}` is not a Kubernetes name: lower-case letters, digits, `-` and `.`, between letters or digits"
        ))
    }
}

/// A secret of a vault: the vault's name in the scenario, `/`, the secret's own name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretRef {
    /// The vault's name in the scenario.
    pub vault: String,
    /// The secret's name in that vault.
    pub secret: String,
}

from_text!(
    SecretRef,
    "SecretRef",
    "^[^/]+/.+$",
    "a secret such as vault/name-of-the-secret"
);

impl FromStr for SecretRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((vault, secret)) if !vault.is_empty() && !secret.is_empty() => Ok(Self {
                vault: vault.to_owned(),
                secret: secret.to_owned(),
            }),
            _ => Err(format!(
                "`{text}` is not a secret of a vault; write it as vault/name-of-the-secret"
            )),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vault, self.secret)
    }
}

/// A store: `name` is a ClusterSecretStore, `namespace/name` a SecretStore.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreName {
    /// A ClusterSecretStore.
    Cluster(String),
    /// A SecretStore.
    Namespaced(ObjectName),
}

from_text!(
    StoreName,
    "StoreName",
    "^([a-z0-9.-]+/)?[a-z0-9.-]+$",
    "a store: name of a ClusterSecretStore, or namespace/name of a SecretStore"
);

impl FromStr for StoreName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            text.parse().map(Self::Namespaced)
        } else {
            Ok(Self::Cluster(object_name(text)?.to_owned()))
        }
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => f.write_str(name),
            Self::Namespaced(name) => name.fmt(f),
        }
    }
}

/// A pod: the alias of a `start` step, or `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PodRef {
    /// The alias of a `start` step.
    Alias(String),
    /// A pod by its name.
    Name(ObjectName),
}

from_text!(
    PodRef,
    "PodRef",
    "^[^/]+(/[a-z0-9.-]+)?$",
    "a pod: the alias of a start step, or namespace/name"
);

impl FromStr for PodRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            text.parse().map(Self::Name)
        } else if text.is_empty() {
            Err("a pod needs a name".to_owned())
        } else {
            Ok(Self::Alias(text.to_owned()))
        }
    }
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alias(alias) => f.write_str(alias),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// A point in time: `start` (of the scenario), the name of a step (`as:`), or a verb: the last step of that verb.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mark(pub String);

from_text!(
    Mark,
    "Mark",
    "^.+$",
    "a mark: start, the name of a step, or a verb (its last step)"
);

impl Mark {
    /// The mark of the scenario's start.
    pub const START: &'static str = "start";
}

impl FromStr for Mark {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Err("a mark needs a name".to_owned())
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any Kubernetes object: `Kind namespace/name`, or `Kind name` for a cluster-wide one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceRef {
    /// The kind: `ExternalSecret`.
    pub kind: String,
    /// The namespace, for a namespaced kind.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

from_text!(
    ResourceRef,
    "ResourceRef",
    "^[A-Za-z]+ ([a-z0-9.-]+/)?[a-z0-9.-]+$",
    "an object such as `ExternalSecret namespace/name`"
);

impl FromStr for ResourceRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(' ').ok_or_else(|| {
            format!("`{text}` names no kind; write it as `ExternalSecret namespace/name`")
        })?;
        if kind.is_empty() || !kind.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(format!("`{kind}` is not a kind"));
        }
        let (namespace, name) = match name.trim().split_once('/') {
            Some((namespace, name)) => (Some(object_name(namespace)?.to_owned()), name),
            None => (None, name.trim()),
        };
        Ok(Self {
            kind: kind.to_owned(),
            namespace,
            name: object_name(name)?.to_owned(),
        })
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// Who asks a vault.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ClientName {
    /// The operator.
    #[default]
    Operator,
    /// The harness itself, when it writes.
    Harness,
    /// Either.
    Any,
}
