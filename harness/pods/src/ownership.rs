//! Who owns whom, and the pod that an owner's template makes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};

/// The reference by which a controller owns what it makes.
pub(crate) fn controller_reference<K: Resource>(
    owner: &K,
    type_: &K::DynamicType,
) -> OwnerReference {
    OwnerReference {
        api_version: K::api_version(type_).into_owned(),
        kind: K::kind(type_).into_owned(),
        name: owner.name_any(),
        uid: owner.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// The controller of an object, where it is of this kind.
pub(crate) fn controller_of<'a, K: Resource>(
    object: &'a K,
    kind: &str,
) -> Option<&'a OwnerReference> {
    let owners = object.owner_references().iter();
    owners
        .into_iter()
        .find(|owner| owner.controller == Some(true) && owner.kind == kind)
}

/// Whether the object is controlled by the one with this uid.
pub(crate) fn is_controlled_by<K: Resource>(object: &K, uid: &str) -> bool {
    let owners = object.owner_references().iter();
    owners
        .into_iter()
        .any(|owner| owner.controller == Some(true) && owner.uid == uid)
}

/// A pod of a template.
pub(crate) fn pod_of(
    template: &PodTemplateSpec,
    namespace: &str,
    name: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    owner: OwnerReference,
) -> Pod {
    let metadata = template.metadata.clone().unwrap_or_default();
    let mut all_labels = metadata.labels.unwrap_or_default();
    all_labels.extend(labels);
    Pod {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(namespace.to_owned()),
            labels: Some(all_labels),
            annotations: (!annotations.is_empty()).then_some(annotations),
            finalizers: metadata.finalizers,
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}
