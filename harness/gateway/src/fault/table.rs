//! The faults that are active, and which of them hit a request.

use std::sync::Arc;

use http::Response;
use rotaproof_base::Entropy;
use rotaproof_vaults::Body;
use tokio_util::sync::CancellationToken;

use super::{ActiveFault, Connect, Fault, FaultId, FaultSpec};

/// A draw is a multiple of 2^-53, as fine as an `f64` below 1 can be.
const DRAWS: u64 = 1 << 53;

struct Injected {
    fault: ActiveFault,
    name: Arc<str>,
    healed: CancellationToken,
    /// Its own stream, so that one fault's draws never shift another's.
    entropy: Entropy,
}

impl Injected {
    /// Whether this request, or this connection (without an operation), is hit; counts it if so.
    fn hits(&mut self, vault: &str, operation: Option<&str>) -> bool {
        let spec = &self.fault.spec;
        let meant = spec.vault == vault
            && spec.kind.connect().is_some() == operation.is_none()
            && (spec.operation.is_none() || spec.operation.as_deref() == operation)
            && spec
                .first
                .is_none_or(|first| self.fault.hits < first.into());
        let hit = meant
            && spec.share.is_none_or(|share| {
                let draw = self.entropy.below(DRAWS) as f64 / DRAWS as f64;
                draw < share
            });
        self.fault.hits += u64::from(hit);
        hit
    }
}

/// The active faults, in the order of injection.
pub(crate) struct Table {
    entropy: Entropy,
    next: u64,
    faults: Vec<Injected>,
}

impl Table {
    pub(crate) fn new(entropy: Entropy) -> Self {
        Self {
            entropy,
            next: 0,
            faults: Vec::new(),
        }
    }

    pub(crate) fn inject(&mut self, spec: FaultSpec) -> FaultId {
        self.next += 1;
        let id = FaultId(self.next);
        self.faults.push(Injected {
            name: spec.name.as_str().into(),
            healed: CancellationToken::new(),
            entropy: self.entropy.fork(&id.to_string()),
            fault: ActiveFault { id, spec, hits: 0 },
        });
        id
    }

    pub(crate) fn heal(&mut self, which: impl Fn(&ActiveFault) -> bool) -> usize {
        let before = self.faults.len();
        self.faults.retain(|injected| {
            let heal = which(&injected.fault);
            if heal {
                injected.healed.cancel();
            }
            !heal
        });
        before - self.faults.len()
    }

    pub(crate) fn active(&self) -> Vec<ActiveFault> {
        self.faults.iter().map(|f| f.fault.clone()).collect()
    }

    /// Whether any fault could hit this vault; if not, nothing has to be known of the request.
    pub(crate) fn concerns(&self, vault: &str) -> bool {
        self.faults.iter().any(|f| f.fault.spec.vault == vault)
    }

    /// The first fault that hits a new connection.
    pub(crate) fn decide_connection(&mut self, vault: &str) -> Option<ConnectHit> {
        self.faults.iter_mut().find_map(|injected| {
            let hit = injected.hits(vault, None);
            let connect = injected.fault.spec.kind.connect().filter(|_| hit)?;
            Some((injected.name.clone(), connect))
        })
    }

    pub(crate) fn decide(&mut self, vault: &str, operation: &str) -> Hits {
        let mut hits = Hits::default();
        for injected in &mut self.faults {
            if hits.in_stead() {
                break;
            }
            if injected.hits(vault, Some(operation)) {
                hits.0.push(Hit {
                    name: injected.name.clone(),
                    kind: injected.fault.spec.kind.clone(),
                    healed: injected.healed.clone(),
                });
            }
        }
        hits
    }
}

/// The fault that hits one connection, with its name.
pub(crate) type ConnectHit = (Arc<str>, Connect);

struct Hit {
    name: Arc<str>,
    kind: Arc<dyn Fault>,
    healed: CancellationToken,
}

/// The faults that hit one request.
#[derive(Default)]
pub(crate) struct Hits(Vec<Hit>);

impl Hits {
    pub(crate) fn in_stead(&self) -> bool {
        self.0.last().is_some_and(|hit| hit.kind.in_stead())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn names(&self) -> Option<Arc<str>> {
        match self.0.as_slice() {
            [] => None,
            [one] => Some(one.name.clone()),
            all => {
                let names: Vec<&str> = all.iter().map(|hit| &*hit.name).collect();
                Some(names.join(", ").into())
            }
        }
    }

    /// Takes the vault's answer, or none, through all of them.
    pub(crate) async fn apply(self, mut answer: Option<Response<Body>>) -> Option<Response<Body>> {
        for hit in self.0 {
            answer = hit.kind.answer(answer, &hit.healed).await;
        }
        answer
    }
}
