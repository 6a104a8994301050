//! An observation as sequences of lines, by subject and aspect: what is compared, before any rule.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rotaproof_events::{
    ObjectHistory, Observation, Refresh, SecretState, SeenEvent, SeenRequest, Verdict,
};

/// Sequences of lines by subject (`Secret ns/name`) and aspect (`data`).
pub(crate) type Facts = IndexMap<(String, String), Vec<String>>;

/// The subject of what is not about an object.
pub(crate) const SCENARIO: &str = "Scenario";

/// Requests of one vault, by the ExternalSecrets that they are for.
pub(crate) type Requests = IndexMap<(String, String), Vec<Refresh>>;

/// All facts but the requests, which the rules look at before they become lines.
pub(crate) fn of(observation: &Observation) -> Facts {
    let mut facts = Facts::new();
    let mut put = |subject: &str, aspect: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            facts.insert((subject.to_owned(), aspect.to_owned()), lines);
        }
    };
    put(
        SCENARIO,
        "verdict",
        vec![verdict(observation.verdict).to_owned()],
    );
    put(
        SCENARIO,
        "failure",
        observation.failure.clone().into_iter().collect(),
    );
    put(SCENARIO, "findings", observation.findings.clone());
    for (name, object) in &observation.objects {
        for (aspect, lines) in object_facts(object) {
            put(name, &aspect, lines);
        }
    }
    for (name, states) in &observation.secrets {
        let subject = format!("Secret {name}");
        for (aspect, lines) in secret_facts(states) {
            put(&subject, &aspect, lines);
        }
    }
    for (about, events) in &observation.events {
        put(about, "events", events.iter().map(event).collect());
    }
    put(
        "Hosts that no vault claims",
        "asked",
        observation.strangers.clone(),
    );
    for (pod, reports) in &observation.pods {
        let subject = format!("What pod {pod} saw");
        for (place, lines) in pod_facts(reports) {
            put(&subject, &place, lines);
        }
    }
    facts
}

/// The requests, by vault and by whom they are for.
pub(crate) fn requests(observation: &Observation) -> Requests {
    let mut all = Requests::new();
    for (vault, refreshes) in &observation.vaults {
        for refresh in refreshes {
            let aspect = match refresh.of.is_empty() {
                true => "requests for no secret".to_owned(),
                false => format!("requests of ExternalSecret {}", refresh.of.join(" or ")),
            };
            all.entry((format!("Vault {vault}"), aspect))
                .or_default()
                .push(refresh.clone());
        }
    }
    all
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Errored => "in error",
        Verdict::Skipped => "skipped",
        Verdict::Interrupted => "interrupted",
    }
}

fn object_facts(object: &ObjectHistory) -> Vec<(String, Vec<String>)> {
    let mut facts = Vec::new();
    for (kind, conditions) in &object.conditions {
        let lines = conditions
            .iter()
            .map(|c| format!("{} {}: {}", c.status, c.reason, c.message));
        facts.push((format!("condition {kind}"), lines.collect()));
    }
    let one = |text: &Option<String>| text.clone().into_iter().collect::<Vec<_>>();
    facts.push((
        "refreshes".into(),
        match object.refreshes {
            0 => Vec::new(),
            n => vec![n.to_string()],
        },
    ));
    facts.push(("status.binding.name".into(), one(&object.binding)));
    facts.push(("status.capabilities".into(), one(&object.capabilities)));
    // The hash covers the annotations, and a forced sync writes the time into one.
    let stamped = object.annotations.contains_key("force-sync");
    let synced = object.synced_version.as_ref().map(|version| match stamped {
        true => format!("{version} (hashes a time)"),
        false => version.clone(),
    });
    facts.push(("status.syncedResourceVersion".into(), one(&synced)));
    let finalizers = object.finalizers.iter().map(|all| list(all)).collect();
    facts.push(("finalizers".into(), finalizers));
    for (what, map) in [
        ("label", &object.labels),
        ("annotation", &object.annotations),
    ] {
        for (key, value) in map {
            facts.push((format!("{what} {key}"), vec![value.clone()]));
        }
    }
    if object.gone {
        facts.push(("existence".into(), vec!["gone at the end".into()]));
    }
    facts
}

/// A map of a Secret.
type MapOf = fn(&SecretState) -> &BTreeMap<String, String>;

fn secret_facts(states: &[Option<SecretState>]) -> Vec<(String, Vec<String>)> {
    let mut facts = Vec::new();
    let each = |aspect: &str, of: &dyn Fn(&SecretState) -> String| {
        let lines = states.iter().map(|state| match state {
            Some(state) => of(state),
            None => "gone".to_owned(),
        });
        (aspect.to_owned(), changes(lines))
    };
    facts.push(each("data", &|state| {
        let held = state
            .holds
            .iter()
            .map(|(key, value)| format!("{key}: {value}"));
        list(&held.collect::<Vec<_>>())
    }));
    facts.push(each("type", &|state| state.kind.clone()));
    facts.push(each("owners", &|state| list(&state.owners)));
    facts.push(each("finalizers", &|state| list(&state.finalizers)));
    facts.push(each("immutable", &|state| match state.immutable {
        Some(immutable) => immutable.to_string(),
        None => "unset".to_owned(),
    }));
    facts.push(each("managers", &|state| list(&state.managers)));
    let maps: [(&str, MapOf); 2] = [
        ("label", |state| &state.labels),
        ("annotation", |state| &state.annotations),
    ];
    for (what, map) in maps {
        let mut keys: Vec<&String> = states
            .iter()
            .flatten()
            .flat_map(|s| map(s).keys())
            .collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            facts.push(each(&format!("{what} {key}"), &|state| {
                map(state)
                    .get(key)
                    .map_or("absent".to_owned(), Clone::clone)
            }));
        }
    }
    facts
}

fn pod_facts(reports: &[BTreeMap<String, String>]) -> Vec<(String, Vec<String>)> {
    let mut places: Vec<&String> = reports.iter().flat_map(BTreeMap::keys).collect();
    places.sort();
    places.dedup();
    let of = |place: &String| {
        let held = reports
            .iter()
            .map(|report| report.get(place).map_or("absent".to_owned(), Clone::clone));
        (place.clone(), changes(held))
    };
    places.into_iter().map(of).collect()
}

fn event(event: &SeenEvent) -> String {
    let SeenEvent {
        namespace,
        kind,
        reason,
        message,
        component,
        count,
    } = event;
    format!("{kind} {reason}: {message} (by {component} in {namespace}, x{count})")
}

/// A request in one line: `GetSecretValue prod/notebook/aws by role -> 200 v1`.
pub(crate) fn request(request: &SeenRequest) -> String {
    let mut line = request.operation.clone();
    if let Some(secret) = &request.secret {
        line.push_str(&format!(" {secret}"));
    }
    if let Some(identity) = &request.identity {
        line.push_str(&format!(" by {identity}"));
    }
    match request.status {
        Some(status) => line.push_str(&format!(" -> {status}")),
        None => line.push_str(" -> no answer"),
    }
    for version in &request.versions {
        line.push_str(&format!(" {version}"));
    }
    if let Some(refusal) = &request.refusal {
        line.push_str(&format!(" ({refusal})"));
    }
    if let Some(fault) = &request.fault {
        line.push_str(&format!(" [fault {fault}]"));
    }
    line
}

fn list(all: &[String]) -> String {
    match all.is_empty() {
        true => "none".to_owned(),
        false => all.join(", "),
    }
}

/// The same line never twice in a row.
fn changes(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = lines.collect();
    all.dedup();
    all
}
