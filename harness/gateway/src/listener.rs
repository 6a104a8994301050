//! Accepts connections, a bounded number at a time.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rotaproof_base::{BoxIo, Listen, TaskHandle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections open at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// Failures in a row after which a listener is given up.
const MAX_FAILURES: u32 = 100;
/// What a listener out of descriptors waits before it accepts again.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the listener ends, and starts `serve` for each connection.
pub(crate) async fn accept<S, F>(mut listener: impl Listen, tasks: TaskHandle, serve: S)
where
    S: Fn(BoxIo, OwnedSemaphorePermit) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut failures = 0;
    while let Ok(permit) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok(io) => {
                failures = 0;
                tasks.spawn(serve(io, permit));
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
