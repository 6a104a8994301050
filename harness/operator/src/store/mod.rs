//! The store controllers: validate, write down the outcome, come back (ESO 2.9.0, `pkg/controllers/secretstore`).

mod clients;
mod namespaces;
mod object;
mod reconcile;
mod selector;

pub(crate) use clients::Clients;
pub(crate) use object::StoreObject;
pub(crate) use reconcile::{reconcile, whole_seconds};

use rotaproof_kinds::external_secrets::{Condition, SecretStoreSpec};

use crate::engine::CONTROLLER_CLASS;

/// Whether a store is meant for this controller.
pub(crate) fn is_ours(spec: &SecretStoreSpec) -> bool {
    spec.controller
        .as_deref()
        .is_none_or(|class| class.is_empty() || class == CONTROLLER_CLASS)
}

/// Puts a condition last among the others, unless it says what is said already. `lastTransitionTime` moves only
/// with the status.
pub(crate) fn set_condition(conditions: &mut Vec<Condition>, mut condition: Condition) {
    if let Some(current) = conditions
        .iter()
        .find(|c| c.type_ == condition.type_ && c.status == condition.status)
    {
        if current.reason == condition.reason && current.message == condition.message {
            return;
        }
        condition.last_transition_time = current.last_transition_time.clone();
    }
    conditions.retain(|c| c.type_ != condition.type_);
    conditions.push(condition);
}
