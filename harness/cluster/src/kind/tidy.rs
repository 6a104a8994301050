//! What a scenario leaves in the cluster is deleted before the next one begins.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::{Client, ResourceExt};

use super::operator;
use crate::Error;
use crate::real::{KINDS, delete_all, is_the_operators, list, made_for_every_namespace, subject};

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
            for object in list(client, kind, None, &ListParams::default()).await? {
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
            let extra = list(client, kind, None, &ListParams::default()).await?;
            let extra: Vec<_> = extra
                .into_iter()
                .filter(|object| self.is_extra(kind.2, object))
                .collect();
            self.remember(kind.2, &extra);
            delete_all(client, kind, extra).await?;
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
        // A pod of the operator that a scenario restarted.
        let operators = kind == "Pod" && is_the_operators(operator::NAMESPACE, object);
        !(made_for_every_namespace(kind, &object.name_any())
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

fn key(kind: &str, object: &DynamicObject) -> String {
    let namespace = object.namespace().unwrap_or_default();
    format!("{kind} {namespace}/{}", object.name_any())
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
