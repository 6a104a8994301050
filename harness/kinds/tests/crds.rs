//! The CRDs as an API server reads them.

#![allow(clippy::unwrap_used)]

use rotaproof_kinds::crds;
use rstest::rstest;
use serde_json::{Value, json};

fn crd(kind: &str) -> Value {
    crds()
        .into_iter()
        .find(|crd| crd["spec"]["names"]["kind"] == kind)
        .unwrap()
}

#[rstest]
#[case("ExternalSecret", "es", "Namespaced", &["v1", "v1beta1"])]
#[case("SecretStore", "ss", "Namespaced", &["v1", "v1beta1"])]
#[case("ClusterSecretStore", "css", "Cluster", &["v1", "v1beta1"])]
#[case("NotebookValidationJob", "nvj", "Namespaced", &["v1alpha1"])]
fn a_crd_serves_its_versions_and_stores_the_first(
    #[case] kind: &str,
    #[case] short: &str,
    #[case] scope: &str,
    #[case] versions: &[&str],
) {
    let crd = crd(kind);
    assert_eq!(crd["spec"]["names"]["shortNames"][0], short);
    assert_eq!(crd["spec"]["scope"], scope);
    let have = crd["spec"]["versions"].as_array().unwrap();
    assert_eq!(
        have.iter()
            .map(|v| v["name"].as_str().unwrap())
            .collect::<Vec<_>>(),
        versions
    );
    for (index, version) in have.iter().enumerate() {
        assert_eq!(version["served"], true);
        assert_eq!(version["storage"], index == 0);
        assert_eq!(version["subresources"], json!({"status": {}}));
        assert_eq!(version["schema"]["openAPIV3Schema"]["type"], "object");
        assert!(version["schema"]["openAPIV3Schema"]["properties"]["spec"].is_object());
    }
}

#[test]
fn a_path_under_git_is_no_property_and_a_path_beside_it_is_required() {
    let crd = crd("NotebookValidationJob");
    let notebook = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        ["notebook"];
    assert!(notebook["properties"]["git"]["properties"]["path"].is_null());
    assert_eq!(notebook["required"], json!(["git", "path"]));
}

#[rstest]
#[case("/properties/spec/properties/refreshInterval/default", json!("1h0m0s"))]
#[case("/properties/spec/properties/target/default", json!({"creationPolicy": "Owner", "deletionPolicy": "Retain"}))]
#[case("/properties/spec/properties/target/properties/creationPolicy/default", json!("Owner"))]
fn the_external_secret_has_esos_defaults(
    #[case] pointer: &str,
    #[case] default: Value,
    #[values(0, 1)] version: usize,
) {
    let crd = crd("ExternalSecret");
    let schema = &crd["spec"]["versions"][version]["schema"]["openAPIV3Schema"];
    assert_eq!(schema.pointer(pointer), Some(&default));
}

#[test]
fn a_store_has_exactly_one_provider() {
    let crd = crd("SecretStore");
    let provider = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        ["provider"];
    assert_eq!(
        (&provider["minProperties"], &provider["maxProperties"]),
        (&json!(1), &json!(1))
    );
}
