//! A Kubernetes Secret.

use rotaproof_scenario::VersionName;
use rotaproof_scenario::model::expect::{Owner, SecretExpectation};

use super::{Expect, Holds, subject};

subject! {
    /// A Kubernetes Secret: see [`secret`].
    Secret, SecretExpectation, Secret
}

/// Says what must hold of a Kubernetes Secret, `namespace/name`.
pub fn secret(name: &str) -> Expect<Secret> {
    Expect::of(name.parse().map(|name: rotaproof_scenario::ObjectName| {
        Secret(SecretExpectation {
            secret: name.into(),
            is: None,
            keys: Default::default(),
            has_keys: None,
            absent: None,
            owned_by: None,
            labels: Default::default(),
            annotations: Default::default(),
            immutable: None,
            contains: Default::default(),
        })
    }))
}

impl Expect<Secret> {
    /// Every key that an ExternalSecret maps holds this version.
    pub fn is(self, version: VersionName) -> Self {
        self.with(|secret| secret.0.is = Some(version.into()))
    }

    /// One key holds a version, or a value by its full name.
    pub fn key(self, key: &str, holds: impl Into<Holds>) -> Self {
        self.try_with(|secret| {
            let holds = holds.into().0?;
            secret.0.keys.insert(key.to_owned().into(), holds.into());
            Ok(())
        })
    }

    /// One key holds a text in which a value occurs, named in full: `vault/secret#field@version`.
    pub fn contains(self, key: &str, value: &str) -> Self {
        self.try_with(|secret| {
            let value: rotaproof_scenario::ValueRef = value.parse()?;
            secret
                .0
                .contains
                .insert(key.to_owned().into(), value.into());
            Ok(())
        })
    }

    /// It has exactly these keys.
    pub fn has_keys<'a>(self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let keys = keys.into_iter().map(|key| key.to_owned().into()).collect();
        self.with(|secret| secret.0.has_keys = Some(keys))
    }

    /// It does not exist.
    pub fn absent(self) -> Self {
        self.with(|secret| secret.0.absent = Some(true))
    }

    /// Its owner is this ExternalSecret, `namespace/name`.
    pub fn owned_by(self, externalsecret: &str) -> Self {
        self.try_with(|secret| {
            secret.0.owned_by = Some(Owner(externalsecret.parse()?).into());
            Ok(())
        })
    }

    /// It carries this label.
    pub fn label(self, name: &str, value: &str) -> Self {
        self.with(|secret| {
            secret.0.labels.insert(name.to_owned(), value.to_owned());
        })
    }

    /// It carries this annotation.
    pub fn annotation(self, name: &str, value: &str) -> Self {
        self.with(|secret| {
            secret
                .0
                .annotations
                .insert(name.to_owned(), value.to_owned());
        })
    }

    /// It is immutable, or not.
    pub fn immutable(self, immutable: bool) -> Self {
        self.with(|secret| secret.0.immutable = Some(immutable))
    }
}
