//! Structural schemas of CustomResourceDefinitions: pruning, defaulting, validation.
//!
//! The rules and the words are those of kube-apiserver 1.34 (k8s.io/apiextensions-apiserver `pkg/apiserver/schema`
//! and `validation`): a schema is compiled once, its patterns and CEL rules included, and then applied to any
//! number of objects.

mod cel;
mod compile;
mod defaults;
mod field_error;
mod format;
mod node;
mod path;
mod prune;
mod shared;
mod uniqueness;
mod validate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

pub use field_error::{FieldError, FieldErrorReason};
pub(crate) use node::{ListType, Node};
pub(crate) use path::Path;

/// Why a schema cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SchemaError {
    /// Where in the schema, e.g. `properties[spec].x-kubernetes-validations[0].rule`.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

/// A compiled `openAPIV3Schema`.
#[derive(Debug)]
pub struct Structural {
    root: Node,
}

impl Structural {
    /// Compiles the `openAPIV3Schema` of a CRD's version.
    ///
    /// # Errors
    /// A keyword of the wrong form, a pattern or a CEL rule that does not compile, or a schema nested too deeply.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        Ok(Self {
            root: compile::compile(schema)?,
        })
    }

    /// As [`compile`](Self::compile); whoever asks for the same schema in this process shares the outcome.
    pub(crate) fn shared(schema: &Value) -> Result<Arc<Self>, SchemaError> {
        shared::compile(schema)
    }

    /// Drops the fields that the schema does not know. `apiVersion`, `kind` and `metadata` stay at the root and in
    /// embedded resources.
    pub fn prune(&self, object: &mut Value) {
        prune::prune(&self.root, object, None);
    }

    /// Fills in the schema's defaults, also inside of defaults just filled in.
    pub fn apply_defaults(&self, object: &mut Value) {
        defaults::apply(&self.root, object);
    }

    /// Drops each null that is still there where a field may not be null.
    pub fn drop_nulls(&self, object: &mut Value) {
        defaults::drop_nulls(&self.root, object);
    }

    /// Checks an object; `old` is the stored one on an update: it feeds transition rules, and what it already
    /// had wrong and is left unchanged is not held against the new one (CRD validation ratcheting).
    pub fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        validate::validate(&self.root, new, old, &mut Path::new(), &mut errors);
        uniqueness::check(&self.root, new, old, &mut Path::new(), &mut errors);
        if self.root.rules_below {
            if errors.iter().any(FieldError::blocks_rules) {
                errors.push(FieldError::rules_not_checked());
            } else {
                cel::check(&self.root, new, old, &mut errors);
            }
        }
        errors
    }

    /// The paths of the fields that [`prune`](Self::prune) would drop.
    pub(crate) fn unknown_paths(&self, object: &Value) -> Vec<String> {
        let mut dropped = Vec::new();
        prune::prune(&self.root, &mut object.clone(), Some(&mut dropped));
        dropped.sort();
        dropped
    }

    /// The fields that [`prune`](Self::prune) would drop, as `fieldValidation=Strict` words them:
    /// `unknown field "spec.foo"`.
    pub fn unknown_fields(&self, object: &Value) -> Vec<String> {
        self.unknown_paths(object)
            .into_iter()
            .map(|path| format!("unknown field {path:?}"))
            .collect()
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
}
