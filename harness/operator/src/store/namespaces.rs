//! Which namespaces may use a ClusterSecretStore.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::Api;
use regex::Regex;
use rotaproof_kinds::external_secrets::SecretStoreSpec;

use super::selector;
use crate::kube_error;

/// Whether a namespace may use the store: any condition suffices, and so does the absence of conditions.
pub(super) async fn allowed(
    client: &kube::Client,
    spec: &SecretStoreSpec,
    namespace: &str,
) -> Result<bool, String> {
    if spec.conditions.is_empty() {
        return Ok(true);
    }
    let object = Api::<Namespace>::all(client.clone())
        .get(namespace)
        .await
        .map_err(|error| {
            format!(
                "failed to get a namespace {namespace:?}: {}",
                kube_error::text(&error)
            )
        })?;
    let labels = object.metadata.labels.unwrap_or_default();
    for condition in &spec.conditions {
        let by_name = condition.namespaces.iter().map(|name| LabelSelector {
            match_labels: Some(BTreeMap::from([(
                "kubernetes.io/metadata.name".to_owned(),
                name.clone(),
            )])),
            match_expressions: None,
        });
        for wanted in condition.namespace_selector.iter().cloned().chain(by_name) {
            if selector::matches(&wanted, &labels)? {
                return Ok(true);
            }
        }
        for pattern in &condition.namespace_regexes {
            let regex = Regex::new(pattern)
                .map_err(|error| format!("failed to compile regex {pattern}: {error}"))?;
            if regex.is_match(namespace) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
