//! Kubernetes' garbage collector, which removes a Secret with its ExternalSecret.
//!
//! It looks for new kinds each 30 s (kube-controller-manager, `garbagecollector.go`, `Sync`), so in a new cluster an
//! ExternalSecret may be deleted and nobody notices. A scenario would take that for a fault of the operator's.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use super::operator::NAMESPACE;
use crate::Error;

const PART: &str = "the kind cluster's garbage collector";
const NAME: &str = "rotaproof-collected";
/// Two of its rounds, and some.
const KNOWS: Duration = Duration::from_secs(90);

/// Waits until the collector knows ExternalSecrets: until what belongs to one goes with it.
pub(super) async fn knows_external_secrets(client: &Client) -> Result<(), Error> {
    let kind = GroupVersionKind::gvk("external-secrets.io", "v1", "ExternalSecret");
    let owners: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), NAMESPACE, &ApiResource::from_gvk(&kind));
    // Never synced: it names a controller's store that does not exist.
    let owner = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": NAME},
        "spec": {"refreshInterval": "0", "secretStoreRef": {"name": NAME}, "data": []},
    });
    let failed = |error: kube::Error| Error::starting(PART)(error);
    let owner: DynamicObject = serde_json::from_value(owner).map_err(Error::starting(PART))?;
    let owner = owners
        .create(&PostParams::default(), &owner)
        .await
        .map_err(failed)?;
    let belongings: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let belonging = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": NAME, "ownerReferences": [{
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": NAME, "uid": owner.uid(),
        }]},
    });
    let belonging: ConfigMap = serde_json::from_value(belonging).map_err(Error::starting(PART))?;
    let belonging = belongings
        .create(&PostParams::default(), &belonging)
        .await
        .map_err(failed)?;
    owners
        .delete(NAME, &DeleteParams::default())
        .await
        .map_err(failed)?;
    let uid = belonging.uid().unwrap_or_default();
    let gone = await_condition(belongings, NAME, conditions::is_deleted(&uid));
    match tokio::time::timeout(KNOWS, gone).await {
        Ok(gone) => gone.map(drop).map_err(Error::starting(PART)),
        Err(_) => {
            let seconds = KNOWS.as_secs();
            Err(Error::starting(PART)(format!(
                "what belonged to a deleted ExternalSecret was not removed within {seconds}s"
            )))
        }
    }
}
