//! One watch per kind; each change updates the state and is told as an event.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use kube::core::{DynamicObject, TypeMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, ResourceExt};
use rotaproof_base::TaskHandle;
use rotaproof_events::{Event, Held};

use super::{Condition, Kind, Seen, World, logs};

/// What a watch asks the API to last, in seconds: a year. kube's own 290 s would be thousands of new watches in the
/// virtual days of a soak.
const WATCH: u32 = 365 * 24 * 3600;

/// Follows a kind until its task is cancelled.
pub(super) async fn follow(client: Client, kind: Kind, world: World, tasks: TaskHandle) {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind.resource());
    let events = watcher(api, watcher::Config::default().timeout(WATCH));
    let mut events = events.default_backoff().boxed();
    let mut listed = BTreeSet::new();
    let mut followed = BTreeSet::new();
    while let Some(event) = events.next().await {
        let object = match &event {
            Ok(
                watcher::Event::InitApply(object)
                | watcher::Event::Apply(object)
                | watcher::Event::Delete(object),
            ) => Some(object),
            _ => None,
        };
        if object.is_some_and(|object| (world.furniture)(kind.name(), object)) {
            continue;
        }
        match event {
            Ok(watcher::Event::Init) => listed.clear(),
            Ok(watcher::Event::InitApply(object)) => {
                listed.insert(name_of(&object));
                world.saw(kind, object);
            }
            Ok(watcher::Event::InitDone) => {
                world.forget_all_but(kind, &listed);
                world.know_all_of(kind);
            }
            Ok(watcher::Event::Apply(object)) => {
                let name = name_of(&object);
                let revision = object.resource_version();
                world.saw(kind, object);
                world.measure_lag(revision);
                if kind == Kind::Pod {
                    logs::follow_started(&client, &world, &name, &mut followed, &tasks);
                }
            }
            Ok(watcher::Event::Delete(object)) => world.gone(kind, &name_of(&object)),
            Err(error) => {
                tracing::debug!(kind = kind.name(), %error, "watch");
                if not_served(&error) {
                    world.know_all_of(kind);
                }
            }
        }
    }
}

/// Whether the API has no such kind: then there is none of it.
fn not_served(error: &watcher::Error) -> bool {
    matches!(
        error,
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) if status.code == 404
    )
}

fn name_of(object: &DynamicObject) -> String {
    match object.namespace() {
        Some(namespace) => format!("{namespace}/{}", object.name_any()),
        None => object.name_any(),
    }
}

impl World {
    fn saw(&self, kind: Kind, mut object: DynamicObject) {
        // The items of a list do not say what they are, and a Secret has to be known as one.
        object.types.get_or_insert_with(|| {
            let resource = kind.resource();
            TypeMeta {
                api_version: resource.api_version,
                kind: resource.kind,
            }
        });
        let name = name_of(&object);
        let at = self.clock.elapsed();
        let mut state = self.state();
        let seen = Arc::new(Seen::new(object, at, state.ledger.fingerprinter()));
        if let Some(history) = &mut state.history {
            history.saw(kind, &name, &seen);
        }
        let key = (kind, name.clone());
        let before = state.objects.insert(key, Arc::clone(&seen));
        let mut events = Vec::new();
        match kind {
            Kind::Secret => {
                let fingerprints = |seen: &Seen| -> Vec<_> {
                    seen.fingerprints()
                        .map(|(k, f)| (k.to_owned(), f.clone()))
                        .collect()
                };
                let now = fingerprints(&seen);
                if before.is_none_or(|before| fingerprints(&before) != now) {
                    state.secret_changed(&now, at);
                    let holds = now
                        .iter()
                        .map(|(key, fingerprint)| Held {
                            place: key.clone(),
                            value: state.describe(fingerprint),
                        })
                        .collect();
                    events.push(Event::SecretChanged {
                        secret: name,
                        holds,
                    });
                }
            }
            Kind::ExternalSecret | Kind::SecretStore | Kind::ClusterSecretStore => {
                let refreshed = |seen: &Seen| seen.text("/status/refreshTime").map(str::to_owned);
                let time = refreshed(&seen);
                if time.is_some() && time != before.as_deref().and_then(refreshed) {
                    state.refreshed.insert(name.clone(), self.change() + 1);
                }
                let now = seen.condition("Ready");
                if now != before.and_then(|before| before.condition("Ready"))
                    && let Some(Condition {
                        status,
                        reason,
                        message,
                    }) = now
                {
                    events.push(Event::ConditionChanged {
                        object: format!("{} {name}", kind.name()),
                        status,
                        reason,
                        message,
                    });
                }
            }
            _ => {}
        }
        drop(state);
        for event in events {
            self.emitter.emit(at, event);
        }
        self.touch();
    }

    /// How long after its commit a change is known here.
    fn measure_lag(&self, revision: Option<String>) {
        let Some(committed) = &self.committed else {
            return;
        };
        let revision = revision.and_then(|text| text.parse().ok());
        if let Some(at) = revision.and_then(|revision| committed(revision)) {
            self.emitter.detected_after(at.elapsed());
        }
    }

    fn gone(&self, kind: Kind, name: &str) {
        let at = self.clock.elapsed();
        let mut state = self.state();
        let known = state.objects.remove(&(kind, name.to_owned())).is_some();
        if let Some(history) = state.history.as_mut().filter(|_| known) {
            history.gone(kind, name);
        }
        drop(state);
        if known && kind == Kind::Secret {
            let event = Event::SecretChanged {
                secret: name.to_owned(),
                holds: Vec::new(),
            };
            self.emitter.emit(at, event);
        }
        self.touch();
    }

    fn know_all_of(&self, kind: Kind) {
        self.state().listed.insert(kind);
        self.touch();
    }

    fn forget_all_but(&self, kind: Kind, listed: &BTreeSet<String>) {
        let missing: Vec<String> = self
            .state()
            .objects(kind)
            .map(|(name, _)| name.to_owned())
            .filter(|name| !listed.contains(name))
            .collect();
        for name in missing {
            self.gone(kind, &name);
        }
    }
}
