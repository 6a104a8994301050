//! The one lock under which faults are decided and decisions are taken down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rotaproof_base::Clock;
use rotaproof_vaults::{Served, Witness};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::exchange::refused;
use crate::fault::{Connect, Hits, Table};
use crate::journal::{ClientKind, Entry, Records};

struct State {
    records: Records,
    faults: Table,
}

/// Journal and faults.
pub(crate) struct Ledger {
    clock: Clock,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

/// What is known of a request before anything is decided.
pub(crate) struct Arrival<'a> {
    pub(crate) client: ClientKind,
    pub(crate) vault: Option<&'a Arc<str>>,
    pub(crate) host: &'a Arc<str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// When its head was read.
    pub(crate) began: Instant,
}

impl Ledger {
    pub(crate) fn new(clock: Clock, faults: Table) -> Self {
        Self {
            clock,
            state: Mutex::new(State {
                records: Records::default(),
                faults,
            }),
            changed: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Records) -> T) -> T {
        look(&self.lock().records)
    }

    pub(crate) fn with_faults<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut self.lock().faults)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes down a request that no vault sees.
    pub(crate) fn record(&self, arrival: &Arrival<'_>, served: Served) -> u64 {
        let mut state = self.lock();
        self.append(&mut state.records, arrival, served, None)
    }

    /// Decides which faults hit a request, and takes it down at once where one of them answers in the vault's stead.
    pub(crate) fn decide(
        &self,
        arrival: &Arrival<'_>,
        vault: &str,
        operation: &str,
        secret: Option<String>,
    ) -> (Hits, Option<u64>) {
        let mut state = self.lock();
        let hits = state.faults.decide(vault, operation);
        let seq = hits.in_stead().then(|| {
            let served = Served {
                operation: operation.to_owned(),
                secret,
                ..Served::default()
            };
            self.append(&mut state.records, arrival, served, hits.names())
        });
        (hits, seq)
    }

    /// Decides which fault hits a new connection, and takes it down.
    pub(crate) fn decide_connection(&self, arrival: &Arrival<'_>) -> Option<(Connect, u64)> {
        let mut state = self.lock();
        let (name, connect) = state.faults.decide_connection(arrival.vault?)?;
        let refusal = match connect {
            Connect::Refuse => "connection refused",
            Connect::Certificate(flaw) => flaw.describe(),
        };
        let served = refused(refusal);
        let seq = self.append(&mut state.records, arrival, served, Some(name));
        Some((connect, seq))
    }

    /// Completes an entry: with a status when its answer is done, without when its connection is reset.
    pub(crate) fn complete(&self, seq: u64, status: Option<u16>, began: Instant) {
        let mut state = self.lock();
        state.records.complete(seq, status, began.elapsed());
        self.announce(&state.records);
    }

    fn append(
        &self,
        records: &mut Records,
        arrival: &Arrival<'_>,
        served: Served,
        fault: Option<Arc<str>>,
    ) -> u64 {
        let mut shared = |text: Option<String>| text.map(|text| records.text(&text));
        let (identity, secret) = (shared(served.identity), shared(served.secret));
        let refusal = shared(served.refusal);
        let entry = Entry {
            seq: 0,
            at: self.clock.now(),
            elapsed: self.clock.elapsed(),
            client: arrival.client,
            vault: arrival.vault.cloned(),
            host: arrival.host.clone(),
            method: records.text(arrival.method),
            path: records.text(arrival.path),
            operation: records.text(&served.operation),
            identity,
            secret,
            versions: served.versions.into(),
            refusal,
            status: None,
            duration: None,
            fault,
        };
        let seq = records.append(entry);
        self.announce(records);
        seq
    }

    /// Under the lock, so that the announced number never falls.
    fn announce(&self, records: &Records) {
        self.changed.send_replace(records.changed());
    }
}

/// Takes down what a vault decides about one request, under the vault's own lock.
pub(crate) struct Recorder<'a> {
    ledger: &'a Ledger,
    arrival: &'a Arrival<'a>,
    fault: Option<Arc<str>>,
    seq: Mutex<Option<u64>>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(
        ledger: &'a Ledger,
        arrival: &'a Arrival<'a>,
        fault: Option<Arc<str>>,
    ) -> Self {
        Self {
            ledger,
            arrival,
            fault,
            seq: Mutex::new(None),
        }
    }

    /// The entry, made here where the vault kept silent.
    pub(crate) fn seq(&self) -> u64 {
        let silent = || self.append(Served::default());
        let mut seq = self.seq.lock().unwrap_or_else(PoisonError::into_inner);
        *seq.get_or_insert_with(silent)
    }

    fn append(&self, served: Served) -> u64 {
        let mut state = self.ledger.lock();
        let fault = self.fault.clone();
        self.ledger
            .append(&mut state.records, self.arrival, served, fault)
    }
}

impl Witness for Recorder<'_> {
    fn record(&self, served: Served) {
        let mut seq = self.seq.lock().unwrap_or_else(PoisonError::into_inner);
        // One request is one entry, also where a vault breaks its promise to call once.
        if seq.is_none() {
            *seq = Some(self.append(served));
        }
    }
}
