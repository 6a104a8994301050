//! The custom resources of a lab's cluster.

use kube::api::PostParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

use crate::Error;

/// Creates these CRDs.
pub(super) async fn install(client: &Client, kinds: &[Value]) -> Result<(), Error> {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    for crd in kinds {
        let crd: DynamicObject =
            serde_json::from_value(crd.clone()).map_err(Error::starting("the custom resources"))?;
        api.create(&PostParams::default(), &crd)
            .await
            .map_err(Error::starting("the custom resources"))?;
    }
    Ok(())
}
