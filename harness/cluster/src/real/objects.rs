//! The objects on a real cluster that scenarios make or cause: listed, and deleted until they are gone.

use std::time::Duration;

use futures::future::try_join_all;
use kube::api::{DeleteParams, ListParams, PropagationPolicy};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, ResourceExt};

use crate::Error;

const PART: &str = "the cluster";
/// Deletions take milliseconds; what has a finalizer waits for its controller.
const GONE: Duration = Duration::from_secs(60);

/// A kind, with its group and version.
pub(crate) type Kind = (&'static str, &'static str, &'static str);

/// The kinds that scenarios make or cause, in the order in which they go: what makes others before what it makes. The
/// operator's own first, while it is there to take its finalizers off.
pub(crate) const KINDS: [Kind; 13] = [
    ("external-secrets.io", "v1", "ExternalSecret"),
    ("external-secrets.io", "v1", "SecretStore"),
    ("external-secrets.io", "v1", "ClusterSecretStore"),
    ("mlops.mlops.dev", "v1alpha1", "NotebookValidationJob"),
    ("batch", "v1", "CronJob"),
    ("batch", "v1", "Job"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("", "v1", "Pod"),
    ("", "v1", "Secret"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "ServiceAccount"),
    ("", "v1", "Event"),
];

/// The uid of what an Event is about, or of any other object itself.
pub(crate) fn subject(kind: &str, object: &DynamicObject) -> Option<String> {
    match kind {
        "Event" => object.data["involvedObject"]["uid"]
            .as_str()
            .map(str::to_owned),
        _ => object.uid(),
    }
}

/// Whether it is what Kubernetes puts into each namespace.
pub(crate) fn made_for_every_namespace(kind: &str, name: &str) -> bool {
    matches!(
        (kind, name),
        ("ConfigMap", "kube-root-ca.crt") | ("ServiceAccount", "default")
    )
}

fn resource((group, version, kind): Kind) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

fn api(client: &Client, kind: Kind, namespace: Option<&str>) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource(kind)),
        None => Api::all_with(client.clone(), &resource(kind)),
    }
}

/// The object of this name; none where the cluster does not know it, or its kind.
pub(crate) async fn get(
    client: &Client,
    kind: Kind,
    namespace: Option<&str>,
    name: &str,
) -> Result<Option<DynamicObject>, Error> {
    api(client, kind, namespace)
        .get_opt(name)
        .await
        .map_err(Error::starting(PART))
}

/// All of a kind, in a namespace or everywhere; none where the cluster does not know the kind.
pub(crate) async fn list(
    client: &Client,
    kind: Kind,
    namespace: Option<&str>,
    params: &ListParams,
) -> Result<Vec<DynamicObject>, Error> {
    match api(client, kind, namespace).list(params).await {
        Ok(list) => Ok(list.items),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(Error::starting(PART)(error)),
    }
}

/// Deletes these objects of a kind, and waits until they are gone.
pub(crate) async fn delete_all(
    client: &Client,
    kind: Kind,
    objects: Vec<DynamicObject>,
) -> Result<(), Error> {
    let deletions = objects
        .into_iter()
        .map(|object| delete(client, kind, object));
    let all = try_join_all(deletions);
    tokio::time::timeout(GONE, all)
        .await
        .map(|done| done.map(drop))
        .unwrap_or_else(|_| {
            let seconds = GONE.as_secs();
            Err(Error::starting(PART)(format!(
                "what a scenario left of kind {} was not gone within {seconds}s",
                kind.2
            )))
        })
}

/// Deletes an object and waits until it is gone.
async fn delete(client: &Client, kind: Kind, object: DynamicObject) -> Result<(), Error> {
    let api = api(client, kind, object.namespace().as_deref());
    let name = object.name_any();
    let params = DeleteParams {
        grace_period_seconds: (kind.2 == "Pod").then_some(0),
        propagation_policy: Some(PropagationPolicy::Background),
        ..DeleteParams::default()
    };
    match api.delete(&name, &params).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        Err(error) => return Err(Error::starting(PART)(error)),
    }
    // Nobody refers to an Event; it is gone at once.
    if kind.2 == "Event" {
        return Ok(());
    }
    let uid = object.uid().unwrap_or_default();
    await_condition(api, &name, conditions::is_deleted(&uid))
        .await
        .map(drop)
        .map_err(Error::starting(PART))
}
