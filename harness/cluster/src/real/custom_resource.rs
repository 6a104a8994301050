//! A CustomResourceDefinition on a real cluster.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client};
use serde_json::Value;

use super::MANAGER;
use crate::Error;

const PART: &str = "the custom resources";
/// Milliseconds, on a machine that is not busy.
const SERVED: Duration = Duration::from_secs(180);

/// Applies a CustomResourceDefinition and waits until it is served.
pub(crate) async fn establish(client: &Client, mut crd: Value) -> Result<(), Error> {
    let name = crd["metadata"]["name"].as_str();
    let name = name.unwrap_or_default().to_owned();
    // What a chart's template leaves, which the API refuses to have applied.
    if let Some(crd) = crd.as_object_mut() {
        crd.remove("status");
    }
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let apply = PatchParams::apply(MANAGER).force();
    crds.patch(&name, &apply, &Patch::Apply(crd))
        .await
        .map_err(Error::starting(PART))?;
    let established = await_condition(crds, &name, conditions::is_crd_established());
    match tokio::time::timeout(SERVED, established).await {
        Ok(established) => established.map(drop).map_err(Error::starting(PART)),
        Err(_) => Err(Error::starting(PART)(format!(
            "{name} was not established within {}s",
            SERVED.as_secs()
        ))),
    }
}
