//! What a lab's cluster holds before the first step: ESO's kinds, and the vaults' credentials as Kubernetes Secrets.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::PostParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, ObjectMeta};
use kube::{Api, Client};
use rotaproof_base::SecretValue;
use rotaproof_scenario::model::{Eso, EsoVersion};

use crate::Error;

/// Credentials that a vault hands to the cluster: a Secret's place and its keys.
pub(super) struct Delivery {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) data: Vec<(String, SecretValue)>,
}

/// Applies the CRDs of ESO and of NotebookValidationJob.
pub(super) async fn install_kinds(client: &Client, eso: &Eso) -> Result<(), Error> {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let crds = match eso.serves.contains(&EsoVersion::V1Beta1) {
        true => rotaproof_kinds::crds(),
        false => rotaproof_kinds::crds_without_v1beta1(),
    };
    for crd in crds {
        let crd: DynamicObject =
            serde_json::from_value(crd).map_err(Error::starting("the custom resources"))?;
        api.create(&PostParams::default(), &crd)
            .await
            .map_err(Error::starting("the custom resources"))?;
    }
    Ok(())
}

/// Writes each delivery, making its namespace first where it is missing.
pub(super) async fn deliver(client: &Client, deliveries: Vec<Delivery>) -> Result<(), Error> {
    for delivery in deliveries {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace = Namespace {
            metadata: named(&delivery.namespace),
            ..Namespace::default()
        };
        match namespaces.create(&PostParams::default(), &namespace).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(Error::starting("a vault's credentials")(error)),
        }
        let data: BTreeMap<String, ByteString> = delivery
            .data
            .iter()
            .map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec())))
            .collect();
        let secret = Secret {
            metadata: named(&delivery.name),
            data: Some(data),
            ..Secret::default()
        };
        Api::<Secret>::namespaced(client.clone(), &delivery.namespace)
            .create(&PostParams::default(), &secret)
            .await
            .map_err(Error::starting("a vault's credentials"))?;
    }
    Ok(())
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}
