//! The API behind TLS on any stream: a listener, its certificates, and the token that lets a client in.

mod access;
mod activity;
mod certificates;
mod connection;
mod kubeconfig;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rotaproof_base::{Listen, TaskGroup, TaskHandle};
use tokio::sync::Semaphore;

pub use access::{Access, AccessError};
use connection::Front;

use crate::ApiServer;
use crate::identity::Authenticator;

/// Connections open at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// Failures in a row after which a listener is given up.
const MAX_FAILURES: u32 = 100;
/// How often a kube-apiserver sends bookmarks.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// What a listener out of descriptors waits before it accepts again.
const PAUSE: Duration = Duration::from_millis(50);

impl ApiServer {
    /// Serves the API over TLS (HTTP/1.1 and HTTP/2) to whoever brings the token of `access`, or one that a
    /// ServiceAccount was given, until the listener ends or the tasks are cancelled. Watches get a bookmark a minute.
    pub fn serve(&self, listener: impl Listen, access: &Access, tasks: &TaskGroup) {
        self.send_bookmarks_every(BOOKMARKS);
        let front = Front {
            service: self.service(),
            authenticator: Authenticator::new(self.inner().clone(), access.token_digest()),
            tls: access.tls().into(),
            tasks: tasks.handle(),
        };
        tasks.spawn(accept(listener, Arc::new(front), tasks.handle()));
    }
}

async fn accept(mut listener: impl Listen, front: Arc<Front>, tasks: TaskHandle) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut failures = 0;
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok(io) => {
                failures = 0;
                let front = front.clone();
                tasks.spawn(async move {
                    connection::serve(io, front).await;
                    drop(place);
                });
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
