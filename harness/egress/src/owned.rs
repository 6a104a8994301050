//! HTTP/2's own tasks, under the client's ownership.

use std::future::Future;

use hyper::rt::Executor;
use rotaproof_base::TaskHandle;

/// Spawns into a task group.
#[derive(Clone)]
pub(crate) struct Owned(pub(crate) TaskHandle);

impl<F> Executor<F> for Owned
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
