//! 1Password Connect through its HTTP API: what is asked, and exactly what is answered.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests

mod files;
mod items;
mod lab;
mod patches;
mod router;
mod tokens;
mod vaults;
mod writer;
