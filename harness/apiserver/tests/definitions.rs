//! CustomResourceDefinitions and their instances.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use cluster::{Cluster, lines};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";
const MERGE: &str = "application/merge-patch+json";

fn definition() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1},
            "color": {"type": "string", "default": "red", "enum": ["red", "blue"]},
        }},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    }}});
    let version = |name: &str, storage: bool| {
        json!({
            "name": name, "served": true, "storage": storage, "schema": schema,
            "subresources": {"status": {}},
            "selectableFields": [{"jsonPath": ".spec.color"}],
        })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [version("v1", true), version("v1beta1", false)],
        },
    })
}

async fn with_widgets() -> Cluster {
    let cluster = Cluster::start();
    let (code, made) = cluster.post(DEFINITIONS, definition()).await;
    assert_eq!(code, StatusCode::CREATED, "{made}");
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_definition_is_established_and_served_at_once() {
    let cluster = with_widgets().await;
    let (_, made) = cluster
        .get(&format!("{DEFINITIONS}/widgets.example.com"))
        .await;
    let conditions = made["status"]["conditions"].as_array().unwrap();
    let types: Vec<&str> = conditions
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["NamesAccepted", "Established"]);
    assert_eq!(made["spec"]["names"]["listKind"], "WidgetList");
    let (_, list) = cluster.get(WIDGETS).await;
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&json!("WidgetList"), &json!("example.com/v1"))
    );
    let (_, resources) = cluster.get("/apis/example.com/v1").await;
    assert_eq!(resources["resources"][0]["name"], "widgets");
    assert_eq!(resources["resources"][0]["shortNames"], json!(["wd"]));
    assert_eq!(resources["resources"][1]["name"], "widgets/status");
    let (_, groups) = cluster.get("/apis").await;
    let group = groups["groups"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "example.com");
    assert_eq!(group.unwrap()["preferredVersion"]["version"], "v1");
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_pruned_defaulted_and_validated() {
    let cluster = with_widgets().await;
    let widget = |name: &str, spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec});
    let (code, made) = cluster
        .post(WIDGETS, widget("w", json!({"size": 1, "unknown": 1})))
        .await;
    assert_eq!(code, StatusCode::CREATED, "{made}");
    assert_eq!(made["spec"], json!({"size": 1, "color": "red"}));
    assert_eq!(made["metadata"]["generation"], 1);
    let (code, status) = cluster
        .post(WIDGETS, widget("x", json!({"color": "red"})))
        .await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        status["message"],
        "Widget.example.com \"x\" is invalid: spec.size: Required value"
    );
    assert_eq!(
        status["details"]["causes"][0]["reason"],
        "FieldValueRequired"
    );
    let strict = format!("{WIDGETS}?fieldValidation=Strict");
    let (code, status) = cluster
        .post(&strict, widget("y", json!({"size": 1, "unknown": 1})))
        .await;
    assert_eq!(code, StatusCode::BAD_REQUEST, "{status}");
    assert_eq!(
        status["message"],
        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field \"spec.unknown\""
    );
}

#[tokio::test(start_paused = true)]
async fn status_and_generation_go_their_own_ways() {
    let cluster = with_widgets().await;
    let path = format!("{WIDGETS}/w");
    let widget = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}, "status": {"a": 1}});
    let (_, made) = cluster.post(WIDGETS, widget).await;
    assert!(made.get("status").is_none());
    let both = json!({"spec": {"size": 2}, "status": {"a": 1}});
    let (_, status) = cluster
        .send_as(
            Method::PATCH,
            &format!("{path}/status"),
            MERGE,
            both.clone(),
        )
        .await;
    assert_eq!(
        (&status["spec"]["size"], &status["status"]["a"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(status["metadata"]["generation"], 1);
    let (_, main) = cluster
        .send_as(
            Method::PATCH,
            &path,
            MERGE,
            json!({"spec": {"size": 2}, "status": {"a": 2}}),
        )
        .await;
    assert_eq!(
        (&main["spec"]["size"], &main["status"]["a"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(main["metadata"]["generation"], 2);
    let (code, status) = cluster
        .send(
            Method::PUT,
            &path,
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}}),
        )
        .await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .contains("must be specified for an update")
    );
}

#[tokio::test(start_paused = true)]
async fn one_object_is_served_in_every_version() {
    let cluster = with_widgets().await;
    let beta = WIDGETS.replace("/v1/", "/v1beta1/");
    let widget = json!({"apiVersion": "example.com/v1beta1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}});
    let (_, made) = cluster.post(&beta, widget).await;
    assert_eq!(made["apiVersion"], "example.com/v1beta1");
    let (_, read) = cluster.get(&format!("{WIDGETS}/w")).await;
    assert_eq!(read["apiVersion"], "example.com/v1");
    assert_eq!(read["metadata"]["uid"], made["metadata"]["uid"]);
    let (_, list) = cluster.get(&beta).await;
    assert_eq!(list["items"][0]["apiVersion"], "example.com/v1beta1");
    let patch = json!({"spec": {"size": 2}});
    let (code, patched) = cluster
        .send_as(Method::PATCH, &format!("{beta}/w"), MERGE, patch)
        .await;
    assert_eq!(
        (code, &patched["apiVersion"]),
        (StatusCode::OK, &json!("example.com/v1beta1"))
    );
}

#[tokio::test(start_paused = true)]
async fn custom_resources_select_by_their_declared_fields_and_refuse_strategic_patches() {
    let cluster = with_widgets().await;
    cluster
        .post(
            WIDGETS,
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "r"}, "spec": {"size": 1}}),
        )
        .await;
    cluster
        .post(
            WIDGETS,
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "b"}, "spec": {"size": 1, "color": "blue"}}),
        )
        .await;
    let (_, list) = cluster
        .get(&format!("{WIDGETS}?fieldSelector=spec.color%3Dblue"))
        .await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["metadata"]["name"], "b");
    let strategic = "application/strategic-merge-patch+json";
    let (code, _) = cluster
        .send_as(Method::PATCH, &format!("{WIDGETS}/b"), strategic, json!({}))
        .await;
    assert_eq!(code, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_definition_takes_its_instances_along_and_ends_their_watches() {
    let cluster = with_widgets().await;
    let (_, widget) = cluster
        .post(
            WIDGETS,
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}),
        )
        .await;
    let revision = widget["metadata"]["resourceVersion"].as_str().unwrap();
    let path = format!("{WIDGETS}?watch=1&resourceVersion={revision}");
    let (events, ()) = tokio::join!(lines(&cluster.api, &path), async {
        cluster
            .delete(&format!("{DEFINITIONS}/widgets.example.com"))
            .await;
        cluster.settle().await;
    });
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "DELETED");
    assert_eq!(cluster.get(WIDGETS).await.0, 404);
    let (code, _) = cluster
        .get(&format!("{DEFINITIONS}/widgets.example.com"))
        .await;
    assert_eq!(code, StatusCode::NOT_FOUND);
    assert_eq!(
        cluster.post(DEFINITIONS, definition()).await.0,
        StatusCode::CREATED
    );
    assert_eq!(cluster.get(WIDGETS).await.1["items"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_cannot_be_served_is_refused() {
    let cluster = Cluster::start();
    let mut wrong = definition();
    wrong["metadata"]["name"] = "other.example.com".into();
    wrong["spec"]["versions"][1]["storage"] = true.into();
    let (code, status) = cluster.post(DEFINITIONS, wrong).await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    let message = status["message"].as_str().unwrap();
    assert!(
        message.contains("must be spec.names.plural+\".\"+spec.group"),
        "{message}"
    );
    assert!(
        message.contains("must have exactly one version marked as storage version"),
        "{message}"
    );
}
