//! The Secrets and ConfigMaps that a pod names, read when they are needed.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Container, Pod, Secret, ServiceAccount, Volume};
use kube::Client;
use kube::api::{Api, PostParams};
use rotaproof_base::SecretValue;
use serde_json::json;

/// An object that a pod reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reference {
    Secret(String),
    ConfigMap(String),
}

/// What a container's environment reads.
pub(crate) fn of_container(container: &Container) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    for from in container.env_from.iter().flatten() {
        found.extend(
            from.secret_ref
                .as_ref()
                .map(|r| Reference::Secret(r.name.clone())),
        );
        found.extend(
            from.config_map_ref
                .as_ref()
                .map(|r| Reference::ConfigMap(r.name.clone())),
        );
    }
    for from in container
        .env
        .iter()
        .flatten()
        .filter_map(|env| env.value_from.as_ref())
    {
        found.extend(
            from.secret_key_ref
                .as_ref()
                .map(|r| Reference::Secret(r.name.clone())),
        );
        found.extend(
            from.config_map_key_ref
                .as_ref()
                .map(|r| Reference::ConfigMap(r.name.clone())),
        );
    }
    found
}

/// What a volume reads.
pub(crate) fn of_volume(volume: &Volume) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    let secret = volume
        .secret
        .as_ref()
        .and_then(|secret| secret.secret_name.clone());
    found.extend(secret.map(Reference::Secret));
    found.extend(
        volume
            .config_map
            .as_ref()
            .map(|map| Reference::ConfigMap(map.name.clone())),
    );
    for source in volume
        .projected
        .iter()
        .flat_map(|p| p.sources.iter().flatten())
    {
        found.extend(
            source
                .secret
                .as_ref()
                .map(|r| Reference::Secret(r.name.clone())),
        );
        found.extend(
            source
                .config_map
                .as_ref()
                .map(|r| Reference::ConfigMap(r.name.clone())),
        );
    }
    found
}

/// What a pod reads at all.
pub(crate) fn of_pod(pod: &Pod) -> BTreeSet<Reference> {
    let Some(spec) = &pod.spec else {
        return BTreeSet::new();
    };
    let containers = spec
        .init_containers
        .iter()
        .flatten()
        .chain(&spec.containers);
    let volumes = spec.volumes.iter().flatten().flat_map(of_volume);
    containers.flat_map(of_container).chain(volumes).collect()
}

/// Objects as they were at one moment; one that does not exist is absent.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) config_maps: BTreeMap<String, ConfigMap>,
}

impl Sources {
    /// Reads the objects.
    ///
    /// # Errors
    /// Where the API does not answer; an absent object is no error.
    pub(crate) async fn read(
        client: &Client,
        namespace: &str,
        references: &BTreeSet<Reference>,
    ) -> Result<Self, kube::Error> {
        let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
        let config_maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
        let mut read = Self::default();
        for reference in references {
            match reference {
                Reference::Secret(name) => {
                    let found = secrets.get_opt(name).await?;
                    read.secrets
                        .extend(found.map(|secret| (name.clone(), secret)));
                }
                Reference::ConfigMap(name) => {
                    let found = config_maps.get_opt(name).await?;
                    read.config_maps
                        .extend(found.map(|map| (name.clone(), map)));
                }
            }
        }
        Ok(read)
    }

    /// A Secret, or the kubelet's words for its absence.
    pub(crate) fn secret(&self, name: &str) -> Result<&Secret, String> {
        self.secrets
            .get(name)
            .ok_or_else(|| format!("secret {name:?} not found"))
    }

    /// A ConfigMap, or the kubelet's words for its absence.
    pub(crate) fn config_map(&self, name: &str) -> Result<&ConfigMap, String> {
        self.config_maps
            .get(name)
            .ok_or_else(|| format!("configmap {name:?} not found"))
    }
}

/// A Secret's data, with its keys in order.
pub(crate) fn secret_data(secret: &Secret) -> BTreeMap<String, SecretValue> {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), SecretValue::new(value.0.clone())))
        .collect()
}

/// A ConfigMap's data and binary data, with their keys in order.
pub(crate) fn config_map_data(map: &ConfigMap) -> BTreeMap<String, SecretValue> {
    let text = map.data.iter().flatten();
    let text = text.map(|(key, value)| (key.clone(), SecretValue::new(value.as_bytes())));
    let binary = map.binary_data.iter().flatten();
    text.chain(binary.map(|(key, value)| (key.clone(), SecretValue::new(value.0.clone()))))
        .collect()
}

/// The tokens of a pod's `serviceAccountToken` projections, by volume name and path. They are bound to the pod.
pub(crate) async fn tokens(
    client: &Client,
    namespace: &str,
    pod: &Pod,
    volume: &Volume,
) -> Result<BTreeMap<String, SecretValue>, String> {
    let mut tokens = BTreeMap::new();
    let account = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.service_account_name.clone());
    let account = account
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "default".into());
    let sources = volume
        .projected
        .iter()
        .flat_map(|p| p.sources.iter().flatten());
    for wanted in sources.filter_map(|source| source.service_account_token.as_ref()) {
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {
                "audiences": wanted.audience.iter().filter(|a| !a.is_empty()).collect::<Vec<_>>(),
                "expirationSeconds": wanted.expiration_seconds.unwrap_or(3600),
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod.metadata.name, "uid": pod.metadata.uid},
            },
        });
        let failed = |error: &dyn std::fmt::Display| format!("failed to fetch token: {error}");
        let request: TokenRequest = serde_json::from_value(request).map_err(|e| failed(&e))?;
        let api = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
        let answer = api
            .create_token_request(&account, &PostParams::default(), &request)
            .await;
        let token = answer
            .map_err(|e| failed(&e))?
            .status
            .and_then(|status| status.token);
        tokens.insert(
            wanted.path.clone(),
            SecretValue::new(token.unwrap_or_default()),
        );
    }
    Ok(tokens)
}
