//! Rotations: what to do, and what was done.

use rotaproof_scenario::model::step;
use rotaproof_scenario::model::step::Strategy;
use rotaproof_scenario::{Located, VersionName};

use super::Value;

/// How to rotate a secret, `vault/secret`: all of it with new values, by the vault's plain write, unless said otherwise.
///
/// ```
/// use rotaproof::{Rotate, Strategy};
///
/// let staged = Rotate::of("aws/prod/db").strategy(Strategy::Staged).only(["password"]);
/// # let _ = staged;
/// ```
#[derive(Clone, Debug)]
pub struct Rotate {
    secret: String,
    strategy: Strategy,
    only: Option<Vec<String>>,
    to: Option<VersionName>,
    values: Vec<(String, Value)>,
}

impl Rotate {
    /// Rotates a secret: `aws/prod/db` is `prod/db` of the vault that is declared as `aws`.
    pub fn of(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            strategy: Strategy::default(),
            only: None,
            to: None,
            values: Vec::new(),
        }
    }

    /// How the new version becomes current.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Makes an earlier version current again.
    pub fn back_to(mut self, version: VersionName) -> Self {
        self.strategy = Strategy::RollBack;
        self.to = Some(version);
        self
    }

    /// Gives only these fields a new value.
    pub fn only<F: Into<String>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.only = Some(fields.into_iter().map(Into::into).collect());
        self
    }

    /// Gives a field this value, in place of a generated one.
    pub fn value(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.push((field.into(), value.into()));
        self
    }

    pub(super) fn step(self, mark: &Mark) -> Result<step::Rotate, String> {
        let secret: rotaproof_scenario::SecretRef = self.secret.parse()?;
        let only = self
            .only
            .map(|fields| fields.into_iter().map(Located::from));
        let values = self.values.into_iter();
        Ok(step::Rotate {
            secret: secret.into(),
            strategy: self.strategy.into(),
            fields: only.map(Iterator::collect),
            to: self.to.map(Located::from),
            values: values
                .map(|(field, value)| (field.into(), value.0))
                .collect(),
            times: 1,
            every: None,
            name: Some(mark.name().into()),
        })
    }
}

impl From<&str> for Rotate {
    fn from(secret: &str) -> Self {
        Self::of(secret)
    }
}

/// A rotation that the vault has acknowledged. Its [`Staleness`](crate::Staleness) is read with
/// [`Lab::staleness`](crate::Lab::staleness).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Its place among the lab's rotations.
    pub(super) index: usize,
    pub(super) mark: Mark,
}

/// A moment that expectations count from: `requests("aws").since(&mark)`. A [`Rotation`] is one too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    pub(super) fn new(name: String) -> Self {
        Self(name)
    }

    pub(super) fn name(&self) -> String {
        self.0.clone()
    }
}

impl From<&Rotation> for Mark {
    fn from(rotation: &Rotation) -> Self {
        rotation.mark.clone()
    }
}

impl From<&Mark> for Mark {
    fn from(mark: &Mark) -> Self {
        mark.clone()
    }
}
