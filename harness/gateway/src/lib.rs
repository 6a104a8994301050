//! The private internet of vaults: one forward proxy (CONNECT and absolute-form HTTP) with its own certificate
//! authority, which routes by host name to the vaults, refuses every other host, injects faults and keeps the
//! journal of all requests.
//!
//! A connection lives in four steps: [`Gateway::serve`] accepts it (`listener`), `proxy` reads CONNECT and ends TLS,
//! `exchange` takes one request through the faults to the vault, `ledger` takes down what was decided.

mod answer;
mod authority;
mod connection;
mod error;
mod exchange;
pub mod fault;
mod gateway;
mod journal;
mod ledger;
mod manner;
mod proxy;
mod routes;

pub use authority::Authority;
pub use error::Error;
pub use fault::{ActiveFault, Fault, FaultId, FaultSpec, Faults};
pub use gateway::{Config, Gateway, Transport};
pub use journal::{Changes, ClientKind, Entry, Journal};
