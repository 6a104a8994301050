//! The gateway itself: what is attached to it, and where it listens.

use std::sync::Arc;

use rotaproof_base::{Clock, Entropy, Listen, TaskGroup};
use rotaproof_vaults::Vault;
use rustls::ServerConfig;

use crate::authority::Authority;
use crate::connection::{self, Protocol};
use crate::exchange::Endpoint;
use crate::fault::Table;
use crate::ledger::Ledger;
use crate::manner::Manner;
use crate::proxy::{self, Shared};
use crate::routes::Routes;
use crate::{Error, Faults, Journal};

/// What a gateway stands on.
#[derive(Clone)]
pub struct Config {
    /// Certificates, `Date` headers and the journal follow it.
    pub clock: Clock,
    /// Draws the requests that a fault's share hits, and serial numbers.
    pub entropy: Entropy,
}

/// How a direct endpoint is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// TLS with a certificate of the gateway's authority for `127.0.0.1`, `::1` and `localhost`; h2 and http/1.1.
    #[default]
    Tls,
    /// Bare HTTP/1.1.
    Plain,
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
        let Config { clock, entropy } = &config;
        let authority = Authority::new(clock.clone(), entropy.fork("certificates"))?;
        Ok(Self::with_authority(config, authority))
    }

    /// A gateway with no vault yet, whose certificates this authority signs: one that clients trust already.
    pub fn with_authority(config: Config, authority: Authority) -> Self {
        let Config { clock, entropy } = config;
        let faults = Table::new(entropy.fork("faults"));
        let ledger = Arc::new(Ledger::new(clock.clone(), faults));
        let shared = Shared {
            authority,
            routes: Routes::default(),
            ledger: ledger.clone(),
            clock,
        };
        Self {
            shared: Arc::new(shared),
            faults: Faults(ledger),
        }
    }

    /// The certificate of the authority, for `SSL_CERT_FILE` and the like.
    pub fn ca_pem(&self) -> &str {
        self.shared.authority.pem()
    }

    /// Routes the vault's hosts to it. Fails where the name or one of the hosts is taken; then nothing changes.
    pub fn attach(&self, name: &str, vault: Arc<dyn Vault>) -> Result<(), Error> {
        self.shared.routes.attach(name, vault)
    }

    /// Serves the forward proxy to the operator in `tasks`, until the listener ends or the group does.
    pub fn serve(&self, listener: impl Listen, tasks: &TaskGroup) {
        self.serve_proxy(listener, Manner::OPERATOR, tasks);
    }

    /// As [`Gateway::serve`], to people's own programs: a client that keeps the proxy waiting is given up.
    pub fn serve_tools(&self, listener: impl Listen, tasks: &TaskGroup) {
        self.serve_proxy(listener, Manner::TOOL, tasks);
    }

    fn serve_proxy(&self, listener: impl Listen, manner: Manner, tasks: &TaskGroup) {
        let (shared, handle) = (self.shared.clone(), tasks.handle());
        let serve = move |io, slot| proxy::serve(io, shared.clone(), manner, handle.clone(), slot);
        tasks.spawn(rotaproof_base::accept(listener, tasks.handle(), serve));
    }

    /// Serves one vault as a plain HTTP/1.1 server: for the harness' own writers. No fault hits these requests.
    pub fn serve_direct(
        &self,
        name: &str,
        listener: impl Listen,
        tasks: &TaskGroup,
    ) -> Result<(), Error> {
        self.serve_endpoint(name, listener, None, Manner::HARNESS, tasks)
    }

    /// Serves one vault to people's own programs, on loopback. No fault hits these requests.
    pub fn serve_tools_direct(
        &self,
        name: &str,
        listener: impl Listen,
        transport: Transport,
        tasks: &TaskGroup,
    ) -> Result<(), Error> {
        let tls = match transport {
            Transport::Tls => Some(self.shared.authority.tls_for_loopback()?),
            Transport::Plain => None,
        };
        self.serve_endpoint(name, listener, tls, Manner::ADMINISTRATOR, tasks)
    }

    fn serve_endpoint(
        &self,
        name: &str,
        listener: impl Listen,
        tls: Option<Arc<ServerConfig>>,
        manner: Manner,
        tasks: &TaskGroup,
    ) -> Result<(), Error> {
        let attached = self.shared.routes.named(name);
        let attached = attached.ok_or_else(|| Error::UnknownVault(name.to_owned()))?;
        let endpoint = Arc::new(Endpoint {
            clock: self.shared.clock.clone(),
            ledger: self.shared.ledger.clone(),
            manner,
            host: attached.name.clone(),
            attached,
        });
        let handle = tasks.handle();
        let serve = move |io, slot| {
            let (tls, endpoint, handle) = (tls.clone(), endpoint.clone(), handle.clone());
            async move {
                let _slot = slot;
                match tls {
                    Some(tls) => connection::serve_tls(io, tls, endpoint, handle).await,
                    None => connection::serve(io, Protocol::Http1, endpoint, handle).await,
                }
            }
        };
        tasks.spawn(rotaproof_base::accept(listener, tasks.handle(), serve));
        Ok(())
    }

    /// The hosts that the vault of this name answers for, as patterns; none where there is no such vault.
    pub fn hosts(&self, name: &str) -> Vec<String> {
        let attached = self.shared.routes.named(name);
        let hosts = attached
            .map(|attached| attached.vault.hosts())
            .unwrap_or_default();
        hosts.iter().map(ToString::to_string).collect()
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
