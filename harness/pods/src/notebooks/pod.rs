//! The pod of a `NotebookValidationJob`.

use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};
use serde_json::{Value, json};

use crate::annotations;
use crate::ownership::controller_reference;

pub(super) fn pod_name(job: &str) -> String {
    format!("{job}-validation")
}

/// The pod of a job. The user's environment and mounts reach `validator` only.
pub(super) fn pod(resource: &ApiResource, job: &DynamicObject) -> Value {
    let config = &job.data["spec"]["podConfig"];
    let list = |name: &str| config[name].as_array().cloned().unwrap_or_default();
    let mut env_from = list("envFrom");
    let credentials = list("credentials").into_iter();
    env_from.extend(credentials.map(|name| json!({"secretRef": {"name": name}})));
    let mut volumes = vec![
        json!({"name": "workspace", "emptyDir": {}}),
        json!({"name": "jovyan-home", "emptyDir": {}}),
    ];
    volumes.extend(list("volumes"));
    let workspace = json!({"name": "workspace", "mountPath": "/workspace"});
    let mut mounts = vec![
        workspace.clone(),
        json!({"name": "jovyan-home", "mountPath": "/home/jovyan"}),
    ];
    mounts.extend(list("volumeMounts"));
    let mut env = list("env");
    if env.is_empty() {
        // The operator's own variables give way to the user's as a whole.
        env = [
            ("HOME", "/workspace"),
            ("PYTHONUSERBASE", "/workspace/.local"),
            ("PIP_USER", "1"),
            ("PIP_NO_CACHE_DIR", "1"),
        ]
        .map(|(name, value)| json!({"name": name, "value": value}))
        .to_vec();
    }
    let annotations = annotations::inherit(None, &[job.metadata.annotations.as_ref()]);
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(&job.name_any()),
            "namespace": job.namespace(),
            "labels": {
                "app": "jupyter-notebook-validator",
                "notebookvalidationjob": job.name_any(),
                "app.kubernetes.io/name": "jupyter-notebook-validator-operator",
                "app.kubernetes.io/component": "validation-pod",
                "app.kubernetes.io/managed-by": "jupyter-notebook-validator-operator",
            },
            "annotations": annotations,
            "ownerReferences": [controller_reference(job, resource)],
        },
        "spec": {
            "serviceAccountName": config["serviceAccountName"].as_str().unwrap_or("default"),
            "restartPolicy": "Never",
            "initContainers": [{
                "name": "git-clone",
                "image": "alpine/git:latest",
                "env": [{"name": "HOME", "value": "/tmp"}],
                "volumeMounts": [workspace],
            }],
            "containers": [{
                "name": "validator",
                "image": config["containerImage"],
                "env": env,
                "envFrom": env_from,
                "volumeMounts": mounts,
            }],
            "volumes": volumes,
        },
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;

    use super::super::{KIND, resource};
    use super::*;

    #[test]
    fn the_users_environment_reaches_the_validator_only_and_credentials_become_env_from() {
        let job = serde_json::from_value(json!({
            "apiVersion": "mlops.mlops.dev/v1alpha1", "kind": KIND,
            "metadata": {"name": "aws", "namespace": "ns", "uid": "u", "annotations": {"rotaproof.dev/runs-for": "1m", "x": "y"}},
            "spec": {"podConfig": {
                "containerImage": "image",
                "env": [{"name": "A", "value": "1"}],
                "envFrom": [{"secretRef": {"name": "first"}}],
                "credentials": ["second"],
            }},
        }))
        .unwrap();
        let pod = pod(&resource(), &job);
        assert_eq!(pod["metadata"]["name"], "aws-validation");
        assert_eq!(
            pod["metadata"]["annotations"],
            json!({"rotaproof.dev/runs-for": "1m"})
        );
        assert_eq!(pod["metadata"]["ownerReferences"][0]["controller"], true);
        let (clone, validator) = (
            &pod["spec"]["initContainers"][0],
            &pod["spec"]["containers"][0],
        );
        assert_eq!(
            (&clone["name"], &validator["name"]),
            (&json!("git-clone"), &json!("validator"))
        );
        assert_eq!(clone["envFrom"], Value::Null);
        assert_eq!(validator["env"], json!([{"name": "A", "value": "1"}]));
        let sources = json!([{"secretRef": {"name": "first"}}, {"secretRef": {"name": "second"}}]);
        assert_eq!(validator["envFrom"], sources);
        serde_json::from_value::<Pod>(pod).unwrap();
    }
}
