//! What a lab's cluster holds before the first step of the vaults: their credentials as Kubernetes Secrets.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::PostParams;
use kube::core::ObjectMeta;
use kube::{Api, Client};
use rotaproof_base::SecretValue;

use crate::Error;

/// Credentials that a vault hands to the cluster: a Secret's place and its keys.
pub(super) struct Delivery {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) data: Vec<(String, SecretValue)>,
}

/// The label of what a run makes on a cluster that others use too: the run's id.
pub(crate) const OWNER: &str = "dev.rotaproof/run";

/// Writes each delivery, making its namespace first where it is missing; `owner` is on both.
pub(super) async fn deliver(
    client: &Client,
    owner: Option<&str>,
    deliveries: Vec<Delivery>,
) -> Result<(), Error> {
    for delivery in deliveries {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace = Namespace {
            metadata: named(&delivery.namespace, owner),
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
            metadata: named(&delivery.name, owner),
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

fn named(name: &str, owner: Option<&str>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: owner.map(|owner| BTreeMap::from([(OWNER.to_owned(), owner.to_owned())])),
        ..ObjectMeta::default()
    }
}
