//! The scenario file format: types, strict parser, diagnostics, JSON schema and checks.
//!
//! [`parse`] reads the text of a file and expands its matrix. Nothing here runs anything.

mod diagnostic;
mod discover;
mod matrix;
pub mod model;
mod parse;
mod schema;
mod source;
mod text;
mod tree;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use discover::discover;
pub use matrix::Combination;
pub use parse::parse;
pub use schema::schema;
pub use source::{Located, Source, Span};
pub use text::{
    Budget, ClientName, Mark, ObjectName, Period, PodRef, ResourceRef, SecretRef, StoreName,
    ValueRef, VersionName,
};
