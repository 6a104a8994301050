//! The built-in sync engine: what ESO does with an ExternalSecret and its store, in virtual time.
//!
//! It reads and writes the Kubernetes API as ESO was recorded to, and reaches its vaults only through the
//! gateway.

mod controller;
mod engine;
mod external_secret;
mod hash;
mod kube_error;
pub mod provider;
mod release;
mod store;
pub mod template;
pub mod value;

pub use engine::{Operator, Options, start};
pub use release::Release;
