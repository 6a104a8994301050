//! The kinds as CustomResourceDefinition objects, ready to apply.

use serde_json::{Value, json};

/// The same as ESO serves them from 0.17 on: `v1beta1` is still there, and not served.
pub fn crds_without_v1beta1() -> Vec<Value> {
    let mut crds = crds();
    let versions = crds
        .iter_mut()
        .filter_map(|crd| crd.pointer_mut("/spec/versions")?.as_array_mut());
    for version in versions
        .flatten()
        .filter(|version| version["name"] == "v1beta1")
    {
        version["served"] = json!(false);
    }
    crds
}

/// The CRDs of ESO 2.9.0 that are covered, with `v1beta1` served beside `v1` as the chart's
/// `crds.unsafeServeV1Beta1=true` does, and the notebook validator's.
pub fn crds() -> Vec<Value> {
    let store = || {
        [
            (
                "v1",
                schema(include_str!("../schema/secretstore.v1.json")),
                json!({}),
            ),
            (
                "v1beta1",
                schema(include_str!("../schema/secretstore.v1beta1.json")),
                deprecated(),
            ),
        ]
    };
    vec![
        eso(
            "ExternalSecret",
            "externalsecrets",
            "es",
            "Namespaced",
            external_secret_columns(),
            [
                (
                    "v1",
                    schema(include_str!("../schema/externalsecret.v1.json")),
                    json!({"selectableFields": [
                        {"jsonPath": ".spec.secretStoreRef.name"}, {"jsonPath": ".spec.secretStoreRef.kind"},
                        {"jsonPath": ".spec.target.name"}, {"jsonPath": ".spec.refreshInterval"}]}),
                ),
                (
                    "v1beta1",
                    schema(include_str!("../schema/externalsecret.v1beta1.json")),
                    deprecated(),
                ),
            ],
        ),
        eso(
            "SecretStore",
            "secretstores",
            "ss",
            "Namespaced",
            store_columns(),
            store(),
        ),
        eso(
            "ClusterSecretStore",
            "clustersecretstores",
            "css",
            "Cluster",
            store_columns(),
            store(),
        ),
        notebook_validation_job(),
    ]
}

/// The schemas are part of the program and their form is tested; a broken one would accept everything.
fn schema(text: &str) -> Value {
    serde_json::from_str(text)
        .unwrap_or_else(|_| json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}))
}

fn deprecated() -> Value {
    json!({"deprecated": true})
}

fn eso(
    kind: &str,
    plural: &str,
    short: &str,
    scope: &str,
    columns: Value,
    versions: [(&str, Value, Value); 2],
) -> Value {
    let versions: Vec<Value> = versions
        .into_iter()
        .map(|(name, schema, more)| {
            let mut version = json!({
                "name": name,
                "served": true,
                "storage": name == "v1",
                "additionalPrinterColumns": columns,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema},
            });
            if let (Some(version), Value::Object(more)) = (version.as_object_mut(), more) {
                version.extend(more);
            }
            version
        })
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.external-secrets.io"),
            "labels": {"external-secrets.io/component": "controller"},
        },
        "spec": {
            "group": "external-secrets.io",
            "scope": scope,
            "names": {
                "kind": kind, "listKind": format!("{kind}List"), "plural": plural,
                "singular": kind.to_lowercase(), "shortNames": [short], "categories": ["external-secrets"],
            },
            "versions": versions,
        },
    })
}

fn external_secret_columns() -> Value {
    json!([
        {"jsonPath": ".spec.secretStoreRef.kind", "name": "StoreType", "type": "string"},
        {"jsonPath": ".spec.secretStoreRef.name", "name": "Store", "type": "string"},
        {"jsonPath": ".spec.refreshInterval", "name": "Refresh Interval", "type": "string"},
        {"jsonPath": ".status.conditions[?(@.type==\"Ready\")].reason", "name": "Status", "type": "string"},
        {"jsonPath": ".status.conditions[?(@.type==\"Ready\")].status", "name": "Ready", "type": "string"},
        {"jsonPath": ".status.refreshTime", "name": "Last Sync", "type": "date"},
    ])
}

fn store_columns() -> Value {
    json!([
        {"jsonPath": ".metadata.creationTimestamp", "name": "AGE", "type": "date"},
        {"jsonPath": ".status.conditions[?(@.type==\"Ready\")].reason", "name": "Status", "type": "string"},
        {"jsonPath": ".status.capabilities", "name": "Capabilities", "type": "string"},
        {"jsonPath": ".status.conditions[?(@.type==\"Ready\")].status", "name": "Ready", "type": "string"},
    ])
}

/// The notebook validator's CRD.
pub fn notebook_validation_job() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "notebookvalidationjobs.mlops.mlops.dev"},
        "spec": {
            "group": "mlops.mlops.dev",
            "scope": "Namespaced",
            "names": {
                "kind": "NotebookValidationJob", "listKind": "NotebookValidationJobList",
                "plural": "notebookvalidationjobs", "singular": "notebookvalidationjob", "shortNames": ["nvj", "nvjob"],
            },
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"jsonPath": ".status.phase", "name": "Phase", "type": "string"},
                    {"jsonPath": ".spec.notebook.path", "name": "Notebook", "type": "string"},
                    {"jsonPath": ".metadata.creationTimestamp", "name": "Age", "type": "date"},
                    {"jsonPath": ".status.message", "name": "Message", "priority": 1, "type": "string"},
                ],
                "schema": {"openAPIV3Schema": schema(include_str!("../schema/notebookvalidationjob.json"))},
            }],
        },
    })
}
