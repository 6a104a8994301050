//! rotaproof proves that a secret rotated in a vault reaches the pods that use it, through the External Secrets Operator.
//!
//! This crate is the command line ([`cli`]) and the entry for other people's `cargo test` ([`test_scenarios`]).

pub mod cli;
mod command;
mod error;
mod library;

pub use error::ExitStatus;
pub use library::{Outcome, run_file, test_scenarios};
