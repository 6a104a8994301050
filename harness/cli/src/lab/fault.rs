//! Faults: a vault misbehaves towards the operator.

use std::time::Duration;

use rotaproof_scenario::Period;
use rotaproof_scenario::model::step::{self, FaultModel, Status, True};

/// What goes wrong with the operator's requests to a vault: with all of them, until healed, unless said otherwise.
///
/// ```
/// use rotaproof::Fault;
///
/// let throttled = Fault::status("aws", 429).operation("GetSecretValue").first(3);
/// # let _ = throttled;
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    vault: String,
    model: FaultModel,
    operation: Option<String>,
    first: Option<u32>,
}

impl Fault {
    /// Each answer comes this much later.
    pub fn latency(vault: impl Into<String>, late: Duration) -> Self {
        Self::of(vault, FaultModel::Latency(Period(late)))
    }

    /// The vault is not asked; the answer has this status.
    pub fn status(vault: impl Into<String>, code: u16) -> Self {
        let status = Status {
            code,
            retry_after: None,
        };
        Self::of(vault, FaultModel::Status(status))
    }

    /// The connection is reset.
    pub fn reset(vault: impl Into<String>) -> Self {
        Self::of(vault, FaultModel::Reset(True))
    }

    /// No answer ever comes.
    pub fn hang(vault: impl Into<String>) -> Self {
        Self::of(vault, FaultModel::Hang(True))
    }

    fn of(vault: impl Into<String>, model: FaultModel) -> Self {
        Self {
            vault: vault.into(),
            model,
            operation: None,
            first: None,
        }
    }

    /// Only requests of this operation, by the vault's own name of it.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only the first of them.
    #[must_use]
    pub fn first(mut self, requests: u32) -> Self {
        self.first = Some(requests);
        self
    }

    /// A status comes with this `Retry-After`, in whole seconds; any other fault has none.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        if let FaultModel::Status(status) = &mut self.model {
            status.retry_after = Some(Period(after));
        }
        self
    }

    pub(super) fn step(self, name: &str) -> step::Fault {
        step::Fault {
            vault: self.vault.into(),
            model: self.model,
            operation: self.operation,
            first: self.first,
            name: Some(name.to_owned().into()),
        }
    }
}
