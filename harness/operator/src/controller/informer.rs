//! Informers: a cache that a watch keeps current, and a call for each change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::runtime::watcher::{self, Event};
use tokio::sync::watch;

use super::Key;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// The objects of a kind as last seen.
pub(crate) struct Cache<K> {
    objects: Mutex<BTreeMap<Key, Arc<K>>>,
    synced: watch::Sender<bool>,
}

/// One object before and after.
pub(crate) struct Change<K> {
    pub(crate) old: Option<Arc<K>>,
    pub(crate) new: Option<Arc<K>>,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self {
            objects: Mutex::default(),
            synced: watch::Sender::new(false),
        }
    }
}

impl<K> Cache<K> {
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.lock().get(key).cloned()
    }

    /// The keys of the objects of a namespace that are wanted, in order.
    pub(crate) fn keys_in(&self, namespace: &str, wanted: impl Fn(&K) -> bool) -> Vec<Key> {
        self.lock()
            .iter()
            .filter(|(key, object)| key.namespace == namespace && wanted(object))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Waits until the first list is complete.
    pub(crate) async fn synced(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    fn put(&self, key: Key, object: Option<Arc<K>>) -> Option<Arc<K>> {
        let mut objects = self.lock();
        match object {
            Some(object) => objects.insert(key, object),
            None => objects.remove(&key),
        }
    }

    fn keys(&self) -> Vec<Key> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<K>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a cache current for ever and calls `on` for each change, after the cache shows it.
///
/// A kind that the server does not know yet is asked for again, as client-go's reflector does, but without jitter:
/// a run must be reproducible.
pub(crate) async fn run<K: kube::Resource + Clone>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
    cache: Arc<Cache<K>>,
    on: impl Fn(Change<K>),
) {
    let mut events = std::pin::pin!(events);
    let mut retry = FIRST_RETRY;
    let mut listed: Vec<K> = Vec::new();
    let apply = |object: K| {
        let key = Key {
            namespace: object.meta().namespace.clone().unwrap_or_default(),
            name: object.meta().name.clone().unwrap_or_default(),
        };
        let new = Arc::new(object);
        let old = cache.put(key, Some(new.clone()));
        on(Change {
            old,
            new: Some(new),
        });
    };
    let remove = |key: Key| {
        if let Some(old) = cache.put(key, None) {
            on(Change {
                old: Some(old),
                new: None,
            });
        }
    };
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                retry = FIRST_RETRY;
                match event {
                    Event::Init => listed.clear(),
                    Event::InitApply(object) => listed.push(object),
                    Event::InitDone => {
                        let present: Vec<Key> = listed
                            .iter()
                            .map(|object| Key {
                                namespace: object.meta().namespace.clone().unwrap_or_default(),
                                name: object.meta().name.clone().unwrap_or_default(),
                            })
                            .collect();
                        for gone in cache.keys() {
                            if !present.contains(&gone) {
                                remove(gone);
                            }
                        }
                        listed.drain(..).for_each(apply);
                        cache.synced.send_replace(true);
                    }
                    Event::Apply(object) => apply(object),
                    Event::Delete(object) => remove(Key {
                        namespace: object.meta().namespace.clone().unwrap_or_default(),
                        name: object.meta().name.clone().unwrap_or_default(),
                    }),
                }
            }
            Err(error) => {
                tracing::debug!(%error, "watch failed, trying again");
                tokio::time::sleep(retry).await;
                retry = (retry * 2).min(LONGEST_RETRY);
            }
        }
    }
}
