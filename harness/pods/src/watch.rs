//! What happens to the objects of one kind, as a stream that never ends.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

/// What happened to an object.
pub(crate) enum Change<K> {
    /// It was there at the start, was made, or was changed.
    Applied(K),
    /// It is gone.
    Deleted(K),
    /// All objects were listed anew: the uids of those that exist. Others went unnoticed while the watch was broken.
    Listed(BTreeSet<String>),
}

/// Between two attempts to list and watch; steady, so that a run is reproducible.
struct Steady;

impl Iterator for Steady {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}

impl kube::runtime::utils::Backoff for Steady {
    fn reset(&mut self) {}
}

/// A watch that lasts for a year: in virtual time the five minutes of kube would be many.
fn long() -> Config {
    Config::default().timeout(365 * 24 * 3600)
}

/// A watch over all objects of a kind.
pub(crate) struct Watch<K: Resource + Clone + DeserializeOwned + Debug + Send + 'static> {
    events: BoxStream<'static, watcher::Result<Event<K>>>,
    listing: BTreeSet<String>,
}

impl<K: Resource + Clone + DeserializeOwned + Debug + Send + 'static> Watch<K> {
    pub(crate) fn over(api: Api<K>) -> Self {
        Self::with(api, long())
    }

    /// A watch over the object of this name.
    pub(crate) fn named(api: Api<K>, name: &str) -> Self {
        Self::with(api, long().fields(&format!("metadata.name={name}")))
    }

    fn with(api: Api<K>, config: Config) -> Self {
        Self {
            events: watcher(api, config).backoff(Steady).boxed(),
            listing: BTreeSet::new(),
        }
    }

    /// The next change. Nothing is lost where the future is dropped before it is ready.
    pub(crate) async fn next(&mut self) -> Change<K> {
        loop {
            match self.events.next().await {
                Some(Ok(Event::Init)) => self.listing.clear(),
                Some(Ok(Event::InitApply(object))) => {
                    self.listing.extend(object.uid());
                    return Change::Applied(object);
                }
                Some(Ok(Event::InitDone)) => {
                    return Change::Listed(std::mem::take(&mut self.listing));
                }
                Some(Ok(Event::Apply(object))) => return Change::Applied(object),
                Some(Ok(Event::Delete(object))) => return Change::Deleted(object),
                Some(Err(error)) => tracing::debug!(%error, "watch broken"),
                None => std::future::pending().await,
            }
        }
    }
}
