//! rotaproof proves that a secret rotated in a vault reaches the pods that use it, through the External Secrets Operator.
//!
//! For a project's own `cargo test` there are two ways:
//! * each scenario file is a test: [`harness`] in a `[[test]]` of its own, or [`test_scenarios`] in a `#[test]`;
//! * tests are written in Rust, each with a [`Lab`] of its own.
//!
//! The command line ([`cli`]) runs the same scenario files.

pub mod cli;
mod command;
mod error;
mod lab;
mod library;

pub use error::ExitStatus;
pub use lab::{
    Builder, Content, Failure, Fault, Lab, Manifest, Mark, REFRESH, Result, Rotate, Rotation,
    UNTIL_REFRESH, Value, expect, vault,
};
pub use library::{Outcome, harness, run_file, test_scenarios};
pub use rotaproof_gateway::{ClientKind, Entry, Journal};
pub use rotaproof_runner::Staleness;
pub use rotaproof_scenario::VersionName as Version;
pub use rotaproof_scenario::model::EsoVersion;
pub use rotaproof_scenario::model::step::Strategy;
pub use rotaproof_scenario::{Budget, Stretch};
// In a lab's own versions: its client speaks these types.
pub use {k8s_openapi, kube};
