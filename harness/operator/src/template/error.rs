//! Errors of templates, in ESO's and Go's words.

use crate::value::SecretMap;

/// Why a template could not be rendered; never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(String);

impl TemplateError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// `context: error`.
    pub(super) fn within(self, context: &str) -> Self {
        Self(format!("{context}: {}", self.0))
    }

    /// The same without the values that a template can put into an error, with `fail` for one.
    pub(super) fn without(self, data: &SecretMap) -> Self {
        // Shorter values occur in ordinary words.
        const SHORTEST: usize = 4;
        let values = data
            .values()
            .filter_map(|value| value.expose_str())
            .filter(|value| value.len() >= SHORTEST);
        Self(values.fold(self.0, |text, value| {
            if text.contains(value) {
                text.replace(value, "[redacted]")
            } else {
                text
            }
        }))
    }
}
