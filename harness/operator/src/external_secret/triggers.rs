//! What makes an ExternalSecret be reconciled, beside its timer (ESO 2.9.0, `SetupWithManager`).
//!
//! A change of its store, of credentials or of a template source is no trigger.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::PartialObjectMeta;
use rotaproof_kinds::external_secrets::ExternalSecret;

use super::target_name;
use crate::controller::{Cache, Change, Key};
use crate::engine::MANAGED_LABEL;

/// Whether a change of an ExternalSecret is more than its status.
pub(crate) fn external_secret_matters(change: &Change<ExternalSecret>) -> bool {
    let (Some(old), Some(new)) = (&change.old, &change.new) else {
        return true;
    };
    let (old, new) = (&old.metadata, &new.metadata);
    let same = |a: &Option<BTreeMap<String, String>>, b: &Option<BTreeMap<String, String>>| {
        a.iter().flatten().eq(b.iter().flatten())
    };
    old.generation != new.generation
        || !same(&old.labels, &new.labels)
        || !same(&old.annotations, &new.annotations)
        || !old
            .finalizers
            .iter()
            .flatten()
            .eq(new.finalizers.iter().flatten())
        || old.deletion_timestamp != new.deletion_timestamp
}

/// The ExternalSecrets whose target a managed Secret is.
pub(crate) fn external_secrets_of(
    change: &Change<PartialObjectMeta<Secret>>,
    external_secrets: &Cache<ExternalSecret>,
) -> Vec<Key> {
    if let (Some(old), Some(new)) = (&change.old, &change.new)
        && old.metadata.resource_version == new.metadata.resource_version
    {
        return Vec::new();
    }
    let Some(secret) = change.new.as_ref().or(change.old.as_ref()) else {
        return Vec::new();
    };
    if secret.labels().get(MANAGED_LABEL).map(String::as_str) != Some("true") {
        return Vec::new();
    }
    let namespace = secret.namespace().unwrap_or_default();
    let name = secret.name_any();
    external_secrets.keys_in(&namespace, |external| {
        external.spec.target.manifest.is_none() && target_name(external) == name
    })
}
