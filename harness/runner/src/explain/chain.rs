//! From what failed back to the vault: pod, Secret, ExternalSecret, store.

use std::collections::BTreeSet;

use serde_json::Value;

use super::About;
use crate::world::{Kind, Seen, State};

/// What stands between a consumer and the vault.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// `namespace/name`.
    pub(super) pod: Option<String>,
    /// `namespace/name`, in order of name.
    pub(super) secrets: BTreeSet<String>,
    /// `namespace/name`.
    pub(super) external_secrets: BTreeSet<String>,
    /// By kind and name.
    pub(super) stores: BTreeSet<(Kind, String)>,
    /// The vaults whose journal explains it; all where empty.
    pub(super) vault: Option<String>,
}

pub(super) fn follow(state: &State, about: &About) -> Chain {
    let mut chain = Chain::default();
    match about {
        About::Pod(pod) => {
            chain.pod = Some(pod.clone());
            if let Some(seen) = state.object(Kind::Pod, pod) {
                let namespace = pod.split_once('/').map_or("", |(namespace, _)| namespace);
                let mut names = BTreeSet::new();
                secret_names(&seen.object.data["spec"], &mut names);
                chain.secrets = names
                    .into_iter()
                    .map(|n| format!("{namespace}/{n}"))
                    .collect();
            }
        }
        About::Secret(secret) => {
            chain.secrets.insert(secret.clone());
        }
        About::ExternalSecret(name) => {
            chain.external_secrets.insert(name.clone());
        }
        About::Store(name) => {
            let kind = match name.contains('/') {
                true => Kind::SecretStore,
                false => Kind::ClusterSecretStore,
            };
            chain.stores.insert((kind, name.clone()));
        }
        About::Vault(vault) => chain.vault = Some(vault.clone()),
    }
    for (name, seen) in state.objects(Kind::ExternalSecret) {
        if chain.secrets.contains(&target(name, seen)) {
            chain.external_secrets.insert(name.to_owned());
        }
    }
    for name in &chain.external_secrets {
        if let Some(seen) = state.object(Kind::ExternalSecret, name) {
            chain.stores.extend(store(name, seen));
        }
    }
    chain
}

/// The `namespace/name` of the Secret that an ExternalSecret makes.
pub(crate) fn target(name: &str, seen: &Seen) -> String {
    match (name.split_once('/'), seen.text("/spec/target/name")) {
        (Some((namespace, _)), Some(target)) if !target.is_empty() => {
            format!("{namespace}/{target}")
        }
        _ => name.to_owned(),
    }
}

pub(super) fn store(name: &str, seen: &Seen) -> Option<(Kind, String)> {
    let store = seen.text("/spec/secretStoreRef/name")?;
    match seen.text("/spec/secretStoreRef/kind") {
        Some("ClusterSecretStore") => Some((Kind::ClusterSecretStore, store.to_owned())),
        _ => {
            let (namespace, _) = name.split_once('/')?;
            Some((Kind::SecretStore, format!("{namespace}/{store}")))
        }
    }
}

/// The names of all Secrets that a pod spec refers to, wherever they stand.
fn secret_names(spec: &Value, names: &mut BTreeSet<String>) {
    match spec {
        Value::Object(map) => {
            for (key, value) in map {
                let name = match key.as_str() {
                    "secretKeyRef" | "secretRef" => value["name"].as_str(),
                    "secret" => value["secretName"].as_str().or(value["name"].as_str()),
                    _ => None,
                };
                match name {
                    Some(name) => {
                        names.insert(name.to_owned());
                    }
                    None => secret_names(value, names),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| secret_names(value, names)),
        _ => {}
    }
}
