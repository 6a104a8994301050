//! Events as client-go 0.34 and 0.36 record them (`tools/record/events_cache.go`): the same event again is a PATCH of its
//! count, the tenth different text within ten minutes is combined, and beyond 25 per object and type one passes
//! every five minutes.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Resource;
use kube::api::{Api, Patch, PatchParams, PostParams};
use rotaproof_base::Clock;
use serde_json::json;
use tokio::sync::mpsc;

/// Different texts of one reason before they are combined.
const MAX_TEXTS: usize = 10;
/// Seconds after which a reason's texts are counted anew.
const TEXTS_LIFETIME: i64 = 600;
/// Events per object and type before they are thinned out.
const BURST: f64 = 25.0;
/// Events per object, type and second afterwards.
const PER_SECOND: f64 = 1.0 / 300.0;
/// Events that may wait for the API server; more are dropped, as client-go's broadcaster does.
const WAITING: usize = 1000;

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    kind: String,
    namespace: String,
    name: String,
    uid: String,
    resource_version: String,
}

impl Subject {
    pub(crate) fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        let meta = object.meta();
        Self {
            kind: K::kind(&()).into_owned(),
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            resource_version: meta.resource_version.clone().unwrap_or_default(),
        }
    }

    /// The events of cluster-scoped objects live in `default`.
    fn event_namespace(&self) -> &str {
        if self.namespace.is_empty() {
            "default"
        } else {
            &self.namespace
        }
    }
}

/// Takes events of one component; they are sent in the background, in order.
#[derive(Clone)]
pub(crate) struct Recorder {
    component: &'static str,
    clock: Clock,
    sender: mpsc::Sender<Note>,
}

pub(crate) struct Note {
    component: &'static str,
    subject: Subject,
    warning: bool,
    reason: &'static str,
    message: String,
    at: Timestamp,
}

impl Recorder {
    /// A recorder for ESO's main controller, and the end from which [`run`] reads.
    pub(crate) fn new(clock: Clock) -> (Self, mpsc::Receiver<Note>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let recorder = Self {
            component: "external-secrets",
            clock,
            sender,
        };
        (recorder, receiver)
    }

    /// The same sink under another component's name.
    pub(crate) fn component(&self, component: &'static str) -> Self {
        Self {
            component,
            ..self.clone()
        }
    }

    pub(crate) fn normal(
        &self,
        subject: &Subject,
        reason: &'static str,
        message: impl Into<String>,
    ) {
        self.note(subject, false, reason, message.into());
    }

    pub(crate) fn warning(
        &self,
        subject: &Subject,
        reason: &'static str,
        message: impl Into<String>,
    ) {
        self.note(subject, true, reason, message.into());
    }

    fn note(&self, subject: &Subject, warning: bool, reason: &'static str, message: String) {
        let note = Note {
            component: self.component,
            subject: subject.clone(),
            warning,
            reason,
            message,
            at: self.clock.now(),
        };
        if self.sender.try_send(note).is_err() {
            tracing::warn!(reason, "event dropped: too many are waiting");
        }
    }
}

/// Sends the events for ever.
pub(crate) async fn run(client: kube::Client, mut notes: mpsc::Receiver<Note>) {
    let mut correlator = Correlator::default();
    while let Some(note) = notes.recv().await {
        let Some(send) = correlator.correlate(note) else {
            continue;
        };
        let api: Api<Event> = Api::namespaced(client.clone(), &send.namespace);
        let outcome = match &send.patch {
            Some((name, patch)) => {
                match api
                    .patch(name, &PatchParams::default(), &Patch::Strategic(patch))
                    .await
                {
                    Err(error) if crate::kube_error::is_not_found(&error) => {
                        api.create(&PostParams::default(), &send.event).await
                    }
                    outcome => outcome,
                }
            }
            None => api.create(&PostParams::default(), &send.event).await,
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "event was not recorded");
        }
    }
}

struct Dispatch {
    namespace: String,
    event: Event,
    patch: Option<(String, serde_json::Value)>,
}

/// Kind, namespace, name and uid.
type ObjectKey = (String, String, String, String);

/// Source, object, type and reason: what client-go aggregates by.
type AggregateKey = (&'static str, ObjectKey, bool, &'static str);

#[derive(Default)]
struct Correlator {
    texts: BTreeMap<AggregateKey, (BTreeSet<String>, Timestamp)>,
    observed: BTreeMap<(AggregateKey, Option<String>), Observed>,
    buckets: BTreeMap<(&'static str, ObjectKey, bool), (f64, Timestamp)>,
    made: i128,
}

struct Observed {
    count: i32,
    first: Timestamp,
    name: String,
}

impl Correlator {
    fn correlate(&mut self, note: Note) -> Option<Dispatch> {
        let object = (
            note.subject.kind.clone(),
            note.subject.namespace.clone(),
            note.subject.name.clone(),
            note.subject.uid.clone(),
        );
        let aggregate = (note.component, object.clone(), note.warning, note.reason);
        let combined = self.is_combined(&aggregate, &note);
        let (message, key) = if combined {
            let message = format!("(combined from similar events): {}", note.message);
            (message, (aggregate, None))
        } else {
            (
                note.message.clone(),
                (aggregate, Some(note.message.clone())),
            )
        };
        // Virtual time stands still while much happens; the number keeps names apart, as passing time does for Go.
        self.made += 1;
        let name = format!(
            "{}.{:x}",
            note.subject.name,
            note.at.as_nanosecond() + self.made
        );
        let observed = self
            .observed
            .entry(key)
            .and_modify(|observed| observed.count += 1)
            .or_insert(Observed {
                count: 1,
                first: note.at,
                name,
            });
        let (count, first, name) = (observed.count, observed.first, observed.name.clone());
        if !self.admits((note.component, object, note.warning), note.at) {
            return None;
        }
        let namespace = note.subject.event_namespace().to_owned();
        let patch = (count > 1).then(|| {
            let last = Time(note.at);
            (
                name.clone(),
                json!({"count": count, "lastTimestamp": last, "message": message}),
            )
        });
        let event = Event {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                kind: Some(note.subject.kind),
                namespace: Some(note.subject.namespace).filter(|namespace| !namespace.is_empty()),
                name: Some(note.subject.name),
                uid: Some(note.subject.uid),
                api_version: Some("external-secrets.io/v1".into()),
                resource_version: Some(note.subject.resource_version),
                field_path: None,
            },
            reason: Some(note.reason.into()),
            message: Some(message),
            source: Some(EventSource {
                component: Some(note.component.into()),
                host: None,
            }),
            first_timestamp: Some(Time(first)),
            last_timestamp: Some(Time(note.at)),
            count: Some(count),
            type_: Some(if note.warning { "Warning" } else { "Normal" }.into()),
            // A combined event is made anew, and says nothing of its reporter.
            reporting_component: Some(if combined { "" } else { note.component }.into()),
            reporting_instance: Some(String::new()),
            ..Event::default()
        };
        Some(Dispatch {
            namespace,
            event,
            patch,
        })
    }

    fn is_combined(&mut self, key: &AggregateKey, note: &Note) -> bool {
        let (texts, last) = self
            .texts
            .entry(key.clone())
            .or_insert_with(|| (BTreeSet::new(), note.at));
        if note.at.duration_since(*last) > SignedDuration::from_secs(TEXTS_LIFETIME) {
            texts.clear();
        }
        *last = note.at;
        texts.insert(note.message.clone());
        if texts.len() < MAX_TEXTS {
            return false;
        }
        texts.pop_first();
        true
    }

    fn admits(&mut self, key: (&'static str, ObjectKey, bool), now: Timestamp) -> bool {
        let (tokens, filled) = self.buckets.entry(key).or_insert((BURST, now));
        let passed = now.duration_since(*filled).as_secs_f64();
        *tokens = (*tokens + passed * PER_SECOND).min(BURST);
        *filled = now;
        if *tokens < 1.0 {
            return false;
        }
        *tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(message: &str, second: i64) -> Note {
        Note {
            component: "external-secrets",
            subject: Subject {
                kind: "ExternalSecret".into(),
                namespace: "ns".into(),
                name: "es".into(),
                uid: "u".into(),
                resource_version: "7".into(),
            },
            warning: true,
            reason: "UpdateFailed",
            message: message.into(),
            at: Timestamp::from_second(1_700_000_000 + second).unwrap(),
        }
    }

    #[test]
    fn the_same_event_again_is_a_patch_of_its_count() {
        let mut correlator = Correlator::default();
        let first = correlator.correlate(note("a", 0)).unwrap();
        assert!(first.patch.is_none());
        assert_eq!(first.event.count, Some(1));
        let (name, patch) = correlator.correlate(note("a", 5)).unwrap().patch.unwrap();
        assert_eq!(Some(name), first.event.metadata.name);
        assert_eq!(
            patch,
            json!({"count": 2, "lastTimestamp": "2023-11-14T22:13:25Z", "message": "a"})
        );
    }

    #[test]
    fn the_tenth_different_text_within_ten_minutes_is_combined() {
        let mut correlator = Correlator::default();
        for n in 0..9 {
            let send = correlator.correlate(note(&n.to_string(), n)).unwrap();
            assert_eq!(send.event.message, Some(n.to_string()));
        }
        let send = correlator.correlate(note("x", 9)).unwrap();
        assert_eq!(
            send.event.message.as_deref(),
            Some("(combined from similar events): x")
        );
        let later = correlator
            .correlate(note("y", 9 + TEXTS_LIFETIME + 1))
            .unwrap();
        assert_eq!(later.event.message.as_deref(), Some("y"));
    }

    #[test]
    fn beyond_twenty_five_events_of_an_object_one_passes_every_five_minutes() {
        let mut correlator = Correlator::default();
        let passed = (0..40)
            .filter(|_| correlator.correlate(note("a", 0)).is_some())
            .count();
        assert_eq!(passed, 25);
        assert!(correlator.correlate(note("a", 299)).is_none());
        let (_, patch) = correlator.correlate(note("a", 301)).unwrap().patch.unwrap();
        assert_eq!(patch["count"], 42);
    }

    #[test]
    fn an_objects_warnings_use_up_nothing_of_its_normal_events() {
        let mut correlator = Correlator::default();
        for _ in 0..40 {
            correlator.correlate(note("a", 0));
        }
        assert!(correlator.correlate(note("a", 0)).is_none());
        let mut normal = note("done", 0);
        normal.warning = false;
        assert!(correlator.correlate(normal).is_some());
    }

    #[test]
    fn two_events_at_one_instant_have_different_names() {
        let mut correlator = Correlator::default();
        let a = correlator.correlate(note("a", 0)).unwrap();
        let b = correlator.correlate(note("b", 0)).unwrap();
        assert_ne!(a.event.metadata.name, b.event.metadata.name);
    }
}
