//! The connections of a client, by target, and the tasks that drive them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use rotaproof_base::TaskGroup;

use crate::metered::Meter;
use crate::target::Target;

/// Idle HTTP/1.1 connections kept per target; the oldest goes first.
const MAX_IDLE: usize = 32;

/// Sends requests over one connection.
pub(crate) enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// One established connection.
pub(crate) struct Connection {
    pub(crate) sender: Sender,
    pub(crate) meter: Meter,
}

impl Connection {
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// Waits until the connection takes a request; an error means that it never will.
    pub(crate) async fn ready(&mut self) -> Result<(), hyper::Error> {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await,
            Sender::Http2(sender) => sender.ready().await,
        }
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        match &mut self.sender {
            Sender::Http1(sender) => sender.send_request(request).await,
            Sender::Http2(sender) => sender.send_request(request).await,
        }
    }

    fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// A second user of the same connection, where the protocol allows it.
    fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                meter: self.meter.clone(),
            }),
        }
    }
}

/// Idle connections. Dropping the pool cancels the tasks that drive them, and so closes them.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<BTreeMap<Target, Vec<Connection>>>,
    pub(crate) tasks: TaskGroup,
}

impl Pool {
    /// The connection that was used last and is still open; an HTTP/2 connection stays in the pool for others.
    pub(crate) fn take(&self, target: &Target) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.get_mut(target)?;
        connections.retain(|connection| !connection.is_closed());
        match connections.last().and_then(Connection::share) {
            Some(shared) => Some(shared),
            None => connections.pop(),
        }
    }

    /// Lets others use an HTTP/2 connection while it is in use.
    pub(crate) fn put_shared(&self, target: &Target, connection: &Connection) {
        if let Some(shared) = connection.share() {
            self.put(target, shared);
        }
    }

    pub(crate) fn put(&self, target: &Target, connection: Connection) {
        if connection.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.entry(target.clone()).or_default();
        if connections.len() >= MAX_IDLE {
            connections.remove(0);
        }
        connections.push(connection);
    }
}
