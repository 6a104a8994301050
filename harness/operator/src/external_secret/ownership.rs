//! Who owns the target (ESO 2.9.0, `applyOwnership`, with controller-runtime's controller references).

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use rotaproof_kinds::external_secrets::{CreationPolicy, ExternalSecret};

use super::failure::{Consequence, Failure};
use crate::hash;

pub(super) const OWNER_LABEL: &str = "reconcile.external-secrets.io/created-by";

const GROUP: &str = "external-secrets.io";
const KIND: &str = "ExternalSecret";

/// Makes the ExternalSecret the controller of the Secret, or no longer, as its creation policy says.
pub(super) fn apply(external: &ExternalSecret, secret: &mut Secret) -> Result<(), Failure> {
    let name = external.metadata.name.clone().unwrap_or_default();
    let namespace = external.metadata.namespace.clone().unwrap_or_default();
    let owners = secret.metadata.owner_references.get_or_insert_default();
    let current = owners.iter().find(|owner| owner.controller == Some(true));
    let by_external_secret = current.is_some_and(is_external_secret);
    let by_us = by_external_secret && current.is_some_and(|owner| owner.name == name);
    if let Some(owner) = current.filter(|_| by_external_secret && !by_us) {
        return Err(Failure::with(
            Consequence::IsOwned,
            format!("secret is owned by another ExternalSecret: {}", owner.name),
        ));
    }
    let owned = external.spec.target.creation_policy == CreationPolicy::Owner;
    if owned {
        if let Some(owner) = current.filter(|_| !by_us) {
            return Err(Failure::with(
                Consequence::CannotOwn,
                format!(
                    "could not set controller reference on secret: Object {namespace}/{} is already owned by \
                     another {} controller {}",
                    secret.metadata.name.as_deref().unwrap_or_default(),
                    owner.kind,
                    owner.name
                ),
            ));
        }
        let ours = OwnerReference {
            api_version: format!("{GROUP}/v1"),
            kind: KIND.to_owned(),
            name: name.clone(),
            uid: external.metadata.uid.clone().unwrap_or_default(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        };
        match owners
            .iter_mut()
            .find(|owner| is_external_secret(owner) && owner.name == name)
        {
            Some(known) => *known = ours,
            None => owners.push(ours),
        }
    } else if by_us {
        owners.retain(|owner| !(is_external_secret(owner) && owner.name == name));
    }
    let labels = secret.metadata.labels.get_or_insert_default();
    if owned {
        labels.insert(OWNER_LABEL.to_owned(), hash::owner(&namespace, &name));
    } else {
        labels.remove(OWNER_LABEL);
    }
    Ok(())
}

fn is_external_secret(owner: &OwnerReference) -> bool {
    let group = owner.api_version.split_once('/').map(|(group, _)| group);
    group == Some(GROUP) && owner.kind == KIND
}

/// Whether this very ExternalSecret controls the Secret.
pub(super) fn controls(external: &ExternalSecret, secret: &Secret) -> bool {
    secret
        .metadata
        .owner_references
        .iter()
        .flatten()
        .any(|owner| {
            owner.controller == Some(true) && Some(&owner.uid) == external.metadata.uid.as_ref()
        })
}
