//! Manifests: files, texts, typed objects.

use std::path::{Path, PathBuf};

use rotaproof_scenario::{self as scenario, Document};

/// Kubernetes objects to apply: a file (`"manifests/store.yaml".into()`), a text, or typed objects.
#[derive(Clone, Debug)]
pub struct Manifest(Source);

#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    Text(String),
    Object(Result<serde_json::Value, String>),
}

impl Manifest {
    /// A file; its path is relative to the folder that the test runs in, which is its package's.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// YAML, of one document or more.
    pub fn yaml(text: impl Into<String>) -> Self {
        Self(Source::Text(text.into()))
    }

    /// A typed object, of `k8s_openapi` or your own: anything that serializes with `apiVersion`, `kind` and `metadata`.
    pub fn object(object: &impl serde::Serialize) -> Self {
        let object = serde_json::to_value(object).map_err(|error| error.to_string());
        Self(Source::Object(object))
    }

    /// What a message calls it.
    pub(super) fn name(&self) -> String {
        let of_object = |object: &serde_json::Value| {
            let text = |pointer| object.pointer(pointer).and_then(serde_json::Value::as_str);
            let kind = text("/kind").unwrap_or("an object");
            format!("{kind} {}", text("/metadata/name").unwrap_or_default())
        };
        match &self.0 {
            Source::File(path) => path.display().to_string(),
            Source::Text(_) => "the test's YAML".into(),
            Source::Object(object) => object
                .as_ref()
                .map_or_else(|_| "an object".into(), of_object),
        }
    }

    /// Its objects, or everything that is wrong with it.
    pub(super) fn read(&self) -> Result<scenario::Manifest, String> {
        let parse = |path: &Path, bytes: &[u8]| {
            scenario::Manifest::read(path, bytes).map_err(|wrong| wrong.render(false))
        };
        match &self.0 {
            Source::File(path) => {
                let bytes = std::fs::read(path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                parse(path, &bytes)
            }
            Source::Text(text) => parse(self.name().as_ref(), text.as_bytes()),
            Source::Object(object) => Ok(scenario::Manifest {
                path: self.name().into(),
                documents: vec![Document {
                    line: 1,
                    version_line: 1,
                    object: object.clone()?,
                }],
            }),
        }
    }
}

impl<P: AsRef<Path>> From<P> for Manifest {
    fn from(path: P) -> Self {
        Self::file(path.as_ref())
    }
}
