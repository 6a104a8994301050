//! Why a lab could not be had.

/// The environment failed (exit code 3).
#[derive(Clone, Debug, thiserror::Error)]
#[error("{part} could not {action}: {reason}")]
pub struct Error {
    /// What failed: `the gateway`.
    pub part: &'static str,
    /// What it should have done: `start`.
    pub action: &'static str,
    /// Why, in its own words.
    pub reason: String,
    /// The last lines that it printed, oldest first, where it printed any.
    pub evidence: Vec<String>,
    /// What to do about it, where more is known than to look closer.
    pub next: Option<String>,
}

impl Error {
    /// `map_err(Error::starting("the gateway"))`
    pub(crate) fn starting<E: std::fmt::Display>(part: &'static str) -> impl FnOnce(E) -> Self {
        move |reason| Self {
            part,
            action: "start",
            reason: reason.to_string(),
            evidence: Vec::new(),
            next: None,
        }
    }
}
