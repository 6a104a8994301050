//! The gateway itself: what is attached to it, and where it listens.

use std::sync::Arc;

use rotaproof_base::{Clock, Entropy, Listen, TaskGroup};
use rotaproof_vaults::Vault;

use crate::authority::Authority;
use crate::connection::{self, Protocol};
use crate::exchange::Endpoint;
use crate::fault::Table;
use crate::journal::ClientKind;
use crate::ledger::Ledger;
use crate::proxy::{self, Shared};
use crate::routes::Routes;
use crate::{Error, Faults, Journal, listener};

/// What a gateway stands on.
#[derive(Clone)]
pub struct Config {
    /// Certificates, `Date` headers and the journal follow it.
    pub clock: Clock,
    /// Draws the requests that a fault's share hits, and serial numbers.
    pub entropy: Entropy,
}

/// The forward proxy, its authority, its faults and its journal. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
    faults: Faults,
}

impl Gateway {
    /// A gateway with an authority of its own and no vault yet.
    pub fn new(config: Config) -> Result<Self, Error> {
        let Config { clock, entropy } = config;
        let faults = Table::new(entropy.fork("faults"));
        let ledger = Arc::new(Ledger::new(clock.clone(), faults));
        let shared = Shared {
            authority: Authority::new(clock.clone(), entropy.fork("certificates"))?,
            routes: Routes::default(),
            ledger: ledger.clone(),
            clock,
        };
        Ok(Self {
            shared: Arc::new(shared),
            faults: Faults(ledger),
        })
    }

    /// The certificate of the authority, for `SSL_CERT_FILE` and the like.
    pub fn ca_pem(&self) -> &str {
        self.shared.authority.pem()
    }

    /// Routes the vault's hosts to it. Fails where the name or one of the hosts is taken; then nothing changes.
    pub fn attach(&self, name: &str, vault: Arc<dyn Vault>) -> Result<(), Error> {
        self.shared.routes.attach(name, vault)
    }

    /// Serves the forward proxy in `tasks`, until the listener ends or the group does.
    pub fn serve(&self, listener: impl Listen, tasks: &TaskGroup) {
        let (shared, handle) = (self.shared.clone(), tasks.handle());
        tasks.spawn(listener::accept(
            listener,
            tasks.handle(),
            move |io, permit| proxy::serve(io, shared.clone(), handle.clone(), permit),
        ));
    }

    /// Serves one vault as a plain HTTP/1.1 server: for the harness' own writers. No fault hits these requests.
    pub fn serve_direct(
        &self,
        name: &str,
        listener: impl Listen,
        tasks: &TaskGroup,
    ) -> Result<(), Error> {
        let attached = self.shared.routes.named(name);
        let attached = attached.ok_or_else(|| Error::UnknownVault(name.to_owned()))?;
        let endpoint = Arc::new(Endpoint {
            clock: self.shared.clock.clone(),
            ledger: self.shared.ledger.clone(),
            client: ClientKind::Harness,
            host: attached.name.clone(),
            attached,
        });
        let handle = tasks.handle();
        tasks.spawn(listener::accept(
            listener,
            tasks.handle(),
            move |io, permit| {
                let (endpoint, handle) = (endpoint.clone(), handle.clone());
                async move {
                    let _permit = permit;
                    connection::serve(io, Protocol::Http1, endpoint, handle).await;
                }
            },
        ));
        Ok(())
    }

    /// The journal of all requests.
    pub fn journal(&self) -> Journal {
        Journal(self.shared.ledger.clone())
    }

    /// The faults between the clients and the vaults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}
