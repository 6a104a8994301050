//! The scenario file format: types, strict parser, diagnostics, JSON schema and checks.
//!
//! [`load`] reads a file, expands its matrix, reads its manifests and checks everything that can be checked without
//! running. Nothing here runs anything.

mod check;
mod diagnostic;
mod discover;
mod load;
mod manifest;
mod matrix;
pub mod model;
mod parse;
mod schema;
mod source;
mod text;
mod tree;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use discover::discover;
pub use load::{Case, load};
pub use manifest::{
    Document, Manifest, Manifests, Mapping, Origin, PodSource, PodSources, SecretKey,
};
pub use matrix::Combination;
pub use parse::parse;
pub use schema::schema;
pub use source::{Located, Source, Span};
pub use text::{
    Budget, ClientName, Mark, ObjectName, Period, PodRef, ResourceRef, SecretRef, StoreName,
    Stretch, ValueRef, VersionName,
};
