//! Where a pod's variables and files come from.

use indexmap::IndexMap;
use serde_json::Value;

use super::mapping::{Mapping, SecretKey};
use super::object::{ObjectRef, list, text};
use crate::ObjectName;

/// Where one variable or file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodSource {
    /// A key of a Kubernetes Secret.
    Secret(SecretKey),
    /// From elsewhere.
    Other {
        /// From where: "the manifest itself", "a ConfigMap".
        reason: String,
    },
}

/// The variables and files that a workload's manifest gives its pod, over all its containers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSources {
    env: IndexMap<String, PodSource>,
    /// Secrets whose keys become variables, with the prefix; later ones win.
    env_from: Vec<(ObjectName, String)>,
    mounts: Vec<Mount>,
}

#[derive(Clone, Debug, PartialEq)]
struct Mount {
    path: String,
    sub_path: Option<String>,
    parts: Vec<Part>,
}

/// What a volume takes from one Secret.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    secret: ObjectName,
    /// Path to key; `None` for every key under its own name.
    items: Option<IndexMap<String, String>>,
}

impl PodSources {
    /// The kinds that make a pod.
    pub const KINDS: [&'static str; 4] = ["Pod", "Job", "CronJob", "NotebookValidationJob"];

    /// The sources of a Pod, Job, CronJob or NotebookValidationJob; `None` for any other kind.
    pub fn of(object: &Value) -> Option<Self> {
        let object = ObjectRef(object);
        let namespace = object.namespace();
        let spec = match object.kind() {
            "Pod" => object.0.pointer("/spec")?,
            "Job" => object.0.pointer("/spec/template/spec")?,
            "CronJob" => object.0.pointer("/spec/jobTemplate/spec/template/spec")?,
            "NotebookValidationJob" => {
                let config = object.0.pointer("/spec/podConfig")?;
                let mut sources = Self::default();
                sources.add_container(config, namespace, &volumes(config, namespace));
                for credential in list(config, "/credentials")
                    .iter()
                    .filter_map(Value::as_str)
                {
                    sources
                        .env_from
                        .push((ObjectName::new(namespace, credential), String::new()));
                }
                return Some(sources);
            }
            _ => return None,
        };
        let volumes = volumes(spec, namespace);
        let mut sources = Self::default();
        for container in list(spec, "/containers") {
            sources.add_container(container, namespace, &volumes);
        }
        Some(sources)
    }

    fn add_container(
        &mut self,
        container: &Value,
        namespace: &str,
        volumes: &IndexMap<&str, Vec<Part>>,
    ) {
        for variable in list(container, "/env") {
            let Some(name) = text(variable, "/name") else {
                continue;
            };
            let reference = variable.pointer("/valueFrom/secretKeyRef");
            let source = match reference.and_then(|r| Some((text(r, "/name")?, text(r, "/key")?))) {
                Some((secret, key)) => PodSource::Secret(SecretKey {
                    secret: ObjectName::new(namespace, secret),
                    key: key.to_owned(),
                }),
                None if variable.pointer("/valueFrom/configMapKeyRef").is_some() => {
                    other("a ConfigMap")
                }
                None if variable.get("valueFrom").is_some() => other("the pod itself"),
                None => other("the manifest itself"),
            };
            self.env.entry(name.to_owned()).or_insert(source);
        }
        for from in list(container, "/envFrom") {
            if let Some(secret) = text(from, "/secretRef/name") {
                let prefix = text(from, "/prefix").unwrap_or_default();
                self.env_from
                    .push((ObjectName::new(namespace, secret), prefix.to_owned()));
            }
        }
        for mount in list(container, "/volumeMounts") {
            let volume = text(mount, "/name").and_then(|name| volumes.get(name));
            if let (Some(path), Some(parts)) = (text(mount, "/mountPath"), volume) {
                self.mounts.push(Mount {
                    path: path.trim_end_matches('/').to_owned(),
                    sub_path: text(mount, "/subPath").map(str::to_owned),
                    parts: parts.clone(),
                });
            }
        }
    }

    /// Where a variable comes from. `env` wins over `envFrom`, and a later `envFrom` over an earlier one.
    pub fn env(&self, name: &str, mapping: &Mapping) -> Option<PodSource> {
        if let Some(source) = self.env.get(name) {
            return Some(source.clone());
        }
        self.env_from.iter().rev().find_map(|(secret, prefix)| {
            let key = name.strip_prefix(prefix.as_str())?;
            mapping.key(secret, key)?;
            Some(PodSource::Secret(SecretKey {
                secret: secret.clone(),
                key: key.to_owned(),
            }))
        })
    }

    /// Where a file comes from, by its absolute path.
    pub fn file(&self, path: &str, mapping: &Mapping) -> Option<PodSource> {
        self.mounts.iter().find_map(|mount| {
            let inside = match &mount.sub_path {
                Some(sub_path) => (path == mount.path).then_some(sub_path.as_str())?,
                None => path.strip_prefix(&mount.path)?.strip_prefix('/')?,
            };
            mount.parts.iter().rev().find_map(|part| {
                let key = match &part.items {
                    Some(items) => items.get(inside)?.as_str(),
                    None => inside,
                };
                mapping.key(&part.secret, key)?;
                Some(PodSource::Secret(SecretKey {
                    secret: part.secret.clone(),
                    key: key.to_owned(),
                }))
            })
        })
    }

    /// The Secrets that it uses, in order, each once.
    pub fn secrets(&self) -> Vec<&ObjectName> {
        let env = self.env.values().filter_map(|source| match source {
            PodSource::Secret(key) => Some(&key.secret),
            PodSource::Other { .. } => None,
        });
        let from = self.env_from.iter().map(|(secret, _)| secret);
        let mounts = self
            .mounts
            .iter()
            .flat_map(|mount| mount.parts.iter().map(|part| &part.secret));
        let mut secrets = Vec::new();
        for secret in env.chain(from).chain(mounts) {
            if !secrets.contains(&secret) {
                secrets.push(secret);
            }
        }
        secrets
    }

    /// The variables that the manifest names itself.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.env.keys().map(String::as_str)
    }
}

fn other(reason: &str) -> PodSource {
    PodSource::Other {
        reason: reason.to_owned(),
    }
}

/// The volumes that hold Secrets, by name.
fn volumes<'a>(spec: &'a Value, namespace: &str) -> IndexMap<&'a str, Vec<Part>> {
    let part = |secret: &Value, name: &str| {
        Some(Part {
            secret: ObjectName::new(namespace, text(secret, name)?),
            items: secret.get("items").map(|_| {
                list(secret, "/items")
                    .iter()
                    .filter_map(|item| {
                        Some((
                            text(item, "/path")?.to_owned(),
                            text(item, "/key")?.to_owned(),
                        ))
                    })
                    .collect()
            }),
        })
    };
    list(spec, "/volumes")
        .iter()
        .filter_map(|volume| {
            let plain = volume
                .get("secret")
                .and_then(|secret| part(secret, "/secretName"));
            let projected = list(volume, "/projected/sources")
                .iter()
                .filter_map(|source| part(source.get("secret")?, "/name"));
            Some((
                text(volume, "/name")?,
                plain.into_iter().chain(projected).collect(),
            ))
        })
        .collect()
}
