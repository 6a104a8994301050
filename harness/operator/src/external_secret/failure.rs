//! Why a sync failed, and what follows from it.

use kube::Error;

use crate::kube_error;
use crate::provider::ProviderError;

/// What the reconciler does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// The condition says so, and the item backs off.
    Retry,
    /// The item backs off, and the status says nothing.
    Silent,
    /// `deletionPolicy` decides.
    NoSecret,
    /// Somebody else wrote first: at once again, without a condition.
    Conflict,
    /// Another ExternalSecret owns the target.
    IsOwned,
    /// Another controller owns the target.
    CannotOwn,
    /// The target may not change.
    Immutable,
}

/// A failure in ESO's words. Never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) text: String,
    pub(super) consequence: Consequence,
}

impl Failure {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            consequence: Consequence::Retry,
        }
    }

    pub(super) fn with(consequence: Consequence, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            consequence,
        }
    }

    /// The same failure behind some context, as Go's `%w` keeps it.
    pub(super) fn within(mut self, context: &str) -> Self {
        self.text = format!("{context}: {}", self.text);
        self
    }

    /// A failed write; a conflict stays as it is, whatever the context.
    pub(super) fn of_write(error: &Error, context: &str) -> Self {
        if kube_error::is_conflict(error) {
            return Self::with(Consequence::Conflict, kube_error::text(error));
        }
        Self::from(error).within(context)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let consequence = if kube_error::is_conflict(error) {
            Consequence::Conflict
        } else {
            Consequence::Retry
        };
        Self::with(consequence, kube_error::text(error))
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        let consequence = match error {
            ProviderError::NoSecret => Consequence::NoSecret,
            ProviderError::Panic(_) => Consequence::Silent,
            ProviderError::Other(_) => Consequence::Retry,
        };
        Self::with(consequence, error.to_string())
    }
}
