//! How a listener treats those who come to it.

use std::future::Future;
use std::time::Duration;

use crate::journal::ClientKind;

/// What a client may take for a request's head, its body or a handshake, and how long it may be idle; as AWS's load
/// balancers have it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who comes to a listener, and what happens to them there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) client: ClientKind,
    /// Whether faults hit them.
    pub(crate) faults: bool,
    /// How long a client is waited for. Never limited in memory: virtual time would jump to the limit.
    pub(crate) patience: Option<Duration>,
}

impl Manner {
    /// The operator at the proxy, in memory.
    pub(crate) const OPERATOR: Self = Self {
        client: ClientKind::Operator,
        faults: true,
        patience: None,
    };
    /// The harness' own writers at a direct endpoint, in memory.
    pub(crate) const HARNESS: Self = Self {
        client: ClientKind::Harness,
        faults: false,
        patience: None,
    };
    /// Somebody's own program at the proxy, on a socket.
    pub(crate) const TOOL: Self = Self {
        client: ClientKind::Tool,
        faults: true,
        patience: Some(PATIENCE),
    };
    /// Somebody's own program at a direct endpoint, on a socket.
    pub(crate) const ADMINISTRATOR: Self = Self {
        faults: false,
        ..Self::TOOL
    };

    /// Waits for a client, within the patience; `None` where it ran out.
    pub(crate) async fn wait<T>(self, client: impl Future<Output = T>) -> Option<T> {
        match self.patience {
            None => Some(client.await),
            Some(patience) => tokio::time::timeout(patience, client).await.ok(),
        }
    }
}
