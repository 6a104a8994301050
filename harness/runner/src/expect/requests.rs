//! The requests that reached a vault, by its journal.

use rotaproof_events::human;
use rotaproof_gateway::{ClientKind, Entry};
use rotaproof_scenario::ClientName;
use rotaproof_scenario::model::expect::{RequestFilter, RequestsExpectation};

use super::count::Count;
use super::{Checked, Mismatch};
use crate::explain::About;
use crate::stage::{Stage, Trouble};

pub(super) fn check(stage: &Stage<'_>, expected: &RequestsExpectation) -> Result<Checked, Trouble> {
    let filter = &expected.requests;
    let since = match &expected.since {
        Some(mark) => stage.marked(&mark.value.0)?.journal,
        None => 0,
    };
    let found: Vec<_> = stage
        .world
        .journal
        .since(since)
        .into_iter()
        .filter(|entry| matches(entry, filter))
        .collect();
    let count = Count {
        exactly: expected.count,
        at_least: expected.at_least,
        at_most: expected.at_most,
    };
    let actual = found.len() as u64;
    let asked = filter.operation.as_deref().unwrap_or("requests");
    if count.holds(actual) {
        return Ok(Ok(format!("{actual} x {asked}")));
    }
    let times: Vec<String> = found
        .iter()
        .map(|entry| format!("+{}", human(entry.elapsed)))
        .collect();
    let mark = expected
        .since
        .as_ref()
        .map(|mark| format!(" since `{mark}`"))
        .unwrap_or_default();
    Ok(Err(Mismatch {
        what: format!(
            "{} was asked for {asked} another number of times{mark}",
            filter.vault
        ),
        expected: format!("{} x {asked}", count.text()),
        actual: match times.as_slice() {
            [] => "none".into(),
            times => format!("{actual}, at {}", times.join(", ")),
        },
        about: About::Vault(filter.vault.value.clone()),
    }))
}

fn matches(entry: &Entry, filter: &RequestFilter) -> bool {
    let client = match filter.client {
        ClientName::Operator => entry.client == ClientKind::Operator,
        ClientName::Harness => entry.client == ClientKind::Harness,
        ClientName::Any => true,
    };
    client
        && entry.vault.as_deref() == Some(filter.vault.value.as_str())
        && filter
            .operation
            .as_deref()
            .is_none_or(|operation| &*entry.operation == operation)
        && filter
            .secret
            .as_ref()
            .is_none_or(|s| entry.secret.as_deref() == Some(s.value.as_str()))
        && filter
            .status
            .is_none_or(|status| entry.status == Some(status))
        && filter.identity.as_deref().is_none_or(|wanted| {
            entry
                .identity
                .as_deref()
                .is_some_and(|id| id.contains(wanted))
        })
}
