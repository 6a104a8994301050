//! The API behind TLS on any stream: a listener, its certificates, and the token that lets a client in.

mod access;
mod activity;
mod certificates;
mod connection;
mod kubeconfig;

use std::sync::Arc;
use std::time::Duration;

use rotaproof_base::{Listen, TaskGroup};

pub use access::{Access, AccessError};
use connection::Front;

use crate::ApiServer;
use crate::identity::Authenticator;

/// How often a kube-apiserver sends bookmarks.
const BOOKMARKS: Duration = Duration::from_secs(60);

impl ApiServer {
    /// Serves the API over TLS (HTTP/1.1 and HTTP/2) to whoever brings the token of `access`, or one that a
    /// ServiceAccount was given, until the listener ends or the tasks are cancelled. Watches get a bookmark a minute.
    pub fn serve(&self, listener: impl Listen, access: &Access, tasks: &TaskGroup) {
        self.send_bookmarks_every(BOOKMARKS);
        let front = Arc::new(Front {
            service: self.service(),
            authenticator: Authenticator::new(self.inner().clone(), access.token_digest()),
            tls: access.tls().into(),
            tasks: tasks.handle(),
        });
        let serve = move |io, slot| {
            let front = front.clone();
            async move {
                let _slot = slot;
                connection::serve(io, front).await;
            }
        };
        tasks.spawn(rotaproof_base::accept(listener, tasks.handle(), serve));
    }
}
