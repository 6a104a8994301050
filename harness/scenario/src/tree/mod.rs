//! A parsed file as a tree that knows where everything stands, and how types are read from it.

mod access;
mod de;
mod error;
pub(crate) mod marker;
mod node;
mod yaml;

pub(crate) use de::from_node;
pub(crate) use error::Reject;
pub(crate) use node::{Entry, Node, NodeValue, Plain};
pub(crate) use yaml::{Limits, read_tree};
