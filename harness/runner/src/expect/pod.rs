//! A pod: what its probe sees, its phase, why it waits, its log.

use rotaproof_base::Fingerprint;
use rotaproof_events::human;
use rotaproof_scenario::model::expect::{EnvExpectation, Expected, PodExpectation};
use rotaproof_scenario::{PodRef, PodSource, PodSources};

use super::origin::{Wanted, held};
use super::{Checked, Mismatch};
use crate::explain::About;
use crate::stage::{Stage, Trouble};
use crate::world::{Kind, Seen, State};

pub(super) fn check(stage: &Stage<'_>, expected: &PodExpectation) -> Result<Checked, Trouble> {
    let state = stage.world.state();
    let shown = expected.pod.value.to_string();
    let name = match &expected.pod.value {
        PodRef::Name(name) => Some(name.to_string()),
        PodRef::Alias(alias) => state.pod_by_alias(alias),
    };
    let about = About::Pod(name.clone().unwrap_or_else(|| shown.clone()));
    let mismatch = |what: String, expected: String, actual: String| {
        Ok(Err(Mismatch {
            what,
            expected,
            actual,
            about: about.clone(),
        }))
    };
    let found = name
        .as_deref()
        .and_then(|name| Some((name, state.object(Kind::Pod, name)?)));
    let Some((name, seen)) = found else {
        return mismatch(
            format!("pod `{shown}` does not exist"),
            "it exists".into(),
            "no such pod".into(),
        );
    };
    if let Some((what, expected, actual)) = status(expected, seen) {
        return mismatch(
            format!("{what} of pod `{shown}` is not as expected"),
            expected,
            actual,
        );
    }
    if let Some(text) = &expected.logs
        && !state
            .log(name)
            .iter()
            .any(|line| line.contains(text.as_str()))
    {
        return mismatch(
            format!("the log of pod `{shown}` is not as expected"),
            format!("a line with `{text}`"),
            format!("{} lines without it", state.log(name).len()),
        );
    }
    let now = stage.lab.clock.elapsed();
    for (place, wanted, actual) in places(stage, &state, name, seen, expected)? {
        let (expected, holds) = match &wanted {
            Some(wanted) => (
                wanted.name.clone(),
                actual.as_ref().is_some_and(|f| wanted.is(f)),
            ),
            None => ("it is not set".into(), actual.is_none()),
        };
        if !holds {
            let actual = match actual {
                Some(fingerprint) => held(&state, &fingerprint, now),
                None if state.report(name).is_none() => {
                    format!(
                        "the pod has not reported, {} after the scenario's start",
                        human(now)
                    )
                }
                None => "it is not set".into(),
            };
            return mismatch(
                format!("{place} of pod `{shown}` is not as expected"),
                expected,
                actual,
            );
        }
    }
    Ok(Ok(format!("pod `{shown}` is as expected")))
}

/// A variable or file, what it should hold (nothing where it must be absent) and what it holds.
type Place = (String, Option<Wanted>, Option<Fingerprint>);

fn places(
    stage: &Stage<'_>,
    state: &State,
    name: &str,
    seen: &Seen,
    expected: &PodExpectation,
) -> Result<Vec<Place>, Trouble> {
    let mapping = &stage.mapping(state);
    let object = serde_json::to_value(&seen.object).unwrap_or_default();
    let sources = PodSources::of(&object).unwrap_or_default();
    let report = state.report(name);
    let wanted = |place: &str, source: Option<PodSource>, expected: &Expected| {
        Wanted::of_source(state, mapping, source, expected).map_err(|reason| {
            Trouble::failed(format!(
                "{place} of pod {name} cannot be followed to a vault: {reason}"
            ))
            .about(About::Pod(name.to_owned()))
        })
    };
    let mut places = Vec::new();
    for (variable, expected) in &expected.env {
        let place = format!("env {variable}");
        let wanted = match &expected.value {
            EnvExpectation::Absent => None,
            EnvExpectation::Holds(expected) => {
                Some(wanted(&place, sources.env(variable, mapping), expected)?)
            }
        };
        let actual = report.and_then(|report| report.env.get(variable.value.as_str()));
        places.push((place, wanted, actual.cloned()));
    }
    for (path, expected) in &expected.files {
        let place = format!("file {path}");
        let wanted = wanted(&place, sources.file(path, mapping), &expected.value)?;
        let actual = report.and_then(|report| report.files.get(path.value.as_str()));
        places.push((place, Some(wanted), actual.cloned()));
    }
    Ok(places)
}

/// What of the status is not as expected: its name, expected, actual.
fn status(expected: &PodExpectation, seen: &Seen) -> Option<(String, String, String)> {
    let phase = seen.text("/status/phase").unwrap_or("Pending");
    if let Some(wanted) = &expected.phase
        && wanted != phase
    {
        return Some(("the phase".into(), wanted.clone(), phase.to_owned()));
    }
    let wanted = expected.waiting.as_ref()?;
    let statuses = seen
        .at("/status/containerStatuses")
        .and_then(|s| s.as_array());
    let waiting: Vec<&str> = statuses
        .into_iter()
        .flatten()
        .filter_map(|status| status["state"]["waiting"]["reason"].as_str())
        .collect();
    match waiting.contains(&wanted.as_str()) {
        true => None,
        false => {
            let actual = if waiting.is_empty() {
                phase.to_owned()
            } else {
                waiting.join(", ")
            };
            Some(("what a container waits for".into(), wanted.clone(), actual))
        }
    }
}
