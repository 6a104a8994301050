//! All that was last seen of a scenario that did not pass, for a folder of it.

use std::sync::Arc;

use rotaproof_events::Evidence;
use rotaproof_gateway::Entry;
use serde_json::Value;

use super::evidence;
use crate::stage::Stage;
use crate::world::{Kind, Redaction, Seen, State};

/// All that was last seen of a scenario that did not pass. No values: what holds one is told by the version's name.
pub struct Remains {
    /// Every request to the vaults, in order.
    pub journal: Vec<Arc<Entry>>,
    /// What the operator printed, as far as that was kept.
    pub operator_log: Vec<String>,
    /// The pods: their containers, conditions, events, and what they hold.
    pub pods: Vec<Evidence>,
    /// Jobs, ExternalSecrets and their stores with their conditions and events, and what the Secrets hold.
    pub objects: Vec<Evidence>,
    /// All Kubernetes events, oldest first.
    pub events: Vec<String>,
}

/// Gathers them, while the lab is still up.
pub(crate) fn remains(stage: &Stage<'_>) -> Remains {
    let journal = stage.world.journal.entries().to_vec();
    let state = stage.world.state();
    let known: Vec<_> = state.ledger.values().collect();
    let mut remains = Remains {
        journal,
        operator_log: stage.lab.cluster.whole_operator_log(&known),
        pods: pods(&state),
        objects: objects(&state),
        events: evidence::all_events(&state),
    };
    // Objects and operators say what they like.
    let redaction = Redaction::of(&state.ledger);
    let told = remains.pods.iter_mut().chain(&mut remains.objects);
    let told = told.flat_map(|evidence| &mut evidence.lines);
    for line in told
        .chain(&mut remains.operator_log)
        .chain(&mut remains.events)
    {
        redaction.apply(line);
    }
    remains
}

fn pods(state: &State) -> Vec<Evidence> {
    let pods = state.objects(Kind::Pod).map(|(name, seen)| {
        let mut told = evidence::of_pod(state, name);
        let more = containers(seen).into_iter().chain(conditions(seen));
        // After the phase.
        let after = told.lines.len().min(1);
        told.lines.splice(after..after, more);
        told
    });
    pods.collect()
}

fn objects(state: &State) -> Vec<Evidence> {
    let mut told = Vec::new();
    for kind in [
        Kind::ClusterSecretStore,
        Kind::SecretStore,
        Kind::ExternalSecret,
    ] {
        let all = state.objects(kind);
        told.extend(all.map(|(name, _)| evidence::of_synced(state, kind, name)));
    }
    let secrets = state.objects(Kind::Secret);
    told.extend(secrets.map(|(name, _)| evidence::of_secret(state, name)));
    for kind in [Kind::Job, Kind::NotebookValidationJob] {
        told.extend(state.objects(kind).map(|(name, seen)| {
            let mut lines = conditions(seen);
            lines.extend(evidence::events_of(state, kind.name(), name));
            Evidence {
                title: format!("{} {name}", kind.name()),
                lines,
            }
        }));
    }
    told
}

/// `container main: running, ready, restarted 2 times`
fn containers(seen: &Seen) -> Vec<String> {
    let statuses = seen
        .at("/status/containerStatuses")
        .and_then(Value::as_array);
    let told = statuses.into_iter().flatten().map(|status| {
        let name = status["name"].as_str().unwrap_or_default();
        let mut line = format!("container {name}:");
        let states = status["state"].as_object();
        if states.is_none_or(|states| states.is_empty()) {
            line.push_str(" unknown");
        }
        for (state, details) in states.into_iter().flatten() {
            line.push_str(&format!(" {state}"));
            for field in ["reason", "exitCode", "message"] {
                match details.get(field) {
                    Some(Value::String(text)) => line.push_str(&format!(" {text}")),
                    Some(Value::Number(number)) => line.push_str(&format!(" exit code {number}")),
                    _ => {}
                }
            }
        }
        match status["ready"].as_bool() {
            Some(true) => line.push_str(", ready"),
            _ => line.push_str(", not ready"),
        }
        match status["restartCount"].as_u64() {
            None | Some(0) => {}
            Some(count) => line.push_str(&format!(", restarted {count} times")),
        }
        line.replace('\n', " ")
    });
    told.collect()
}

/// `Ready=False ContainersNotReady: containers with unready status: [main]`
fn conditions(seen: &Seen) -> Vec<String> {
    let conditions = seen.at("/status/conditions").and_then(Value::as_array);
    let told = conditions.into_iter().flatten().map(|condition| {
        let text = |field: &str| condition[field].as_str().unwrap_or_default();
        let mut line = format!("{}={}", text("type"), text("status"));
        if !text("reason").is_empty() {
            line.push_str(&format!(" {}", text("reason")));
        }
        if !text("message").is_empty() {
            line.push_str(&format!(": {}", text("message").replace('\n', " ")));
        }
        line
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case::runs(
        json!({"name": "main", "ready": true, "restartCount": 0, "state": {"running": {"startedAt": "t"}}}),
        "container main: running, ready"
    )]
    #[case::waits(
        json!({"name": "main", "ready": false, "restartCount": 3,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s\nrestarting"}}}),
        "container main: waiting CrashLoopBackOff back-off 40s restarting, not ready, restarted 3 times"
    )]
    #[case::ended(
        json!({"name": "main", "ready": false, "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}),
        "container main: terminated Error exit code 2, not ready"
    )]
    #[case::unknown(json!({"name": "main"}), "container main: unknown, not ready")]
    fn a_container_is_told_in_a_line(#[case] status: Value, #[case] line: &str) {
        let pod = Seen::of(json!({"status": {"containerStatuses": [status]}}));
        assert_eq!(containers(&pod), [line]);
    }

    #[test]
    fn a_condition_is_told_with_what_it_says() {
        let conditions_of =
            |all: Value| conditions(&Seen::of(json!({"status": {"conditions": all}})));
        let told = conditions_of(json!([
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "a\nb"},
            {"type": "Initialized", "status": "True"},
        ]));
        assert_eq!(
            told,
            ["Ready=False ContainersNotReady: a b", "Initialized=True"]
        );
        assert!(conditions(&Seen::of(json!({}))).is_empty());
    }
}
