//! A store's Ready condition.

use rotaproof_scenario::StoreName;
use rotaproof_scenario::model::expect::StoreExpectation;

use super::{Checked, Mismatch};
use crate::explain::About;
use crate::world::{Condition, Kind, State};

/// What is expected of a Ready condition.
pub(super) struct Readiness<'a> {
    pub(super) ready: Option<&'a str>,
    pub(super) not_ready: Option<&'a str>,
    pub(super) message: Option<&'a str>,
}

pub(super) fn check(state: &State, expected: &StoreExpectation) -> Checked {
    let (kind, name) = match &expected.store.value {
        StoreName::Cluster(name) => (Kind::ClusterSecretStore, name.clone()),
        StoreName::Namespaced(name) => (Kind::SecretStore, name.to_string()),
    };
    let readiness = Readiness {
        ready: expected.ready.as_deref(),
        not_ready: expected.not_ready.as_deref(),
        message: expected.message.as_deref(),
    };
    let subject = format!("{} {name}", kind.name());
    let condition = state
        .object(kind, &name)
        .map(|seen| seen.condition("Ready"));
    check_ready(&subject, condition, &readiness, About::Store(name))
}

/// Compares a Ready condition; `None` is an object that does not exist.
pub(super) fn check_ready(
    subject: &str,
    condition: Option<Option<Condition>>,
    expected: &Readiness<'_>,
    about: About,
) -> Checked {
    let holds = condition
        .as_ref()
        .and_then(Option::as_ref)
        .is_some_and(|condition| {
            let is = |status: &str, reason: Option<&str>| {
                reason.is_none_or(|reason| condition.status == status && condition.reason == reason)
            };
            is("True", expected.ready)
                && is("False", expected.not_ready)
                && expected
                    .message
                    .is_none_or(|message| condition.message.contains(message))
        });
    if holds {
        let reason = expected
            .ready
            .or(expected.not_ready)
            .unwrap_or("as expected");
        return Ok(format!("{subject} is {reason}"));
    }
    let mut wanted = match (expected.ready, expected.not_ready) {
        (Some(reason), _) => format!("Ready=True {reason}"),
        (None, Some(reason)) => format!("Ready=False {reason}"),
        (None, None) => "a Ready condition".into(),
    };
    if let Some(message) = expected.message {
        wanted.push_str(&format!(" with `{message}`"));
    }
    Err(Mismatch {
        what: format!("{subject} is not as expected"),
        expected: wanted,
        actual: match condition {
            None => "it does not exist".into(),
            Some(None) => "it has no Ready condition yet".into(),
            Some(Some(c)) => format!("Ready={} {}: {}", c.status, c.reason, c.message),
        },
        about,
    })
}
