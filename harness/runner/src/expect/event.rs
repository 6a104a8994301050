//! Kubernetes Events about an object.

use rotaproof_scenario::model::expect::EventExpectation;

use super::count::Count;
use super::{Checked, Mismatch};
use crate::explain::About;
use crate::stage::{Stage, Trouble};
use crate::world::{Kind, Seen};

pub(super) fn check(stage: &Stage<'_>, expected: &EventExpectation) -> Result<Checked, Trouble> {
    let filter = &expected.event;
    let on = &filter.on.value;
    let since = match &expected.since {
        Some(mark) => Some(stage.marked(&mark.value.0)?),
        None => None,
    };
    let state = stage.world.state();
    let about = |event: &Seen| {
        let text = |field: &str| event.text(&format!("/involvedObject/{field}"));
        text("kind") == Some(&on.kind)
            && text("name") == Some(&on.name)
            && text("namespace").filter(|n| !n.is_empty()) == on.namespace.as_deref()
    };
    let matches = |event: &Seen| {
        filter
            .reason
            .as_deref()
            .is_none_or(|reason| event.text("/reason") == Some(reason))
            && filter
                .r#type
                .is_none_or(|kind| event.text("/type") == Some(kind.as_str()))
            && since.is_none_or(|moment| event.at >= moment.elapsed)
            && expected.message.as_deref().is_none_or(|message| {
                event
                    .text("/message")
                    .is_some_and(|text| text.contains(message))
            })
    };
    let all: Vec<&Seen> = state
        .objects(Kind::Event)
        .map(|(_, seen)| seen.as_ref())
        .filter(|event| about(event))
        .collect();
    let times = |event: &&Seen| event.at("/count").and_then(|n| n.as_u64()).unwrap_or(1);
    let actual = all
        .iter()
        .copied()
        .filter(|event| matches(event))
        .map(|e| times(&e))
        .sum();
    let count = Count {
        exactly: expected.count,
        at_least: expected.at_least,
        at_most: None,
    };
    let reason = filter.reason.as_deref().unwrap_or("Event");
    if count.holds(actual) {
        return Ok(Ok(format!("{actual} x {reason} on {on}")));
    }
    let seen: Vec<String> = all
        .iter()
        .map(|event| {
            let text = |field: &str| event.text(field).unwrap_or_default();
            format!(
                "{} {} `{}` x{}",
                text("/type"),
                text("/reason"),
                text("/message"),
                times(event)
            )
        })
        .collect();
    let message = expected
        .message
        .as_deref()
        .map(|m| format!(" with `{m}`"))
        .unwrap_or_default();
    Ok(Err(Mismatch {
        what: format!("{on} has not the Events that it should have"),
        expected: format!("{} x {reason}{message}", count.text()),
        actual: if seen.is_empty() {
            "no Events".into()
        } else {
            seen.join("; ")
        },
        about: match (on.kind.as_str(), &on.namespace) {
            ("Pod", Some(namespace)) => About::Pod(format!("{namespace}/{}", on.name)),
            ("ExternalSecret", Some(namespace)) => {
                About::ExternalSecret(format!("{namespace}/{}", on.name))
            }
            (_, Some(namespace)) => About::Store(format!("{namespace}/{}", on.name)),
            (_, None) => About::Store(on.name.clone()),
        },
    }))
}
