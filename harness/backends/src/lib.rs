//! Real vault servers in containers, behind the gateway in place of the built-in vaults: LocalStack for AWS Secrets
//! Manager, Vault's or OpenBao's dev server for HashiCorp Vault.
//!
//! A backend is a [`rotaproof_vaults::Vault`] that forwards: what reaches it through the gateway goes to the server,
//! and the journal is told what the server decided in the words of the built-in vaults, so that faults, expectations
//! and staleness work on both. Time here is real: a paused clock would end every wait for a server at once.

mod aws;
mod container;
mod containers;
mod docker;
mod error;
mod forward;
mod hashicorp;
mod image;
mod removal;
mod settings;

pub use aws::LocalStackVault;
pub use container::RUN_LABEL;
pub use containers::Containers;
pub use error::Error;
pub use hashicorp::{ClusterIdentity, DevServerVault};
pub use settings::{AwsServer, HashicorpServer, ImageName, Settings, UnknownServer};
