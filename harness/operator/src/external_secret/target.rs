//! The Secret as it should be (ESO 2.9.0, the mutation function of `Reconcile`, `ApplyTemplate`, `setMetadata`).

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use rotaproof_kinds::external_secrets::{
    CreationPolicy, ExternalSecret, ExternalSecretTemplate, TemplateMergePolicy,
};

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
    let template = external.spec.target.template.as_ref();
    if let Some(template) = template {
        refuse_privileged(template)?;
    }
    set_metadata(external, secret, manager);
    let keeps = matches!(
        external.spec.target.creation_policy,
        CreationPolicy::Merge | CreationPolicy::CreateOrMerge
    );
    if !keeps {
        secret.data = None;
    }
    let copy = |secret: &mut Secret| {
        secret.data.get_or_insert_default().extend(
            fetched
                .iter()
                .map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec()))),
        );
    };
    let Some(template) = template else {
        copy(secret);
        return Ok(());
    };
    if let Some(type_) = template.type_.as_ref().filter(|type_| !type_.is_empty()) {
        secret.type_ = Some(type_.clone());
    }
    let nothing_rendered = template.data.is_empty() && template.template_from.is_empty();
    if template.merge_policy == TemplateMergePolicy::Merge || nothing_rendered {
        copy(secret);
    }
    let namespace = external.metadata.namespace.as_deref().unwrap_or_default();
    shape::render(client, namespace, template, fetched, secret).await
}

/// Labels and annotations: the ExternalSecret's own, or the template's in their place.
fn set_metadata(external: &ExternalSecret, secret: &mut Secret, manager: &str) {
    let stale_labels = managed_fields::owned(secret, manager, &["metadata", "labels"]);
    let stale_annotations = managed_fields::owned(secret, manager, &["metadata", "annotations"]);
    let (labels, annotations) = match &external.spec.target.template {
        Some(template) => (
            template.metadata.labels.clone(),
            template.metadata.annotations.clone(),
        ),
        None => (
            external.metadata.labels.clone().unwrap_or_default(),
            external.metadata.annotations.clone().unwrap_or_default(),
        ),
    };
    replace(
        secret.metadata.labels.get_or_insert_default(),
        &stale_labels,
        labels,
    );
    replace(
        secret.metadata.annotations.get_or_insert_default(),
        &stale_annotations,
        annotations,
    );
    if let Some(template) = &external.spec.target.template
        && secret.metadata.deletion_timestamp.is_none()
        && !template.metadata.finalizers.is_empty()
    {
        let finalizers = secret.metadata.finalizers.get_or_insert_default();
        for finalizer in &template.metadata.finalizers {
            if !finalizers.contains(finalizer) {
                finalizers.push(finalizer.clone());
            }
        }
    }
}

fn replace(map: &mut BTreeMap<String, String>, stale: &[String], wanted: BTreeMap<String, String>) {
    for key in stale {
        map.remove(key);
    }
    map.extend(wanted);
}

/// What a Secret's template may not do (ESO 2.9.0, `ValidateSecretTemplate`).
fn refuse_privileged(template: &ExternalSecretTemplate) -> Result<(), Failure> {
    const TOKEN: &str = "kubernetes.io/service-account-token";
    const BOOTSTRAP: &str = "bootstrap.kubernetes.io/token";
    const ACCOUNT: &str = "kubernetes.io/service-account.name";
    let mut refused = Vec::new();
    match template.type_.as_deref() {
        Some(TOKEN) if template.metadata.annotations.contains_key(ACCOUNT) => refused.push(
            format!("template.type={TOKEN:?} with annotation {ACCOUNT:?} is not allowed"),
        ),
        Some(TOKEN)
            if template.template_from.iter().any(|from| {
                from.target
                    .as_deref()
                    .is_some_and(|target| target.eq_ignore_ascii_case("Annotations"))
            }) =>
        {
            refused.push(format!(
                "template.type={TOKEN:?} with templateFrom target=\"Annotations\" is not allowed"
            ));
        }
        Some(BOOTSTRAP) => refused.push(format!("template.type={BOOTSTRAP:?} is not allowed")),
        _ => {}
    }
    for from in &template.template_from {
        let target = from.target.as_deref().unwrap_or_default();
        let known = ["", "Data", "Annotations", "Labels"];
        if !known.iter().any(|known| target.eq_ignore_ascii_case(known)) {
            refused.push(format!(
                "templateFrom target={target:?} is not allowed when targeting a Secret, must be one of \
                 \"Data\", \"Annotations\" or \"Labels\""
            ));
        }
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(refused.join("\n")))
    }
}
