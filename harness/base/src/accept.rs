//! The accept loop of every server: a bounded number of connections at a time, each a task of the owner's group.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{BoxIo, Listen, TaskHandle};

/// Connections open at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// Failures in a row after which a listener is given up.
const MAX_FAILURES: u32 = 100;
/// What a listener out of descriptors waits before it accepts again.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection's place among those that its listener has open: held until the connection is done.
#[derive(Debug)]
pub struct Slot(
    #[expect(dead_code, reason = "given back when it is dropped")] OwnedSemaphorePermit,
);

/// Accepts until the listener ends or is given up (100 failures in a row), and starts `serve` for each connection.
/// At most 4096 connections are open at a time.
pub async fn accept<S, F>(mut listener: impl Listen, tasks: TaskHandle, serve: S)
where
    S: Fn(BoxIo, Slot) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut failures = 0;
    while let Ok(slot) = slots.clone().acquire_owned().await {
        match listener.accept().await {
            Ok(io) => {
                failures = 0;
                tasks.spawn(serve(io, Slot(slot)));
            }
            // The listener's other half is gone.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return,
            Err(error) => {
                failures += 1;
                if failures >= MAX_FAILURES {
                    tracing::error!(%error, "listener given up");
                    return;
                }
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::sync::mpsc;

    use super::*;
    use crate::{Dial, TaskGroup, memory};

    #[tokio::test]
    async fn a_connection_beyond_the_most_waits_until_another_is_done() {
        let (dialer, listener) = memory();
        let tasks = TaskGroup::new();
        let (opened, mut open) = mpsc::unbounded_channel();
        let serve = move |io, slot| {
            let opened = opened.clone();
            async move {
                let _ = opened.send((io, slot));
            }
        };
        tasks.spawn(accept(listener, tasks.handle(), serve));
        let mut clients = Vec::new();
        let mut served = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            clients.push(dialer.dial().await.unwrap());
            served.push(open.recv().await.unwrap());
        }
        let _waiting = dialer.dial().await.unwrap();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(open.try_recv().is_err(), "one more than the most is served");
        served.pop();
        assert!(open.recv().await.is_some());
        tasks.shutdown().await;
    }

    /// Fails as often as it is told, then connects once, then ends.
    struct Failing {
        failures: u32,
        io: Option<BoxIo>,
    }

    #[async_trait::async_trait]
    impl Listen for Failing {
        async fn accept(&mut self) -> io::Result<BoxIo> {
            if self.failures > 0 {
                self.failures -= 1;
                return Err(io::Error::other("out of descriptors"));
            }
            self.io
                .take()
                .ok_or_else(|| io::ErrorKind::NotConnected.into())
        }
    }

    async fn is_served_after(failures: u32) -> bool {
        let (mut near, far) = tokio::io::duplex(8);
        let tasks = TaskGroup::new();
        let listener = Failing {
            failures,
            io: Some(Box::new(far)),
        };
        accept(listener, tasks.handle(), |mut io, _slot| async move {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut io, b"hi").await;
        })
        .await;
        let mut text = String::new();
        near.read_to_string(&mut text).await.unwrap();
        tasks.shutdown().await;
        text == "hi"
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_recovers_from_failures_but_not_from_a_hundred_in_a_row() {
        assert!(is_served_after(MAX_FAILURES - 1).await);
        assert!(!is_served_after(MAX_FAILURES).await);
    }
}
