//! What controller-runtime 0.24 gives ESO: a work queue per controller, informers, an event recorder.

mod backoff;
mod informer;
mod queue;
mod recorder;
mod throttle;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use informer::{Cache, Change, run as run_informer};
pub(crate) use queue::Queue;
pub(crate) use recorder::{Recorder, Subject, run as run_recorder};
pub(crate) use throttle::throttled;

/// An object by namespace (empty for cluster-scoped ones) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn of(object: &impl kube::ResourceExt) -> Self {
        Self {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        }
    }
}

/// What a reconcile that did not fail asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing until the next trigger.
    Done,
    /// Another reconcile after this time, with the failures forgotten.
    After(Duration),
    /// Another reconcile as after a failure, through the rate limiter.
    Requeue,
}

/// The time in which watch events reach the caches before a reconcile reads them.
///
/// Against a real API server the events of a controller's own writes usually, not always, arrive before its next
/// reconcile; ESO then reads the vault once more and gets a 409. A reproducible engine takes the usual case.
const WATCH_LATENCY: Duration = Duration::from_millis(1);

/// One worker: takes keys off the queue for ever. A reconcile that hangs holds it.
pub(crate) async fn work<F>(queue: Arc<Queue>, reconcile: impl Fn(Key) -> F)
where
    F: Future<Output = Result<Outcome, String>>,
{
    loop {
        let key = queue.get().await;
        tokio::time::sleep(WATCH_LATENCY).await;
        match reconcile(key.clone()).await {
            Err(error) => {
                tracing::debug!(
                    namespace = key.namespace,
                    name = key.name,
                    error,
                    "reconcile failed"
                );
                queue.add_rate_limited(key.clone());
            }
            Ok(Outcome::After(delay)) if !delay.is_zero() => {
                queue.forget(&key);
                queue.add_after(key.clone(), delay);
            }
            Ok(Outcome::Requeue) => queue.add_rate_limited(key.clone()),
            Ok(_) => queue.forget(&key),
        }
        queue.done(&key);
    }
}
