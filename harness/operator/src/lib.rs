//! The built-in sync engine: what ESO 2.9.0 does with an ExternalSecret and its store, in virtual time.
//!
//! It reads and writes the Kubernetes API as ESO was recorded to, and reaches its vaults only through the
//! gateway.

mod kube_error;
pub mod provider;
