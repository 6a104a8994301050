//! The API described for machines: OpenAPI v3, a document per group and version, and v2, all in one.
//!
//! Nothing is built before it is asked for, and then kept until a resource of its group and version changes.

mod builtin;
mod custom;
mod document;
mod gnostic;
mod paths;
mod v2;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::registry::Registry;
use crate::resource::Resource;
use crate::review;

/// The cached documents.
#[derive(Default)]
pub(crate) struct OpenApi {
    documents: Mutex<BTreeMap<GroupVersion, Document>>,
    v2: Mutex<Option<(Vec<String>, Rendered)>>,
    /// Beside the hash of the JSON that it is made of.
    gnostic: Mutex<Option<(String, Rendered)>>,
}

/// A rendered document, and the hash that is its tag.
#[derive(Clone)]
pub(crate) struct Rendered {
    pub(crate) hash: String,
    pub(crate) body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupVersion {
    pub(crate) group: String,
    pub(crate) version: String,
}

impl GroupVersion {
    /// As in the path of its resources: `api/v1`, `apis/batch/v1`.
    fn path(&self) -> String {
        match self.group.as_str() {
            "" => format!("api/{}", self.version),
            group => format!("apis/{group}/{}", self.version),
        }
    }

    fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// A document, and what it was made of: registering a resource anew makes a new one.
struct Document {
    of: Vec<Arc<Resource>>,
    rendered: Rendered,
}

impl Rendered {
    fn new(document: &Value) -> Self {
        Self::from(Bytes::from(document.to_string()))
    }
}

impl From<Bytes> for Rendered {
    fn from(body: Bytes) -> Self {
        let digest = Sha256::digest(&body);
        let hash = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        Self { hash, body }
    }
}

impl OpenApi {
    /// `/openapi/v3`: where the document of each group and version is.
    pub(crate) fn index(&self, registry: &Registry) -> Value {
        let mut paths = serde_json::Map::new();
        for (group_version, resources) in served(registry) {
            let hash = self.of(&group_version, resources).hash;
            let path = group_version.path();
            let url = format!("/openapi/v3/{path}?hash={hash}");
            paths.insert(path, json!({"serverRelativeURL": url}));
        }
        json!({"paths": paths})
    }

    /// The v3 document of a group and version, if there is one.
    pub(crate) fn v3(&self, registry: &Registry, asked: &GroupVersion) -> Option<Rendered> {
        let resources = served(registry).remove(asked)?;
        Some(self.of(asked, resources))
    }

    /// The v2 document of everything.
    pub(crate) fn v2(&self, registry: &Registry) -> Rendered {
        let mut documents = Vec::new();
        let mut hashes = Vec::new();
        for (group_version, resources) in served(registry) {
            let document = self.of(&group_version, resources);
            hashes.push(document.hash);
            documents.push(document.body);
        }
        let mut kept = self.v2.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, rendered)) if *of == hashes => rendered.clone(),
            _ => {
                // Each was rendered from a value.
                let values = documents
                    .iter()
                    .filter_map(|body| serde_json::from_slice(body).ok());
                let rendered = Rendered::new(&v2::merge(values));
                *kept = Some((hashes, rendered.clone()));
                rendered
            }
        }
    }

    /// The v2 document in protobuf.
    pub(crate) fn v2_protobuf(&self, registry: &Registry) -> Rendered {
        let json = self.v2(registry);
        let mut kept = self.gnostic.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, rendered)) if *of == json.hash => rendered.clone(),
            _ => {
                // It was rendered from a value.
                let value = serde_json::from_slice(&json.body).unwrap_or_default();
                let rendered = Rendered::from(Bytes::from(gnostic::encode(&value)));
                *kept = Some((json.hash, rendered.clone()));
                rendered
            }
        }
    }

    fn of(&self, group_version: &GroupVersion, resources: Vec<Arc<Resource>>) -> Rendered {
        let mut documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = documents.get(group_version) {
            let same = known.of.len() == resources.len()
                && known
                    .of
                    .iter()
                    .zip(&resources)
                    .all(|(a, b)| Arc::ptr_eq(a, b));
            if same {
                return known.rendered.clone();
            }
        }
        let rendered = Rendered::new(&document::build(group_version, &resources));
        let document = Document {
            of: resources,
            rendered: rendered.clone(),
        };
        documents.insert(group_version.clone(), document);
        rendered
    }
}

/// The resources of each served group and version.
fn served(registry: &Registry) -> BTreeMap<GroupVersion, Vec<Arc<Resource>>> {
    let mut served: BTreeMap<GroupVersion, Vec<Arc<Resource>>> = BTreeMap::new();
    let key = |group: &str, version: &str| GroupVersion {
        group: group.to_owned(),
        version: version.to_owned(),
    };
    for resource in registry.all() {
        for version in resource.versions.iter().filter(|version| version.served) {
            let resources = served
                .entry(key(resource.group(), &version.name))
                .or_default();
            resources.push(resource.clone());
        }
    }
    for kind in review::KINDS {
        served.entry(key(kind.group, "v1")).or_default();
    }
    served
}
