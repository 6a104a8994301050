//! The Secret as it should be (ESO 2.9.0, the mutation function of `Reconcile`, `ApplyTemplate`, `setMetadata`).

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use rotaproof_kinds::external_secrets::{CreationPolicy, ExternalSecret};

use super::failure::Failure;
use super::refresh::DATA_HASH_ANNOTATION;
use super::{managed_fields, ownership, shape};
use crate::engine::MANAGED_LABEL;
use crate::hash;
use crate::provider::SecretMap;

/// Changes a Secret, which may be new, to what the ExternalSecret asks for.
pub(super) async fn shape_secret(
    client: &kube::Client,
    external: &ExternalSecret,
    secret: &mut Secret,
    fetched: &SecretMap,
) -> Result<(), Failure> {
    let immutable = external.spec.target.immutable == Some(true);
    if immutable {
        secret.immutable = Some(true);
    }
    // An immutable Secret that exists keeps its content; only its ownership is looked after.
    if secret.metadata.uid.is_none() || !immutable {
        let manager = hash::field_manager(external.metadata.name.as_deref().unwrap_or_default());
        let stale = managed_fields::owned(secret, &manager, &["data"]);
        let data = secret.data.get_or_insert_default();
        stale.iter().for_each(|key| {
            data.remove(key);
        });
        apply_template(client, external, secret, fetched, &manager)
            .await
            .map_err(|failure| failure.within("could not apply template"))?;
    }
    ownership::apply(external, secret)?;
    let labels = secret.metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    let hash = hash::data(secret.data.as_ref());
    let annotations = secret.metadata.annotations.get_or_insert_default();
    annotations.insert(DATA_HASH_ANNOTATION.to_owned(), hash);
    Ok(())
}

async fn apply_template(
    client: &kube::Client,
    external: &ExternalSecret,
    secret: &mut Secret,
    fetched: &SecretMap,
    manager: &str,
) -> Result<(), Failure> {
    let stale_labels = managed_fields::owned(secret, manager, &["metadata", "labels"]);
    let stale_annotations = managed_fields::owned(secret, manager, &["metadata", "annotations"]);
    let meta = &mut secret.metadata;
    let labels = meta.labels.get_or_insert_default();
    labels.retain(|key, _| !stale_labels.contains(key));
    let annotations = meta.annotations.get_or_insert_default();
    annotations.retain(|key, _| !stale_annotations.contains(key));
    let keeps = matches!(
        external.spec.target.creation_policy,
        CreationPolicy::Merge | CreationPolicy::CreateOrMerge
    );
    if !keeps {
        secret.data = None;
    }
    if let Some(template) = &external.spec.target.template {
        let namespace = external.metadata.namespace.as_deref().unwrap_or_default();
        return shape::render(client, namespace, template, fetched, secret).await;
    }
    labels.extend(external.metadata.labels.clone().unwrap_or_default());
    annotations.extend(external.metadata.annotations.clone().unwrap_or_default());
    let data = secret.data.get_or_insert_default();
    for (key, value) in fetched {
        data.insert(key.clone(), ByteString(value.expose().to_vec()));
    }
    Ok(())
}
