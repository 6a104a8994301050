//! What was seen, kept in its order: for [`Observation`]s, where somebody wants them.

use std::collections::BTreeMap;

use kube::core::DynamicObject;
use rotaproof_events::{
    ObjectHistory, Observation, SecretState, SeenCondition, SeenEvent, Verdict,
};
use rotaproof_gateway::ClientKind;
use serde_json::Value;

use super::names::{Namer, Redaction, Values};
use super::{Kind, Report, Seen, World, refreshes};

/// What was seen of a lab, in its order. Fingerprints get their names at the end: a Secret may hold a value before its
/// writer has told of it.
#[derive(Default)]
pub(super) struct History {
    objects: BTreeMap<String, ObjectHistory>,
    /// The last `refreshTime` by object.
    refreshed: BTreeMap<String, String>,
    /// By object; each with the name of the Event.
    events: BTreeMap<String, Vec<(String, SeenEvent)>>,
    secrets: BTreeMap<String, Vec<Option<(SecretState, Values)>>>,
    pods: BTreeMap<String, Vec<Values>>,
    /// The names of the secrets that each ExternalSecret has ever named, by `namespace/name`.
    reads: BTreeMap<String, Vec<String>>,
}

impl History {
    /// An object came or changed.
    pub(super) fn saw(&mut self, kind: Kind, name: &str, seen: &Seen) {
        match kind {
            Kind::Secret => self.saw_secret(name, seen),
            Kind::Event => self.saw_event(name, seen),
            Kind::ExternalSecret => {
                let reads = self.reads.entry(name.to_owned()).or_default();
                remote_keys(&seen.object.data["spec"], reads);
                self.saw_object(kind, name, seen);
            }
            Kind::SecretStore | Kind::ClusterSecretStore => self.saw_object(kind, name, seen),
            Kind::Pod | Kind::Job | Kind::NotebookValidationJob => {}
        }
    }

    /// An object is gone.
    pub(super) fn gone(&mut self, kind: Kind, name: &str) {
        match kind {
            Kind::Secret => self.secrets.entry(name.to_owned()).or_default().push(None),
            Kind::ExternalSecret | Kind::SecretStore | Kind::ClusterSecretStore => {
                self.objects.entry(title(kind, name)).or_default().gone = true;
            }
            _ => {}
        }
    }

    /// A pod's probe reported.
    pub(super) fn reported(&mut self, pod: &str, report: &Report) {
        let places = report.places().map(|(place, f)| (place, f.clone()));
        let report: Values = places.collect();
        let all = self.pods.entry(pod.to_owned()).or_default();
        if all.last() != Some(&report) {
            all.push(report);
        }
    }

    fn saw_object(&mut self, kind: Kind, name: &str, seen: &Seen) {
        let title = title(kind, name);
        if let Some(time) = seen.text("/status/refreshTime")
            && self.refreshed.insert(title.clone(), time.to_owned()) != Some(time.to_owned())
        {
            self.objects.entry(title.clone()).or_default().refreshes += 1;
        }
        let object = self.objects.entry(title).or_default();
        let conditions = seen.at("/status/conditions").and_then(Value::as_array);
        for condition in conditions.into_iter().flatten() {
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            let now = SeenCondition {
                status: text("status"),
                reason: text("reason"),
                message: text("message"),
            };
            let all = object.conditions.entry(text("type")).or_default();
            if all.last() != Some(&now) {
                all.push(now);
            }
        }
        let text = |pointer: &str| seen.text(pointer).map(str::to_owned);
        object.synced_version = text("/status/syncedResourceVersion");
        object.binding = text("/status/binding/name");
        object.capabilities = text("/status/capabilities");
        let finalizers = seen.object.metadata.finalizers.clone().unwrap_or_default();
        if object.finalizers.last() != Some(&finalizers) {
            object.finalizers.push(finalizers);
        }
        object.labels = seen.object.metadata.labels.clone().unwrap_or_default();
        object.annotations = seen.object.metadata.annotations.clone().unwrap_or_default();
        object.gone = false;
    }

    fn saw_event(&mut self, name: &str, seen: &Seen) {
        let text = |pointer: &str| seen.text(pointer).unwrap_or_default().to_owned();
        let about = |field: &str| seen.text(&format!("/involvedObject/{field}"));
        let about_name = about("name").unwrap_or_default();
        let title = match about("namespace").filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => format!("{} {namespace}/{about_name}", text("/involvedObject/kind")),
            None => format!("{} {about_name}", text("/involvedObject/kind")),
        };
        let now = SeenEvent {
            namespace: seen.object.metadata.namespace.clone().unwrap_or_default(),
            kind: text("/type"),
            reason: text("/reason"),
            message: text("/message"),
            component: text("/source/component"),
            count: seen.at("/count").and_then(Value::as_u64).unwrap_or(1),
        };
        let all = self.events.entry(title).or_default();
        // An Event that is patched is the same one again, unless its text is another.
        match all
            .iter_mut()
            .find(|(known, event)| known == name && event.message == now.message)
        {
            Some((_, event)) => event.count = now.count,
            None => all.push((name.to_owned(), now)),
        }
    }

    fn saw_secret(&mut self, name: &str, seen: &Seen) {
        let values: Values = seen
            .fingerprints()
            .map(|(key, fingerprint)| (key.to_owned(), fingerprint.clone()))
            .collect();
        let now = Some((secret_state(&seen.object), values));
        let all = self.secrets.entry(name.to_owned()).or_default();
        if all.last() != Some(&now) {
            all.push(now);
        }
    }

    /// Takes the values out of what others wrote.
    fn redact(&mut self, redaction: &Redaction) {
        for object in self.objects.values_mut() {
            let conditions = object.conditions.values_mut().flatten();
            conditions.for_each(|condition| redaction.apply(&mut condition.message));
            let texts = object
                .labels
                .values_mut()
                .chain(object.annotations.values_mut());
            texts.for_each(|text| redaction.apply(text));
        }
        for (_, event) in self.events.values_mut().flatten() {
            redaction.apply(&mut event.message);
        }
        for (state, _) in self.secrets.values_mut().flatten().flatten() {
            let texts = state
                .labels
                .values_mut()
                .chain(state.annotations.values_mut());
            texts.for_each(|text| redaction.apply(text));
        }
    }

    /// The ExternalSecrets that name a vault's secret.
    fn readers(&self, secret: &str) -> Vec<String> {
        let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let wanted = last(secret);
        self.reads
            .iter()
            .filter(|(_, keys)| keys.iter().any(|key| last(key) == wanted))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

fn title(kind: Kind, name: &str) -> String {
    format!("{} {name}", kind.name())
}

fn secret_state(object: &DynamicObject) -> SecretState {
    let meta = &object.metadata;
    let owners = meta.owner_references.iter().flatten().map(|owner| {
        let mut marks = Vec::new();
        if owner.controller == Some(true) {
            marks.push("controller");
        }
        if owner.block_owner_deletion == Some(true) {
            marks.push("blocks the owner's deletion");
        }
        let marks = match marks.is_empty() {
            true => String::new(),
            false => format!(" ({})", marks.join(", ")),
        };
        format!("{} {}{marks}", owner.kind, owner.name)
    });
    let mut managers: Vec<String> = meta
        .managed_fields
        .iter()
        .flatten()
        .map(|entry| {
            format!(
                "{} ({})",
                entry.manager.as_deref().unwrap_or_default(),
                entry.operation.as_deref().unwrap_or_default()
            )
        })
        .collect();
    managers.sort();
    managers.dedup();
    SecretState {
        holds: BTreeMap::new(),
        kind: object.data["type"].as_str().unwrap_or_default().to_owned(),
        labels: meta.labels.clone().unwrap_or_default(),
        annotations: meta.annotations.clone().unwrap_or_default(),
        owners: owners.collect(),
        finalizers: meta.finalizers.clone().unwrap_or_default(),
        immutable: object.data["immutable"].as_bool(),
        managers,
    }
}

/// Every `remoteRef.key` and `extract.key` of a spec.
fn remote_keys(spec: &Value, found: &mut Vec<String>) {
    let data = spec["data"].as_array().into_iter().flatten();
    let from = spec["dataFrom"].as_array().into_iter().flatten();
    let keys = data
        .filter_map(|entry| entry["remoteRef"]["key"].as_str())
        .chain(from.filter_map(|entry| entry["extract"]["key"].as_str()));
    for key in keys {
        if !found.iter().any(|known| known == key) {
            found.push(key.to_owned());
        }
    }
}

impl World {
    /// What was seen, with names for all values; nothing where the world is not observed.
    pub(crate) fn observation(&self, verdict: Verdict, failure: Option<String>) -> Observation {
        let mut observation = Observation::of_nothing(verdict, failure);
        let mut state = self.state();
        let Some(mut history) = state.history.take() else {
            return observation;
        };
        history.redact(&Redaction::of(&state.ledger));
        for (name, states) in &history.secrets {
            let mut namer = Namer::default();
            let states = states.iter().map(|seen| {
                let (state_of, values) = seen.as_ref()?;
                Some(SecretState {
                    holds: namer.name(&state.ledger, values),
                    ..state_of.clone()
                })
            });
            let mut states: Vec<_> = states.collect();
            states.dedup();
            observation.secrets.insert(name.clone(), states);
        }
        for (pod, reports) in &history.pods {
            let mut namer = Namer::default();
            let mut reports: Vec<_> = reports
                .iter()
                .map(|report| namer.name(&state.ledger, report))
                .collect();
            reports.dedup();
            observation
                .pods
                .insert(state.pod_name(pod).to_owned(), reports);
        }
        let entries = self.journal.entries();
        let operators = entries
            .iter()
            .filter(|entry| entry.client == ClientKind::Operator);
        for entry in operators.clone().filter(|entry| entry.vault.is_none()) {
            let host = entry.host.to_string();
            if !observation.strangers.contains(&host) {
                observation.strangers.push(host);
            }
        }
        let named = operators.filter(|entry| entry.vault.is_some());
        observation.vaults =
            refreshes::group(named, &state.ledger, |secret| history.readers(secret));
        let redaction = Redaction::of(&state.ledger);
        let requests = observation.vaults.values_mut().flatten();
        for request in requests.flat_map(|refresh| &mut refresh.requests) {
            request
                .refusal
                .iter_mut()
                .for_each(|text| redaction.apply(text));
        }
        let events = history.events.into_iter();
        observation.events = events
            .map(|(about, all)| (about, all.into_iter().map(|(_, event)| event).collect()))
            .collect();
        observation.objects = history.objects;
        observation
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_is_kept_once_per_change() {
        let mut history = History::default();
        for reason in ["Valid", "Valid", "InvalidProviderConfig", "Valid"] {
            let status = json!({"conditions": [{"type": "Ready", "status": "True", "reason": reason, "message": ""}]});
            let store = json!({"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore",
                "metadata": {"name": "aws"}, "status": status});
            history.saw(Kind::ClusterSecretStore, "aws", &Seen::of(store));
        }
        let conditions = &history.objects["ClusterSecretStore aws"].conditions["Ready"];
        let reasons: Vec<_> = conditions.iter().map(|c| c.reason.as_str()).collect();
        assert_eq!(reasons, ["Valid", "InvalidProviderConfig", "Valid"]);
    }

    #[test]
    fn an_event_again_is_counted_and_another_text_is_another_event() {
        let mut history = History::default();
        for (message, count) in [("a", 1), ("a", 2), ("b", 3)] {
            let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"},
                "involvedObject": {"kind": "ClusterSecretStore", "name": "aws"}, "type": "Warning", "reason": "R",
                "message": message, "count": count, "source": {"component": "cluster-secret-store"}});
            history.saw(Kind::Event, "default/e", &Seen::of(event));
        }
        let events = &history.events["ClusterSecretStore aws"];
        let told: Vec<_> = events
            .iter()
            .map(|(_, e)| (e.message.as_str(), e.count))
            .collect();
        assert_eq!(told, [("a", 2), ("b", 3)]);
    }

    #[test]
    fn a_secret_of_a_vault_is_read_by_those_that_name_it_in_whatever_spelling() {
        let mut history = History::default();
        for (name, key) in [("ns/a", "secret/data/git/credentials"), ("ns/b", "other")] {
            let object = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "x"},
                "spec": {"data": [{"secretKey": "k", "remoteRef": {"key": key}}]}});
            history.saw(Kind::ExternalSecret, name, &Seen::of(object));
        }
        assert_eq!(history.readers("secret/git/credentials"), ["ns/a"]);
        assert!(history.readers("third").is_empty());
    }
}
