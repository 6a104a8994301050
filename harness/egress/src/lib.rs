//! An HTTP client whose connections come from [`rotaproof_base::Dial`]: through a forward proxy as an operator
//! speaks to its vaults, or straight to one server.
//!
//! It has no timers of its own: a caller wraps [`Client::send`] in `tokio::time::timeout`, and a virtual clock
//! jumps freely while connections are idle.

mod client;
mod connect;
mod error;
mod metered;
mod owned;
mod pool;
mod target;
mod trust;

pub use client::{Builder, Client, MAX_BODY, Trailers};
pub use error::Error;
pub use trust::CertificateFlaw;
