//! The lines that explain: pod, Secret, ExternalSecret, store with their Events, and the journal.

use std::sync::Arc;

use rotaproof_events::{Evidence, human};
use rotaproof_gateway::{ClientKind, Entry};

use super::chain::Chain;
use crate::world::{Kind, Seen, State};

/// Journal lines shown at most: the last ones.
const JOURNAL_LINES: usize = 8;

pub(super) fn gather(state: &State, chain: &Chain, journal: &[Arc<Entry>]) -> Vec<Evidence> {
    let mut all = Vec::new();
    if let Some(pod) = &chain.pod {
        all.push(of_pod(state, pod));
    }
    for secret in &chain.secrets {
        all.push(of_secret(state, secret));
    }
    for name in &chain.external_secrets {
        all.push(of_synced(state, Kind::ExternalSecret, name));
    }
    for (kind, name) in &chain.stores {
        all.push(of_synced(state, *kind, name));
    }
    all.push(of_journal(state, chain, journal));
    all
}

pub(super) fn of_pod(state: &State, pod: &str) -> Evidence {
    let alias = state.pod_name(pod);
    let mut lines = Vec::new();
    match state.object(Kind::Pod, pod) {
        Some(seen) => {
            let started = seen.text("/status/startTime").unwrap_or("not started");
            lines.push(format!(
                "phase {}, start {started}",
                seen.text("/status/phase").unwrap_or("unknown")
            ));
            let statuses = seen
                .at("/status/containerStatuses")
                .and_then(|s| s.as_array());
            for status in statuses.into_iter().flatten() {
                if let Some(waiting) = status["state"]["waiting"].as_object() {
                    let text = |field: &str| {
                        waiting
                            .get(field)
                            .and_then(|v| v.as_str())
                            .unwrap_or_default()
                    };
                    lines.push(format!(
                        "container {} waits: {} {}",
                        status["name"].as_str().unwrap_or_default(),
                        text("reason"),
                        text("message"),
                    ));
                }
            }
        }
        None => lines.push("no such pod".into()),
    }
    let report = state.report(pod);
    for (place, fingerprint) in report.iter().flat_map(|report| report.places()) {
        if state.ledger.find(fingerprint).is_some() {
            lines.push(format!("{place} holds {}", state.describe(fingerprint)));
        }
    }
    lines.extend(events_of(state, "Pod", pod));
    let title = if alias == pod {
        format!("Pod {pod}")
    } else {
        format!("Pod {pod} (`{alias}`)")
    };
    Evidence { title, lines }
}

pub(super) fn of_secret(state: &State, name: &str) -> Evidence {
    let lines = match state.object(Kind::Secret, name) {
        Some(seen) => seen
            .fingerprints()
            .map(|(key, fingerprint)| format!("{key} holds {}", state.describe(fingerprint)))
            .collect(),
        None => vec!["no such Secret".into()],
    };
    Evidence {
        title: format!("Secret {name}"),
        lines,
    }
}

pub(super) fn of_synced(state: &State, kind: Kind, name: &str) -> Evidence {
    let mut lines = Vec::new();
    match state.object(kind, name) {
        Some(seen) => {
            match seen.condition("Ready") {
                Some(ready) => lines.push(format!(
                    "Ready={} {}: {}",
                    ready.status, ready.reason, ready.message
                )),
                None => lines.push("has no Ready condition yet".into()),
            }
            if let Some(time) = seen.text("/status/refreshTime") {
                let interval = seen.text("/spec/refreshInterval").unwrap_or("unset");
                lines.push(format!("refreshTime {time}, refreshInterval {interval}"));
            }
        }
        None => lines.push(format!("no such {}", kind.name())),
    }
    lines.extend(events_of(state, kind.name(), name));
    Evidence {
        title: format!("{} {name}", kind.name()),
        lines,
    }
}

/// The Events about an object, oldest first.
pub(super) fn events_of(state: &State, kind: &str, name: &str) -> Vec<String> {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let about = |event: &Seen| {
        let about = |field: &str| {
            event
                .text(&format!("/involvedObject/{field}"))
                .unwrap_or_default()
        };
        about("kind") == kind && about("name") == name && about("namespace") == namespace
    };
    events(state, about, |_| String::new())
}

/// All Events with what they are about, oldest first.
pub(super) fn all_events(state: &State) -> Vec<String> {
    let about = |event: &Seen| {
        let text = |field: &str| {
            event
                .text(&format!("/involvedObject/{field}"))
                .unwrap_or_default()
                .to_owned()
        };
        match text("namespace").as_str() {
            "" => format!("{} {} ", text("kind"), text("name")),
            namespace => format!("{} {namespace}/{} ", text("kind"), text("name")),
        }
    };
    events(state, |_| true, about)
}

/// When an Event was seen last. The scheduler, like all who write `events.k8s.io`, leaves `lastTimestamp` empty.
fn last_seen(event: &Seen) -> &str {
    [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
    ]
    .into_iter()
    .find_map(|field| event.text(field))
    .unwrap_or_default()
}

fn events(
    state: &State,
    wanted: impl Fn(&Seen) -> bool,
    about: impl Fn(&Seen) -> String,
) -> Vec<String> {
    let mut found: Vec<(String, String)> = state
        .objects(Kind::Event)
        .filter(|(_, event)| wanted(event))
        .map(|(_, event)| {
            let text = |field: &str| event.text(field).unwrap_or_default();
            let count = ["/count", "/series/count"]
                .into_iter()
                .find_map(|field| event.at(field)?.as_u64())
                .unwrap_or(1);
            let times = if count > 1 {
                format!(" (x{count})")
            } else {
                String::new()
            };
            let last = last_seen(event).to_owned();
            let message = text("/message").replace('\n', " ");
            let line = format!(
                "event {last} {}{} {}: {message}{times}",
                about(event),
                text("/type"),
                text("/reason")
            );
            (last, line)
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, line)| line).collect()
}

fn of_journal(state: &State, chain: &Chain, journal: &[Arc<Entry>]) -> Evidence {
    let wanted = |entry: &&Arc<Entry>| {
        entry.client == ClientKind::Operator
            && chain
                .vault
                .as_deref()
                .is_none_or(|vault| entry.vault.as_deref() == Some(vault))
    };
    // A login that worked explains nothing.
    let telling = |entry: &&Arc<Entry>| {
        entry.secret.is_some()
            || entry.fault.is_some()
            || entry.status.is_none_or(|code| code >= 400)
    };
    let all = journal.iter().filter(wanted).count();
    let of_interest: Vec<_> = journal.iter().filter(wanted).filter(telling).collect();
    let skipped = of_interest.len().saturating_sub(JOURNAL_LINES);
    let mut lines = Vec::new();
    if skipped > 0 {
        lines.push(format!("... {skipped} earlier ones"));
    }
    lines.extend(
        of_interest
            .iter()
            .skip(skipped)
            .map(|entry| journal_line(state, entry)),
    );
    match all - of_interest.len() {
        0 if all == 0 => lines.push("the operator asked for nothing".into()),
        0 => {}
        1 => lines.push("and 1 login or validation that worked".into()),
        others => lines.push(format!("and {others} logins and validations that worked")),
    }
    Evidence {
        title: "Journal of the operator's requests".into(),
        lines,
    }
}

/// `+1h0m0.001s aws GetSecretValue prod/notebook/aws -> 200 v2`
fn journal_line(state: &State, entry: &Entry) -> String {
    let mut line = format!("+{}", human(entry.elapsed));
    match &entry.vault {
        Some(vault) => line.push_str(&format!(" {vault} {}", entry.operation)),
        None => line.push_str(&format!(
            " {} {} (no vault claims this host)",
            entry.method, entry.host
        )),
    }
    if let Some(secret) = &entry.secret {
        line.push_str(&format!(" {secret}"));
    }
    match entry.status {
        Some(status) => line.push_str(&format!(" -> {status}")),
        None => line.push_str(" -> no answer"),
    }
    let vault = entry.vault.as_deref().unwrap_or_default();
    for served in &entry.versions {
        let secret = format!("{vault}/{}", served.secret);
        let known = state
            .ledger
            .history(&secret)
            .and_then(|h| h.by_vault_version(&served.version));
        line.push_str(&format!(
            " {}",
            known.map_or(served.version.as_str(), |v| v.name.as_str())
        ));
    }
    if let Some(refusal) = &entry.refusal {
        line.push_str(&format!(" {refusal}"));
    }
    if let Some(fault) = &entry.fault {
        line.push_str(&format!(" (fault: {fault})"));
    }
    line
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case::of_old(json!({"firstTimestamp": "1", "lastTimestamp": "2", "eventTime": null}), "2")]
    #[case::the_schedulers(json!({"firstTimestamp": null, "lastTimestamp": null, "eventTime": "3"}), "3")]
    #[case::a_series(json!({"eventTime": "3", "series": {"count": 2, "lastObservedTime": "4"}}), "4")]
    #[case::of_no_time(json!({"reason": "Scheduled"}), "")]
    fn an_event_was_seen_last_as_its_writer_says(#[case] event: Value, #[case] time: &str) {
        assert_eq!(last_seen(&Seen::of(event)), time);
    }
}
