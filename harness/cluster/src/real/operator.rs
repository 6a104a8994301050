//! The External Secrets Operator as a Deployment: its flags, and its rollouts.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::runtime::wait::await_condition;
use kube::{Api, Client, ResourceExt};
use rotaproof_scenario::model::Eso;
use serde_json::json;

use crate::Error;

pub(super) const PART: &str = "the External Secrets Operator";
/// What its chart calls it.
pub(crate) const NAME: &str = "external-secrets";
/// The label of its Deployment and of its pods, whatever the release is called.
pub(crate) const LABEL: &str = "app.kubernetes.io/name=external-secrets";
/// A rollout without a pull.
const ROLLOUT: Duration = Duration::from_secs(60);

/// Where the operator is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) namespace: String,
    pub(crate) deployment: String,
    pub(crate) container: String,
}

/// Whether it is the operator's, which is in this namespace.
pub(crate) fn is_the_operators(namespace: &str, object: &DynamicObject) -> bool {
    let is_labelled = LABEL
        .split_once('=')
        .is_some_and(|(key, value)| object.labels().get(key).is_some_and(|own| own == value));
    is_labelled && object.namespace().as_deref() == Some(namespace)
}

impl Operator {
    pub(crate) fn deployments(&self, client: &Client) -> Api<Deployment> {
        Api::namespaced(client.clone(), &self.namespace)
    }

    /// Rolls the operator's pod, and waits until the new one is available and the old one gone.
    pub(crate) async fn restart(&self, client: &Client, at: &str) -> Result<(), Error> {
        let annotation = json!({"kubectl.kubernetes.io/restartedAt": at});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotation}}}});
        self.patch(client, Patch::Merge(patch))
            .await
            .map_err(|error| Error {
                action: "restart",
                ..error
            })
    }

    /// The flags that it was installed with.
    pub(crate) async fn arguments(&self, client: &Client) -> Result<Vec<String>, Error> {
        let deployment = self.deployments(client).get(&self.deployment).await;
        Ok(self.flags(&deployment.map_err(Error::starting(PART))?))
    }

    /// Has the operator run with these flags and those that a scenario wants: rolls its pod where it has others.
    pub(crate) async fn have_flags(
        &self,
        client: &Client,
        own: &[String],
        eso: &Eso,
    ) -> Result<(), Error> {
        let wanted = wanted(own, eso);
        let deployment = self.deployments(client).get(&self.deployment).await;
        if self.flags(&deployment.map_err(Error::starting(PART))?) == wanted {
            return Ok(());
        }
        let container = json!({"name": self.container, "args": wanted});
        let patch = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
        self.patch(client, Patch::Strategic(patch)).await
    }

    /// Patches the Deployment, and waits until it is [`rolled`](Self::rolled).
    async fn patch(&self, client: &Client, patch: Patch<serde_json::Value>) -> Result<(), Error> {
        self.deployments(client)
            .patch(&self.deployment, &PatchParams::default(), &patch)
            .await
            .map_err(Error::starting(PART))?;
        self.rolled(client).await
    }

    /// Waits until the pod that runs is the one that is wanted, and the only one.
    pub(crate) async fn rolled(&self, client: &Client) -> Result<(), Error> {
        let rolled = await_condition(
            self.deployments(client),
            &self.deployment,
            |deployment: Option<&Deployment>| deployment.is_some_and(is_rolled),
        );
        match tokio::time::timeout(ROLLOUT, rolled).await {
            Ok(rolled) => rolled.map(drop).map_err(Error::starting(PART)),
            Err(_) => Err(Error::starting(PART)(format!(
                "its rollout did not end within {}s",
                ROLLOUT.as_secs()
            ))),
        }
    }

    fn flags(&self, deployment: &Deployment) -> Vec<String> {
        let spec = deployment.spec.template.spec.as_ref();
        let mut containers = spec
            .map(|spec| spec.containers.iter())
            .into_iter()
            .flatten();
        let own = containers.find(|container| container.name == self.container);
        own.and_then(|own| own.args.clone()).unwrap_or_default()
    }
}

/// The flags of an operator as a scenario wants it.
fn wanted(own: &[String], eso: &Eso) -> Vec<String> {
    let mut wanted = own.to_vec();
    if let Some(concurrent) = eso.concurrent {
        wanted.retain(|flag| !flag.starts_with("--concurrent="));
        wanted.push(format!("--concurrent={concurrent}"));
    }
    if let Some(interval) = &eso.store_requeue_interval {
        wanted.retain(|flag| !flag.starts_with("--store-requeue-interval="));
        wanted.push(format!("--store-requeue-interval={interval}"));
    }
    wanted
}

/// As `kubectl rollout status` judges it.
fn is_rolled(deployment: &Deployment) -> bool {
    let Some(status) = &deployment.status else {
        return false;
    };
    let wanted = deployment.spec.replicas.unwrap_or(1);
    status.observed_generation >= deployment.metadata.generation
        && status.updated_replicas == Some(wanted)
        && status.replicas == Some(wanted)
        && status.available_replicas == Some(wanted)
        && status.terminating_replicas.unwrap_or(0) == 0
}
