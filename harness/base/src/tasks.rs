//! Structured concurrency: a task has an owner, a cancellation and a join.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Owns background tasks. Cancelling the group drops each task's future at its next await point;
/// [`TaskGroup::shutdown`] also waits until all are gone. Dropping the last clone cancels.
#[derive(Clone)]
pub struct TaskGroup {
    tracker: TaskTracker,
    token: CancellationToken,
    _cancel_on_drop: std::sync::Arc<tokio_util::sync::DropGuard>,
}

impl Default for TaskGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl TaskGroup {
    /// An empty group.
    pub fn new() -> Self {
        Self::with_token(CancellationToken::new())
    }

    /// An empty group that is also cancelled with this one. Its owner still has to shut it down.
    pub fn child(&self) -> Self {
        Self::with_token(self.token.child_token())
    }

    fn with_token(token: CancellationToken) -> Self {
        let guard = std::sync::Arc::new(token.clone().drop_guard());
        Self {
            tracker: TaskTracker::new(),
            token,
            _cancel_on_drop: guard,
        }
    }

    /// Starts a task that ends when its future does or the group is cancelled, whichever comes first.
    ///
    /// The future must not hold a clone of this group: it would keep the group from being dropped.
    /// Give it [`TaskGroup::handle`] instead.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.handle().spawn(future);
    }

    /// A handle for tasks of the group that start further ones (a connection per accept).
    pub fn handle(&self) -> TaskHandle {
        TaskHandle {
            tracker: self.tracker.clone(),
            token: self.token.clone(),
        }
    }

    /// The token that is cancelled with the group.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Cancels every task and waits until all have ended.
    pub async fn shutdown(&self) {
        self.token.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Starts tasks in a [`TaskGroup`] without keeping it alive.
#[derive(Clone)]
pub struct TaskHandle {
    tracker: TaskTracker,
    token: CancellationToken,
}

impl TaskHandle {
    /// As [`TaskGroup::spawn`].
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let token = self.token.clone();
        self.tracker.spawn(async move {
            token.run_until_cancelled_owned(future).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shutdown_ends_a_task_that_would_run_for_ever() {
        let group = TaskGroup::new();
        let (alive, mut ended) = tokio::sync::mpsc::channel::<()>(1);
        group.spawn(async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        group.shutdown().await;
        assert!(ended.recv().await.is_none());
    }
}
