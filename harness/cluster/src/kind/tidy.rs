//! What a scenario leaves in the cluster is deleted before the next one begins.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use kube::api::{DeleteParams, ListParams, PropagationPolicy};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, ResourceExt};

use super::operator;
use crate::Error;

const PART: &str = "the kind cluster";
/// Deletions take milliseconds; what has a finalizer waits for its controller.
const GONE: Duration = Duration::from_secs(60);

/// The kinds that scenarios make or cause, in the order in which they go: what makes others before what it makes. The
/// operator's own first, while it is there to take its finalizers off.
const KINDS: [(&str, &str, &str); 13] = [
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

/// What was there before the first scenario: it stays. And what is no longer there.
pub(super) struct Baseline {
    known: BTreeSet<String>,
    /// The uids of what earlier scenarios left and had Events of: the kubelet tells of a pod's end when it is gone.
    past: Mutex<BTreeSet<String>>,
}

impl Baseline {
    /// Takes down what is there now.
    pub(super) async fn take(client: &Client) -> Result<Self, Error> {
        let mut known = BTreeSet::new();
        for kind in KINDS {
            for object in list(client, kind).await? {
                known.insert(key(kind.2, &object));
            }
        }
        Ok(Self {
            known,
            past: Mutex::default(),
        })
    }

    /// Deletes what has come since, and waits until it is gone. Namespaces stay: empty ones do no harm, and each takes
    /// seconds to go.
    pub(super) async fn restore(&self, client: &Client) -> Result<(), Error> {
        for kind in KINDS {
            let extra = list(client, kind).await?;
            let extra: Vec<_> = extra
                .into_iter()
                .filter(|object| self.is_extra(kind.2, object))
                .collect();
            self.remember(kind.2, &extra);
            let deletions = extra.into_iter().map(|object| delete(client, kind, object));
            let all = try_join_all(deletions);
            tokio::time::timeout(GONE, all).await.map_err(|_| {
                let seconds = GONE.as_secs();
                Error::starting(PART)(format!(
                    "what a scenario left of kind {} was not gone within {seconds}s",
                    kind.2
                ))
            })??;
        }
        Ok(())
    }

    /// Takes down that these are past.
    fn remember(&self, kind: &str, objects: &[DynamicObject]) {
        let subjects = objects.iter().filter_map(|object| subject(kind, object));
        self.past().extend(subjects);
    }

    /// Whether an object came with a scenario.
    pub(super) fn is_extra(&self, kind: &str, object: &DynamicObject) -> bool {
        let namespace = object.namespace().unwrap_or_default();
        let label = |name: &str| object.labels().get(name).map(String::as_str);
        let made_for_every_namespace = matches!(
            (kind, object.name_any().as_str()),
            ("ConfigMap", "kube-root-ca.crt") | ("ServiceAccount", "default")
        );
        // A pod of the operator that a scenario restarted.
        let operators = namespace == operator::NAMESPACE
            && label("app.kubernetes.io/name") == Some(operator::NAME)
            && kind == "Pod";
        !(made_for_every_namespace
            || operators
            || namespace.starts_with("kube-")
            || self.known.contains(&key(kind, object)))
    }

    /// Whether it is an Event of something that an earlier scenario left.
    pub(super) fn is_past(&self, kind: &str, object: &DynamicObject) -> bool {
        kind == "Event" && subject(kind, object).is_some_and(|uid| self.past().contains(&uid))
    }

    fn past(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The uid of what an Event is about, or of any other object itself.
fn subject(kind: &str, object: &DynamicObject) -> Option<String> {
    match kind {
        "Event" => object.data["involvedObject"]["uid"]
            .as_str()
            .map(str::to_owned),
        _ => object.uid(),
    }
}

fn key(kind: &str, object: &DynamicObject) -> String {
    let namespace = object.namespace().unwrap_or_default();
    format!("{kind} {namespace}/{}", object.name_any())
}

fn resource((group, version, kind): (&str, &str, &str)) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// All of a kind; none where the cluster does not know it.
async fn list(client: &Client, kind: (&str, &str, &str)) -> Result<Vec<DynamicObject>, Error> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource(kind));
    match api.list(&ListParams::default()).await {
        Ok(list) => Ok(list.items),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(Error::starting(PART)(error)),
    }
}

/// Deletes an object and waits until it is gone.
async fn delete(
    client: &Client,
    kind: (&str, &str, &str),
    object: DynamicObject,
) -> Result<(), Error> {
    let resource = resource(kind);
    let api: Api<DynamicObject> = match object.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(of: Value) -> DynamicObject {
        serde_json::from_value(of).unwrap()
    }

    fn named(namespace: &str, name: &str) -> DynamicObject {
        object(json!({"metadata": {"namespace": namespace, "name": name, "uid": name}}))
    }

    fn event(of: &str) -> DynamicObject {
        object(json!({"metadata": {"name": "e"}, "involvedObject": {"uid": of}}))
    }

    fn baseline() -> Baseline {
        Baseline {
            known: BTreeSet::from(["Secret external-secrets-system/helm".to_owned()]),
            past: Mutex::default(),
        }
    }

    #[test]
    fn what_came_with_a_scenario_goes_and_nothing_else() {
        let extra = |kind, object| baseline().is_extra(kind, &object);
        assert!(extra("Secret", named("external-secrets-system", "token")));
        assert!(extra("Pod", named("team", "job")));
        assert!(extra("ServiceAccount", named("team", "app")));
        assert!(!extra("Secret", named("external-secrets-system", "helm")));
        assert!(!extra("ServiceAccount", named("team", "default")));
        assert!(!extra("ConfigMap", named("team", "kube-root-ca.crt")));
        assert!(!extra("Pod", named("kube-system", "coredns")));
        let mut operators = named("external-secrets-system", "external-secrets-1");
        operators
            .labels_mut()
            .insert("app.kubernetes.io/name".into(), "external-secrets".into());
        assert!(!extra("Pod", operators));
    }

    #[test]
    fn an_event_of_what_an_earlier_scenario_left_is_past() {
        let baseline = baseline();
        baseline.remember("Pod", &[named("team", "deleted")]);
        baseline.remember("Event", &[event("gone")]);
        assert!(baseline.is_past("Event", &event("deleted")));
        assert!(baseline.is_past("Event", &event("gone")));
        assert!(!baseline.is_past("Event", &event("now")));
        assert!(!baseline.is_past("Pod", &named("team", "deleted")));
    }
}
