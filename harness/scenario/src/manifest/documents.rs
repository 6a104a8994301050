//! Reads manifests: every document with the line where it starts.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::Value;

use super::json::to_json;
use crate::Span;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::parse::source_of;
use crate::tree::{Limits, Node, read_tree};

/// One object of a manifest. The items of a `List` are objects of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The line where it starts, from 1.
    pub line: usize,
    /// The line of its `apiVersion`, from 1.
    pub version_line: usize,
    /// The object.
    pub object: Value,
}

/// One manifest file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The file, from the working folder.
    pub path: PathBuf,
    /// Its objects, in order.
    pub documents: Vec<Document>,
}

/// The manifests of a case, by their path as the scenario writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests(IndexMap<String, Manifest>);

impl Manifests {
    /// A manifest by its path as the scenario writes it.
    pub fn get(&self, path: &str) -> Option<&Manifest> {
        self.0.get(path)
    }

    /// All of them, in the order of their first use.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Manifest)> {
        self.0
            .iter()
            .map(|(path, manifest)| (path.as_str(), manifest))
    }

    /// Adds one, in place of an earlier one of that path.
    pub fn insert(&mut self, path: String, manifest: Manifest) {
        self.0.insert(path, manifest);
    }
}

impl Manifest {
    /// Reads the text of a manifest file. YAML is read as kubectl reads it: `0644` is octal, `yes` is true.
    ///
    /// # Errors
    /// Every document that is not a Kubernetes object, or where the text is not YAML.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<Self, Diagnostics> {
        let source = source_of(path, bytes)?;
        let trees = read_tree(source.text(), Limits::MANIFEST)
            .map_err(|reject| Diagnostics::from(Diagnostic::rejected(&source, reject)))?;
        let mut documents = Vec::new();
        let mut wrong = Diagnostics::default();
        for tree in &trees {
            let mut add = |object: Value, node: &Node, span: Span| match missing_field(&object) {
                None => documents.push(Document {
                    line: span.line,
                    version_line: node
                        .get("apiVersion")
                        .map_or(span.line, |entry| entry.key_span.line),
                    object,
                }),
                Some(field) => wrong.push(
                    Diagnostic::error(&source, span, "not a Kubernetes object")
                        .label(format!("`{field}` is missing")),
                ),
            };
            let object = to_json(tree);
            match object.get("items").and_then(Value::as_array) {
                Some(items)
                    if object["kind"]
                        .as_str()
                        .is_some_and(|kind| kind.ends_with("List")) =>
                {
                    let spans = tree
                        .get("items")
                        .map(|items| items.value.items())
                        .unwrap_or_default();
                    for (item, node) in items.iter().zip(spans) {
                        add(item.clone(), node, node.span);
                    }
                }
                _ => add(object, tree, tree.span),
            }
        }
        if wrong.is_empty() {
            Ok(Self {
                path: path.to_owned(),
                documents,
            })
        } else {
            Err(wrong)
        }
    }
}

fn missing_field(object: &Value) -> Option<&'static str> {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    if !text("/apiVersion") {
        Some("apiVersion")
    } else if !text("/kind") {
        Some("kind")
    } else if !text("/metadata/name") && !text("/metadata/generateName") {
        Some("metadata.name")
    } else {
        None
    }
}
