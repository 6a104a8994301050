//! The External Secrets Operator's releases: where a binary and its CRDs come from.
//!
//! A binary is a file of the user's, or the program in the pinned image of a release, pulled once from its registry
//! without Docker and kept in the user's cache. The CRDs come with it. Nothing here runs ESO, but to ask an unknown
//! file what it is.

mod cache;
mod crds;
mod digest;
mod error;
mod fetch;
mod image;
mod look;
mod program;
mod progress;
mod registry;
mod resolve;
mod settings;
mod wanted;

pub use error::Error;
pub use look::{Local, look};
pub use progress::Progress;
pub use resolve::{Release, resolve};
pub use settings::{Proxies, Registry, Settings};
pub use wanted::{NotWanted, Version, Wanted};

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
