//! The API described for machines.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod cluster;

use std::collections::BTreeSet;

use cluster::Cluster;
use http::Request;
use http_body_util::Full;
use rstest::rstest;
use serde_json::{Value, json};
use tower::ServiceExt;

const PODS: &str = "/openapi/v3/api/v1";

fn definition(field: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "lamps.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "lamps", "kind": "Lamp"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "spec": {"type": "object", "properties": {field: {"description": "How bright it is.", "x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}}},
                },
            }}}],
        },
    })
}

async fn apply(cluster: &Cluster, definition: Value) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (code, answer) = cluster.post(path, definition).await;
    assert_eq!(code, 201, "{answer}");
}

/// Every reference of a document.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|it| references(it, found));
        }
        Value::Array(list) => list.iter().for_each(|it| references(it, found)),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn the_index_names_a_document_for_each_group_and_version_and_none_refers_to_nothing() {
    let cluster = Cluster::start();
    apply(&cluster, definition("brightness")).await;
    let (_, index) = cluster.get("/openapi/v3").await;
    let paths = index["paths"].as_object().unwrap();
    for expected in [
        "api/v1",
        "apis/batch/v1",
        "apis/example.com/v1",
        "apis/authorization.k8s.io/v1",
    ] {
        assert!(paths.contains_key(expected), "{expected}");
    }
    for (path, entry) in paths {
        let url = entry["serverRelativeURL"].as_str().unwrap();
        let (code, document) = cluster.get(url).await;
        assert_eq!(code, 200, "{path}");
        assert_eq!(document["openapi"], "3.0.0");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference} in {path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_described_with_what_kubectl_looks_for() {
    let cluster = Cluster::start();
    let (_, document) = cluster.get(PODS).await;
    let schemas = &document["components"]["schemas"];
    let pod = &schemas["io.k8s.api.core.v1.Pod"];
    assert_eq!(
        pod["x-kubernetes-group-version-kind"],
        json!([{"group": "", "kind": "Pod", "version": "v1"}])
    );
    let reference = "#/components/schemas/io.k8s.api.core.v1.PodSpec";
    assert_eq!(
        pod["properties"]["spec"]["allOf"],
        json!([{"$ref": reference}])
    );
    let containers = &schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
    assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
    assert_eq!(containers["x-kubernetes-patch-strategy"], "merge");
    let env = &schemas["io.k8s.api.core.v1.Container"]["properties"]["env"];
    assert_eq!(env["x-kubernetes-list-map-keys"], json!(["name"]));
    let volumes = &schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["volumes"];
    assert_eq!(volumes["x-kubernetes-patch-strategy"], "merge,retainKeys");
    let patch = &document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Pod");
    let names: Vec<&str> = patch["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["dryRun", "fieldManager", "fieldValidation", "force"]
    );
    let types = patch["requestBody"]["content"].as_object().unwrap();
    assert!(types.contains_key("application/strategic-merge-patch+json"));
}

#[tokio::test(start_paused = true)]
async fn operation_ids_are_unique_in_their_document() {
    let cluster = Cluster::start();
    let (_, document) = cluster.get(PODS).await;
    let items = document["paths"].as_object().unwrap().values();
    let ids: Vec<&str> = items
        .flat_map(|item| item.as_object().unwrap().values())
        .filter_map(|operation| operation.get("operationId")?.as_str())
        .collect();
    let unique: BTreeSet<&&str> = ids.iter().collect();
    assert!(ids.len() > 40);
    assert_eq!(unique.len(), ids.len());
}

#[tokio::test(start_paused = true)]
async fn a_custom_kind_is_described_as_its_definition_says() {
    let cluster = Cluster::start();
    let (code, _) = cluster.get("/openapi/v3/apis/example.com/v1").await;
    assert_eq!(code, 404);
    apply(&cluster, definition("brightness")).await;
    let (_, document) = cluster.get("/openapi/v3/apis/example.com/v1").await;
    let lamp = &document["components"]["schemas"]["com.example.v1.Lamp"];
    let brightness = &lamp["properties"]["spec"]["properties"]["brightness"];
    assert_eq!(brightness["description"], "How bright it is.");
    assert!(lamp["properties"]["apiVersion"]["description"].is_string());
    assert!(lamp["properties"]["metadata"]["allOf"].is_array());
    let patch = &document["paths"]["/apis/example.com/v1/namespaces/{namespace}/lamps/{name}/status"]
        ["patch"];
    let types = patch["requestBody"]["content"].as_object().unwrap();
    assert!(!types.contains_key("application/strategic-merge-patch+json"));
}

#[tokio::test(start_paused = true)]
async fn a_changed_definition_changes_its_own_document_and_no_other() {
    let cluster = Cluster::start();
    apply(&cluster, definition("brightness")).await;
    let (_, before) = cluster.get("/openapi/v3").await;
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lamps.example.com";
    let patch = json!([{"op": "replace", "path": "/spec/versions/0/schema", "value": definition("colour")["spec"]["versions"][0]["schema"]}]);
    let (code, _) = cluster
        .send_as(
            http::Method::PATCH,
            path,
            "application/json-patch+json",
            patch,
        )
        .await;
    assert_eq!(code, 200);
    let (_, after) = cluster.get("/openapi/v3").await;
    assert_ne!(
        before["paths"]["apis/example.com/v1"],
        after["paths"]["apis/example.com/v1"]
    );
    assert_eq!(before["paths"]["api/v1"], after["paths"]["api/v1"]);
    // The address of before leads to the present document.
    let url = before["paths"]["apis/example.com/v1"]["serverRelativeURL"]
        .as_str()
        .unwrap();
    let request = Request::get(url)
        .body(Full::<bytes::Bytes>::default())
        .unwrap();
    let response = cluster.api.service().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 301);
    assert_eq!(
        response.headers()["location"],
        after["paths"]["apis/example.com/v1"]["serverRelativeURL"]
            .as_str()
            .unwrap()
    );
}

#[rstest]
#[case("/openapi/v3/api/v1", "application/json", 200)]
#[case(
    "/openapi/v3/api/v1",
    "application/com.github.proto-openapi.spec.v3.v1.0+protobuf",
    406
)]
#[case(
    "/openapi/v2",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    200
)]
#[case("/openapi/v2", "application/yaml", 406)]
#[case("/openapi/v2", "*/*", 200)]
#[tokio::test(start_paused = true)]
async fn documents_are_in_json_and_version_2_in_protobuf_too(
    #[case] path: &str,
    #[case] accept: &str,
    #[case] code: u16,
) {
    let cluster = Cluster::start();
    let request = Request::get(path)
        .header("accept", accept)
        .body(Full::<bytes::Bytes>::default())
        .unwrap();
    assert_eq!(cluster.call(request).await.0, code);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_document_is_not_sent_again() {
    let cluster = Cluster::start();
    let get = |tag: String| {
        let request = Request::get(PODS).header("if-none-match", tag);
        cluster
            .api
            .service()
            .oneshot(request.body(Full::<bytes::Bytes>::default()).unwrap())
    };
    let first = get(String::new()).await.unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(get(tag).await.unwrap().status(), 304);
}

#[tokio::test(start_paused = true)]
async fn version_2_has_everything_in_its_own_terms() {
    let cluster = Cluster::start();
    apply(&cluster, definition("brightness")).await;
    let (_, document) = cluster.get("/openapi/v2").await;
    assert_eq!(document["swagger"], "2.0");
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let lamp = &document["definitions"]["com.example.v1.Lamp"]["properties"]["spec"]["properties"]
        ["brightness"];
    assert_eq!(
        (&lamp["type"], &lamp["format"]),
        (&json!("string"), &json!("int-or-string"))
    );
    assert!(lamp.get("anyOf").is_none());
    let post = &document["paths"]["/api/v1/namespaces/{namespace}/pods"]["post"];
    let body = post["parameters"].as_array().unwrap().last().unwrap();
    assert_eq!(
        body["schema"]["$ref"],
        "#/definitions/io.k8s.api.core.v1.Pod"
    );
}

#[tokio::test(start_paused = true)]
async fn a_default_of_a_definition_may_be_any_value() {
    let cluster = Cluster::start();
    let (_, document) = cluster.get("/openapi/v2").await;
    let any = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON";
    assert!(document["definitions"][any]["description"].is_string());
    assert!(document["definitions"][any].get("type").is_none());
}

#[tokio::test(start_paused = true)]
async fn every_built_in_kind_has_the_schema_of_kubernetes() {
    let cluster = Cluster::start();
    let (_, index) = cluster.get("/openapi/v3").await;
    for (path, entry) in index["paths"].as_object().unwrap() {
        let url = entry["serverRelativeURL"].as_str().unwrap();
        let (_, document) = cluster.get(url).await;
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let open = schema.get("x-kubernetes-preserve-unknown-fields");
            assert!(open.is_none(), "{name} of {path} is not known");
        }
    }
}
