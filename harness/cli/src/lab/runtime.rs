//! The runtime of one lab, usable from a plain test and from inside another runtime.

use rotaproof_cluster::{Embedded, Error, Lane};
use tokio::runtime::Handle;

/// A current-thread runtime whose clock is paused.
pub(super) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    pub(super) fn new(lane: &Embedded) -> Result<Self, Error> {
        Ok(Self(Some(lane.runtime()?)))
    }

    /// Awaits a future; time moves meanwhile, whenever no task can run.
    pub(super) fn block_on<F>(&self, future: F) -> F::Output
    where
        F: Future + Send,
        F::Output: Send,
    {
        // It is taken only by drop.
        let Some(runtime) = &self.0 else {
            unreachable!("a runtime that was dropped is not borrowed")
        };
        if Handle::try_current().is_err() {
            return runtime.block_on(future);
        }
        // Inside an async test, whose thread may not block on a second runtime: a thread of its own may.
        let awaited = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(future)).join());
        match awaited {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // The plain drop of a runtime waits, which an async test's thread may not. All tasks have been joined.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
