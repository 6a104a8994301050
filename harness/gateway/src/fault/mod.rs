//! Faults between a client and a vault. One file each; a new one implements [`Fault`] and needs nothing else here.

mod bad_certificate;
mod hang;
mod latency;
mod refused;
mod reset;
mod slow_body;
mod status;
mod table;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::Response;
use rotaproof_vaults::Body;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use self::bad_certificate::BadCertificate;
pub use self::hang::Hang;
pub use self::latency::Latency;
pub use self::refused::Refused;
pub use self::reset::Reset;
pub use self::slow_body::SlowBody;
pub use self::status::Status;
pub(crate) use self::table::{Hits, Table};
use crate::ledger::Ledger;

/// What a fault does to the requests, or to the connections, that it hits.
#[async_trait]
pub trait Fault: fmt::Debug + Send + Sync + 'static {
    /// What happens to a new tunnel. A fault that says something here hits connections, not requests; it is
    /// for faults without an operation.
    fn connect(&self) -> Option<Connect> {
        None
    }

    /// Whether the vault never sees the request.
    fn in_stead(&self) -> bool {
        false
    }

    /// Turns an answer into what the client gets. `None` is no answer: it comes in where an earlier fault left
    /// none, and always where this fault is in the vault's stead; going out it closes the client's connection.
    ///
    /// The vault has decided by then. `healed` is cancelled when the fault is healed.
    async fn answer(
        &self,
        answer: Option<Response<Body>>,
        _healed: &CancellationToken,
    ) -> Option<Response<Body>> {
        answer
    }
}

/// What a fault does to a new tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// CONNECT is answered with 502.
    Refuse,
    /// TLS is ended with this certificate.
    Certificate(BadCertificate),
}

/// A fault, and the requests that it hits.
#[derive(Clone, Debug)]
pub struct FaultSpec {
    /// The journal shows it.
    pub name: String,
    /// The vault, by its name in the scenario.
    pub vault: String,
    /// Only this operation, as [`rotaproof_vaults::Vault::describe`] names it.
    pub operation: Option<String>,
    /// Only so many requests; then the fault is spent.
    pub first: Option<u32>,
    /// Only this share of the requests, 0 to 1, drawn from the gateway's seeded entropy.
    pub share: Option<f64>,
    /// What happens to them.
    pub kind: Arc<dyn Fault>,
}

/// Names an injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FaultId(u64);

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault-{}", self.0)
    }
}

/// A fault that is not healed yet.
#[derive(Clone, Debug)]
pub struct ActiveFault {
    /// Its id.
    pub id: FaultId,
    /// As it was injected.
    pub spec: FaultSpec,
    /// The requests that it hit so far.
    pub hits: u64,
}

/// Injects and heals faults. They hit what comes through the proxy, never the direct endpoints.
///
/// Where several match a request they all hit it, in the order of injection, up to the first one that is in the
/// vault's stead.
#[derive(Clone)]
pub struct Faults(pub(crate) Arc<Ledger>);

impl Faults {
    /// Starts a fault; it hits requests from the next one on.
    pub fn inject(&self, spec: FaultSpec) -> FaultId {
        self.0.with_faults(|table| table.inject(spec))
    }

    /// Ends a fault. Requests that hang on it are closed without an answer. False if there is none of this id.
    pub fn heal(&self, id: FaultId) -> bool {
        self.0.with_faults(|table| table.heal(|f| f.id == id)) > 0
    }

    /// Ends every fault of a vault, and says how many there were.
    pub fn heal_vault(&self, vault: &str) -> usize {
        self.0
            .with_faults(|table| table.heal(|f| f.spec.vault == vault))
    }

    /// The faults that are not healed, spent ones included, in the order of injection.
    pub fn active(&self) -> Vec<ActiveFault> {
        self.0.with_faults(|table| table.active())
    }
}
