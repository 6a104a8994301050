//! Events expire, so that a year of virtual time does not keep a year of them.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::object;
use crate::server::Inner;
use crate::store::{Key, Object};
use crate::write::DeleteOptions;

/// `--event-ttl` of a kube-apiserver.
const TTL: SignedDuration = SignedDuration::from_hours(1);
/// How often a new event makes us look for old ones: no timer is needed where nothing happens.
const INTERVAL: SignedDuration = SignedDuration::from_mins(5);

/// When old events were last looked for.
pub(crate) struct Sweep(Mutex<Timestamp>);

impl Sweep {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now.duration_since(*last) >= INTERVAL;
        if due {
            *last = now;
        }
        due
    }
}

impl Inner {
    /// Deletes the events that were last written more than an hour ago.
    pub(crate) fn expire_events(&self) {
        let now = self.clock.now();
        if !self.sweep.is_due(now) {
            return;
        }
        let events = self.registry.get("", "events");
        let Some(target) = events.and_then(|resource| self.stored_target(&resource)) else {
            return;
        };
        let old = |(_, event): &(Key, Object)| {
            written_at(&event.value).is_some_and(|at| now.duration_since(at) > TTL)
        };
        let snapshot = self.store.list(target.resource.id(), None);
        let events = snapshot
            .map(|snapshot| snapshot.objects)
            .unwrap_or_default();
        for (key, _) in events.into_iter().filter(old) {
            // Gone, or held by a finalizer: nothing is left to do here.
            let _ = self.delete(&target, &key, &DeleteOptions::default());
        }
    }
}

fn written_at(event: &Value) -> Option<Timestamp> {
    let at = |value: Option<&Value>| value?.as_str()?.parse().ok();
    [
        at(event.pointer("/series/lastObservedTime")),
        at(event.get("lastTimestamp")),
        at(object::meta(event, "creationTimestamp")),
    ]
    .into_iter()
    .flatten()
    .max()
}
