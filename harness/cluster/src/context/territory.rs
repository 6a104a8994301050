//! What of a cluster is this run's: what has its label, and what has come since into the namespaces of the scenario.
//! Nothing else is overwritten, deleted or observed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::kinds::{self, NAMESPACE};
use crate::Error;
use crate::parts::OWNER;
use crate::real::{
    KINDS, Kind, Operator, delete_all, get, is_the_operators, list, made_for_every_namespace,
    subject,
};

/// What of a cluster is this run's.
pub(super) struct Territory {
    run: String,
    operator: Operator,
    claims: Mutex<Claims>,
}

/// What a scenario has to do with.
#[derive(Default)]
struct Claims {
    /// Its namespaces, each with the uids of what was there before.
    namespaces: BTreeMap<String, BTreeSet<String>>,
    /// What comes of its objects without the label: kind, namespace and name.
    caused: BTreeSet<(Kind, String, String)>,
    /// Its kinds beyond those of every scenario.
    more: BTreeSet<Kind>,
    /// The uids of what earlier scenarios left: the kubelet tells of a pod's end when it is gone.
    past: BTreeSet<String>,
}

impl Territory {
    pub(super) fn new(run: String, operator: Operator) -> Self {
        Self {
            run,
            operator,
            claims: Mutex::default(),
        }
    }

    /// The run whose label it is.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Takes an object into the territory: labels it, and claims its namespace.
    ///
    /// # Errors
    /// Where there is one of its name, or of a name that comes of it, that is somebody else's.
    pub(super) async fn admit(&self, client: &Client, object: &mut Value) -> Result<(), Error> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let (version, kind) = (text("/apiVersion"), text("/kind"));
        // The API refuses it in its own words.
        let (Some(version), Some(kind), Some(name)) = (version, kind, text("/metadata/name"))
        else {
            return Ok(());
        };
        let name = name.to_owned();
        let Some(found) = kinds::known(version, kind) else {
            return Err(refused(format!(
                "what is made of kind {kind} ({version}) would not be found again to be deleted"
            )));
        };
        if found == NAMESPACE {
            return self.admit_namespace(client, &name, object).await;
        }
        let namespace = text("/metadata/namespace").unwrap_or("default").to_owned();
        let namespace = kinds::is_namespaced(found).then_some(namespace);
        if let Some(namespace) = &namespace {
            self.claim(client, namespace).await?;
        }
        let caused = kinds::caused(object).zip(namespace.clone());
        self.leave_alone(client, found, namespace.as_deref(), &name)
            .await?;
        if let Some(((kind, name), namespace)) = &caused {
            self.leave_alone(client, *kind, Some(namespace), name)
                .await?;
        }
        {
            let mut claims = self.claims();
            claims
                .caused
                .extend(caused.map(|((kind, name), namespace)| (kind, namespace, name)));
            if !KINDS.contains(&found) {
                claims.more.insert(found);
            }
        }
        self.label(object);
        Ok(())
    }

    async fn admit_namespace(
        &self,
        client: &Client,
        name: &str,
        object: &mut Value,
    ) -> Result<(), Error> {
        self.claim(client, name).await?;
        match get(client, NAMESPACE, None, name).await? {
            Some(there) if !self.has_label(&there) => {
                // It is there, which is all that the scenario may want of it.
                *object =
                    json!({"apiVersion": "v1", "kind": NAMESPACE.2, "metadata": {"name": name}});
            }
            _ => self.label(object),
        }
        Ok(())
    }

    /// Refuses to have a scenario delete what is somebody else's.
    pub(super) async fn permit_deletion(
        &self,
        client: &Client,
        object: &Value,
    ) -> Result<(), Error> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = kinds::known(
            text("/apiVersion").unwrap_or_default(),
            text("/kind").unwrap_or_default(),
        );
        let Some((kind, name)) = kind.zip(text("/metadata/name")) else {
            return Err(refused("nothing of this kind is this run's".into()));
        };
        let namespace = text("/metadata/namespace").unwrap_or("default");
        let namespace = kinds::is_namespaced(kind).then_some(namespace);
        self.leave_alone(client, kind, namespace, name).await
    }

    /// Refuses an object of this name that is there and somebody else's.
    async fn leave_alone(
        &self,
        client: &Client,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<(), Error> {
        match get(client, kind, namespace, name).await? {
            Some(there) if !self.is_own(kind.2, &there) => {
                let place = namespace.map(|namespace| format!("{namespace}/"));
                Err(refused(format!(
                    "{} {}{name} is there, and it is not this run's",
                    kind.2,
                    place.unwrap_or_default()
                )))
            }
            _ => Ok(()),
        }
    }

    /// From now on, what comes into this namespace is the scenario's.
    async fn claim(&self, client: &Client, namespace: &str) -> Result<(), Error> {
        if self.claims().namespaces.contains_key(namespace) {
            return Ok(());
        }
        let mut before = BTreeSet::new();
        for kind in KINDS {
            let there = list(client, kind, Some(namespace), &ListParams::default()).await?;
            let others = there.iter().filter(|object| !self.has_label(object));
            before.extend(others.filter_map(ResourceExt::uid));
        }
        let mut claims = self.claims();
        claims.namespaces.insert(namespace.to_owned(), before);
        Ok(())
    }

    fn label(&self, object: &mut Value) {
        if !object["metadata"]["labels"].is_object() {
            object["metadata"]["labels"] = json!({});
        }
        object["metadata"]["labels"][OWNER] = json!(self.run);
    }

    fn has_label(&self, object: &DynamicObject) -> bool {
        object.labels().get(OWNER) == Some(&self.run)
    }

    /// Whether it is this run's: by its label, or because it came into a namespace of the scenario.
    fn is_own(&self, kind: &str, object: &DynamicObject) -> bool {
        if self.has_label(object) {
            return true;
        }
        let namespace = object.namespace().unwrap_or_default();
        let claims = self.claims();
        claims.namespaces.get(&namespace).is_some_and(|before| {
            let uid = object.uid().unwrap_or_default();
            let of_nobody = made_for_every_namespace(kind, &object.name_any())
                // Its pods roll.
                || is_the_operators(&self.operator.namespace, object);
            !of_nobody && !before.contains(&uid)
        })
    }

    /// Whether a scenario has nothing to do with it.
    pub(super) fn is_furniture(&self, kind: &str, object: &DynamicObject) -> bool {
        let about = subject(kind, object).unwrap_or_default();
        if self.claims().past.contains(&about) {
            return true;
        }
        if kind != "Event" {
            return !self.is_own(kind, object);
        }
        let involved = |field: &str| object.data["involvedObject"][field].as_str();
        match involved("namespace") {
            Some(namespace) => {
                let claims = self.claims();
                let before = claims.namespaces.get(namespace);
                before.is_none_or(|before| before.contains(&about))
            }
            // What has no namespace is told of in `default`.
            None => involved("kind") != Some("ClusterSecretStore"),
        }
    }

    /// Deletes what scenarios have left, with the namespaces that are this run's own, and waits until it is gone.
    pub(super) async fn clear(&self, client: &Client) -> Result<(), Error> {
        let (namespaces, caused, more) = {
            let claims = self.claims();
            (
                claims.namespaces.keys().cloned().collect::<Vec<_>>(),
                claims.caused.clone(),
                claims.more.clone(),
            )
        };
        for kind in KINDS {
            for namespace in &namespaces {
                let there = list(client, kind, Some(namespace), &ListParams::default()).await?;
                let own = there.iter().filter(|object| self.is_own(kind.2, object));
                let past: Vec<String> = own.filter_map(|object| subject(kind.2, object)).collect();
                self.claims().past.extend(past);
            }
        }
        let own = ListParams::default().labels(&format!("{OWNER}={}", self.run));
        for kind in KINDS.into_iter().chain(more) {
            let mut all = list(client, kind, None, &own).await?;
            for (_, namespace, name) in caused.iter().filter(|(of, ..)| *of == kind) {
                let there = get(client, kind, Some(namespace), name).await?;
                let there = there.filter(|there| self.is_own(kind.2, there));
                all.extend(there.filter(|there| !self.has_label(there)));
            }
            delete_all(client, kind, all).await?;
        }
        let spaces = list(client, NAMESPACE, None, &own).await?;
        delete_all(client, NAMESPACE, spaces).await?;
        let mut claims = self.claims();
        claims.namespaces.clear();
        claims.caused.clear();
        claims.more.clear();
        Ok(())
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(reason: String) -> Error {
    Error {
        action: "be touched",
        ..Error::starting("the cluster")(reason)
    }
}

/// Deletes what runs have left that were killed: all that has a run's label, whichever run's.
pub(super) async fn sweep(client: &Client) -> Result<usize, Error> {
    let mut swept = 0;
    let anyones = ListParams::default().labels(OWNER);
    for kind in KINDS.into_iter().chain(kinds::MORE).chain([NAMESPACE]) {
        let left = match list(client, kind, None, &anyones).await {
            Ok(left) => left,
            // Who may not list a kind has made none of it.
            Err(_) if kinds::MORE.contains(&kind) => continue,
            Err(error) => return Err(error),
        };
        swept += left.len();
        delete_all(client, kind, left).await?;
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(namespace: &str, name: &str, labels: Value) -> DynamicObject {
        let metadata = json!({"namespace": namespace, "name": name, "uid": name, "labels": labels});
        serde_json::from_value(json!({"metadata": metadata})).unwrap()
    }

    fn event(of: Value) -> DynamicObject {
        serde_json::from_value(json!({"metadata": {"name": "e"}, "involvedObject": of})).unwrap()
    }

    fn territory() -> Territory {
        let operator = Operator {
            namespace: "team".into(),
            deployment: "eso".into(),
            container: "eso".into(),
        };
        let territory = Territory::new("mine".into(), operator);
        let before = BTreeSet::from(["theirs".to_owned()]);
        let mut claims = territory.claims();
        claims.namespaces.insert("team".into(), before);
        claims.past.insert("past".into());
        drop(claims);
        territory
    }

    #[test]
    fn what_has_the_label_or_came_into_the_scenarios_namespace_is_the_runs() {
        let own = |object| territory().is_own("Secret", &object);
        assert!(own(object("elsewhere", "a", json!({OWNER: "mine"}))));
        assert!(own(object("team", "came", json!({}))));
        assert!(!own(object("team", "theirs", json!({}))));
        assert!(!own(object("elsewhere", "a", json!({}))));
        assert!(!own(object("elsewhere", "a", json!({OWNER: "another"}))));
        let operators = json!({"app.kubernetes.io/name": "external-secrets"});
        assert!(!own(object("team", "eso-1", operators)));
    }

    #[test]
    fn only_what_is_the_runs_is_observed() {
        let furniture = |kind: &str, object| territory().is_furniture(kind, &object);
        assert!(!furniture("Secret", object("team", "came", json!({}))));
        assert!(furniture("Secret", object("team", "past", json!({}))));
        assert!(furniture("Secret", object("elsewhere", "a", json!({}))));
        let about = |namespace: &str, uid: &str| event(json!({"namespace": namespace, "uid": uid}));
        assert!(!furniture("Event", about("team", "came")));
        assert!(furniture("Event", about("team", "theirs")));
        assert!(furniture("Event", about("team", "past")));
        assert!(furniture("Event", about("elsewhere", "came")));
        assert!(!furniture(
            "Event",
            event(json!({"kind": "ClusterSecretStore", "uid": "u"}))
        ));
        assert!(furniture(
            "Event",
            event(json!({"kind": "Node", "uid": "u"}))
        ));
    }
}
