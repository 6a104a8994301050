//! The runtime of one lab, usable from a plain test and from inside another runtime.

use rotaproof_cluster::{Embedded, Error, Lane};
use tokio::runtime::Handle;

/// A current-thread runtime whose clock is paused. It is there until it is dropped.
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
        let runtime = self.get();
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

    /// Reads the lab's clock, which outside of its runtime would be the machine's.
    pub(super) fn read<T>(&self, read: impl FnOnce() -> T) -> T {
        let _inside = self.get().enter();
        read()
    }

    fn get(&self) -> &tokio::runtime::Runtime {
        match &self.0 {
            Some(runtime) => runtime,
            // Only drop takes it.
            None => unreachable!("a runtime that was dropped is not borrowed"),
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
