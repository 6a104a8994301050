//! The operator that is there, brought behind the gateway, and put back.
//!
//! Its Deployment remembers its own template in an annotation until it is put back: whoever comes after a run that was
//! killed finds it there.

use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::Error;
use crate::real::{AUTHORITY, LABEL, NAME, Operator, Surroundings};

const PART: &str = "the External Secrets Operator";
/// The Deployment's own template, while it is another.
const BEFORE: &str = "dev.rotaproof/before";
/// Somebody else may write the Deployment at the same time, its controller above all.
const ATTEMPTS: usize = 5;

/// Deployments as they are, with fields that are newer than this program.
fn deployments(client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Finds the operator, by the label of its chart, in whatever namespace.
pub(super) async fn find(client: &Client) -> Result<Operator, Error> {
    let found = deployments(client, None)
        .list(&ListParams::default().labels(LABEL))
        .await
        .map_err(Error::starting(PART))?;
    let wrong = |reason: String| Error {
        action: "be found",
        next: Some(format!(
            "the lane works with one Deployment that has the label {LABEL}, as ESO's chart gives it"
        )),
        ..Error::starting(PART)(reason)
    };
    match found.items.as_slice() {
        [one] => operator(one).map_err(wrong),
        [] => Err(wrong(format!("no Deployment has the label {LABEL}"))),
        several => {
            let names: Vec<_> = several.iter().map(name).collect();
            Err(wrong(format!("there are several: {}", names.join(", "))))
        }
    }
}

fn name(deployment: &DynamicObject) -> String {
    let namespace = deployment.namespace().unwrap_or_default();
    format!("{namespace}/{}", deployment.name_any())
}

fn operator(deployment: &DynamicObject) -> Result<Operator, String> {
    let containers = deployment.data.pointer("/spec/template/spec/containers");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = containers.filter_map(|one| one["name"].as_str()).collect();
    let container = match names.as_slice() {
        [one] => one,
        several => several.iter().find(|one| **one == NAME).ok_or_else(|| {
            format!(
                "none of the containers of {} is called {NAME}",
                name(deployment)
            )
        })?,
    };
    Ok(Operator {
        namespace: deployment.namespace().unwrap_or_default(),
        deployment: deployment.name_any(),
        container: (*container).to_owned(),
    })
}

/// What a run does to what is not its own, a line each.
pub(super) fn changes(operator: &Operator) -> Vec<String> {
    let Operator {
        namespace,
        deployment,
        container,
    } = operator;
    vec![
        format!(
            "Deployment {namespace}/{deployment}, container {container}: HTTPS_PROXY, HTTP_PROXY, NO_PROXY and SSL_CERT_FILE \
             are set, the ConfigMap {AUTHORITY} is mounted, and its flags are a scenario's where it has some; its pod is rolled, \
             at the end once more"
        ),
        "while the run lasts the operator reaches no other vault than the scenario's".into(),
        format!("ConfigMap and Lease in {namespace}: made, and deleted at the end"),
        "CustomResourceDefinition notebookvalidationjobs.mlops.mlops.dev, where it is missing: the same".into(),
        "what scenarios apply, with the namespaces that are missing: the same".into(),
    ]
}

/// Whether a run has brought it behind its gateway, and has not put it back.
pub(super) async fn is_rerouted(client: &Client, operator: &Operator) -> Result<bool, Error> {
    let deployment = get(client, operator).await?;
    Ok(deployment.annotations().contains_key(BEFORE))
}

async fn get(client: &Client, operator: &Operator) -> Result<DynamicObject, Error> {
    deployments(client, Some(&operator.namespace))
        .get(&operator.deployment)
        .await
        .map_err(Error::starting(PART))
}

/// Brings the operator behind the gateway, and waits until its pod is there.
pub(super) async fn reroute(
    client: &Client,
    operator: &Operator,
    surroundings: &Surroundings<'_>,
) -> Result<(), Error> {
    let before = get(client, operator).await?;
    let patch = patch(&before, operator, surroundings);
    deployments(client, Some(&operator.namespace))
        .patch(
            &operator.deployment,
            &PatchParams::default(),
            &Patch::Strategic(patch),
        )
        .await
        .map_err(Error::starting(PART))?;
    operator.rolled(client).await
}

/// The strategic merge patch; of that very version of the Deployment whose template it remembers.
fn patch(before: &DynamicObject, operator: &Operator, surroundings: &Surroundings<'_>) -> Value {
    let template = before.data["spec"]["template"].to_string();
    let environment = surroundings.environment().map(|mut variable| {
        // What it has from elsewhere would stand beside the value.
        variable["valueFrom"] = Value::Null;
        variable
    });
    json!({
        "metadata": {
            "resourceVersion": before.resource_version(),
            "annotations": {BEFORE: template},
        },
        "spec": {"template": {
            "metadata": {"annotations": surroundings.annotations()},
            "spec": {
                "volumes": [surroundings.volume()],
                "containers": [{
                    "name": operator.container,
                    "env": environment,
                    "volumeMounts": [surroundings.mount()],
                }],
            },
        }},
    })
}

/// Gives the Deployment its own template back, and waits until its pod is there; whether it had another one.
pub(super) async fn put_back(client: &Client, operator: &Operator) -> Result<bool, Error> {
    let failed = |reason: String| Error {
        action: "be put back",
        next: Some(format!(
            "its own spec.template is in the annotation {BEFORE} of the Deployment {}/{}",
            operator.namespace, operator.deployment
        )),
        ..Error::starting(PART)(reason)
    };
    for _ in 0..ATTEMPTS {
        let mut deployment = get(client, operator)
            .await
            .map_err(|error| failed(error.reason))?;
        match restored(&mut deployment) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(reason) => return Err(failed(reason)),
        }
        let replaced = deployments(client, Some(&operator.namespace))
            .replace(&operator.deployment, &PostParams::default(), &deployment)
            .await;
        match replaced {
            Ok(_) => {
                let rolled = operator.rolled(client).await;
                return rolled.map(|()| true).map_err(|error| failed(error.reason));
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(failed(error.to_string())),
        }
    }
    Err(failed(format!(
        "somebody else changed it {ATTEMPTS} times in a row"
    )))
}

/// Puts the remembered template into place; whether there was one.
fn restored(deployment: &mut DynamicObject) -> Result<bool, String> {
    let Some(before) = deployment.annotations_mut().remove(BEFORE) else {
        return Ok(false);
    };
    let template: Value = serde_json::from_str(&before).map_err(|error| error.to_string())?;
    let own = deployment.data.pointer_mut("/spec/template");
    *own.ok_or("it has no template")? = template;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(containers: Value) -> DynamicObject {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "eso", "namespace": "secrets", "resourceVersion": "7", "annotations": {"a": "b"}},
            "spec": {"replicas": 1, "template": {"newer": {"than": "us"}, "spec": {"containers": containers}}},
        });
        serde_json::from_value(object).unwrap()
    }

    fn surroundings() -> Surroundings<'static> {
        Surroundings {
            gateway: "172.18.0.1:4000".parse().unwrap(),
            api: "10.96.0.1",
            run: "run",
        }
    }

    #[test]
    fn the_operators_container_is_the_only_one_or_the_one_of_its_name() {
        let container = |names: &[&str]| {
            let all: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
            operator(&deployment(all.into())).map(|operator| operator.container)
        };
        assert_eq!(container(&["controller"]).unwrap(), "controller");
        assert_eq!(
            container(&["proxy", "external-secrets"]).unwrap(),
            "external-secrets"
        );
        assert!(container(&["a", "b"]).unwrap_err().contains("secrets/eso"));
    }

    #[test]
    fn what_is_put_back_is_what_was_there_whatever_came_between() {
        let before =
            deployment(json!([{"name": "controller", "env": [{"name": "A", "value": "1"}]}]));
        let operator = operator(&before).unwrap();
        let patch = patch(&before, &operator, &surroundings());
        assert_eq!(patch["metadata"]["resourceVersion"], "7");

        let mut after = before.clone();
        let remembered = patch["metadata"]["annotations"][BEFORE].as_str().unwrap();
        let remembered = remembered.to_owned();
        after.annotations_mut().insert(BEFORE.into(), remembered);
        after.data["spec"]["template"] = json!({"spec": {"containers": []}});
        assert!(restored(&mut after).unwrap());
        assert_eq!(
            serde_json::to_string(&after).unwrap(),
            serde_json::to_string(&before).unwrap()
        );
        assert!(!restored(&mut after).unwrap());
    }

    #[test]
    fn a_variable_from_elsewhere_gives_way() {
        let before = deployment(json!([{"name": "controller"}]));
        let operator = operator(&before).unwrap();
        let patch = patch(&before, &operator, &surroundings());
        let own = &patch["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(own["env"][0]["value"], "http://172.18.0.1:4000");
        assert_eq!(own["env"][0].get("valueFrom"), Some(&Value::Null));
    }
}
