//! `delete`: an object, or all of a manifest.

use rotaproof_scenario::ObjectName;
use rotaproof_scenario::model::step::Delete;
use serde_json::{Value, json};

use super::documents;
use crate::apply::ApplyError;
use crate::expect;
use crate::stage::{Stage, Trouble};
use crate::world::Kind;

pub(super) async fn run(stage: &Stage<'_>, delete: &Delete) -> Result<String, Trouble> {
    let objects = match delete {
        Delete::ExternalSecret(name) => vec![watched(Kind::ExternalSecret, name)],
        Delete::SecretStore(name) => vec![watched(Kind::SecretStore, name)],
        Delete::ClusterSecretStore(name) => {
            vec![
                json!({"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore", "metadata": {"name": name}}),
            ]
        }
        Delete::Secret(name) => vec![watched(Kind::Secret, name)],
        Delete::Job(name) => vec![watched(Kind::Job, name)],
        Delete::NotebookValidationJob(name) => vec![watched(Kind::NotebookValidationJob, name)],
        Delete::ServiceAccount(name) => vec![named("v1", "ServiceAccount", name)],
        Delete::Namespace(name) => {
            vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})]
        }
        Delete::Pod(pod) => {
            let pod = expect::pod_of(stage, pod)?;
            let name = match pod.split_once('/') {
                Some((namespace, name)) => ObjectName::new(namespace, name),
                None => return Err(Trouble::failed(format!("`{pod}` is no pod"))),
            };
            vec![watched(Kind::Pod, &name)]
        }
        Delete::Manifest(path) => {
            let documents = documents(stage, path);
            documents
                .iter()
                .rev()
                .map(|document| document.object.clone())
                .collect()
        }
    };
    for object in &objects {
        let permitted = stage.lab.cluster.permit_deletion(object).await;
        let deleted = match permitted {
            Ok(()) => stage.kinds.delete(&stage.lab.client, object).await,
            Err(error) => Err(ApplyError::Refused(error.to_string())),
        };
        if let Err(error) = deleted {
            let mut trouble =
                Trouble::failed(format!("the API refused to delete {}", shown(object)));
            trouble.actual = Some(error.to_string());
            return Err(trouble);
        }
    }
    Ok(format!("{} deleted", objects.len()))
}

fn watched(kind: Kind, name: &ObjectName) -> Value {
    named(&kind.resource().api_version, kind.name(), name)
}

/// Just enough of an object to find it.
pub(super) fn named(version: &str, kind: &str, name: &ObjectName) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": name.namespace, "name": name.name}})
}

fn shown(object: &Value) -> String {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!("{} {}", text("/kind"), text("/metadata/name"))
}
