//! The built-in vaults, one module each: state, wire protocol, authentication; and the writers that rotate them.
//!
//! A vault is reached only through HTTP ([`Vault::serve`]); a writer only through a vault's own public API, so that
//! it rotates an emulator, LocalStack or the real thing alike.

pub mod aws;
pub mod azure;
mod contract;
pub mod gcp;
pub mod hashicorp;
pub mod onepassword;
mod writer;

pub use contract::{Body, HostPattern, Served, ServedVersion, Vault, VaultKind, Witness, buffered};
pub use writer::{Ack, Content, Removal, Strategy, WriteError, Writer};
