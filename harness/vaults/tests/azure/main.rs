//! Azure Key Vault, its tenant and the metadata service, by their wire and through the writer.

#![allow(clippy::unwrap_used)]

mod identity;
mod lab;
mod secrets;
mod writer;
