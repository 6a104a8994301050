//! What controller-runtime gives ESO (0.22.3; 0.24.1 looks alike to it): a work queue per controller, informers, an event recorder.

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

/// One worker: takes keys off the queue for ever. A reconcile that hangs holds it.
///
/// Before it takes the next one, watch events have `latency` to reach the caches and the queue: those of a reconcile's
/// own writes are then one further reconcile, however many they are.
pub(crate) async fn work<F>(queue: Arc<Queue>, latency: Duration, reconcile: impl Fn(Key) -> F)
where
    F: Future<Output = Result<Outcome, String>>,
{
    loop {
        if !latency.is_zero() {
            queue.ready().await;
            tokio::time::sleep(latency).await;
        }
        let key = queue.get().await;
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
