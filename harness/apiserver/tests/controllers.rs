//! Garbage collection, namespaces and CustomResourceDefinitions that go away, default accounts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use cluster::Cluster;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn owner(object: &Value, blocks: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": object["metadata"]["name"],
        "uid": object["metadata"]["uid"], "blockOwnerDeletion": blocks,
    })
}

async fn make(cluster: &Cluster, name: &str, owners: Vec<Value>, finalizers: &[&str]) -> Value {
    let meta = json!({"name": name, "ownerReferences": owners, "finalizers": finalizers});
    let (code, made) = cluster.post(MAPS, json!({"metadata": meta})).await;
    assert_eq!(code, StatusCode::CREATED, "{made}");
    made
}

async fn exists(cluster: &Cluster, name: &str) -> bool {
    cluster.settle().await;
    cluster.get(&format!("{MAPS}/{name}")).await.0 == StatusCode::OK
}

async fn delete(cluster: &Cluster, name: &str, propagation: &str) {
    let options = json!({"propagationPolicy": propagation});
    cluster
        .send(Method::DELETE, &format!("{MAPS}/{name}"), options)
        .await;
}

async fn release(cluster: &Cluster, name: &str) {
    let patch = json!({"metadata": {"finalizers": null}});
    let path = format!("{MAPS}/{name}");
    cluster
        .send_as(Method::PATCH, &path, "application/merge-patch+json", patch)
        .await;
}

#[tokio::test(start_paused = true)]
async fn dependents_follow_their_owner_down_the_chain() {
    let cluster = Cluster::start();
    let a = make(&cluster, "a", vec![], &[]).await;
    let b = make(&cluster, "b", vec![owner(&a, false)], &[]).await;
    make(&cluster, "c", vec![owner(&b, false)], &[]).await;
    assert!(exists(&cluster, "c").await);
    delete(&cluster, "a", "Background").await;
    assert!(!exists(&cluster, "b").await);
    assert!(!exists(&cluster, "c").await);
}

#[tokio::test(start_paused = true)]
async fn a_dependent_stays_while_another_owner_does() {
    let cluster = Cluster::start();
    let a = make(&cluster, "a", vec![], &[]).await;
    let b = make(&cluster, "b", vec![], &[]).await;
    make(&cluster, "c", vec![owner(&a, false), owner(&b, false)], &[]).await;
    delete(&cluster, "a", "Background").await;
    assert!(exists(&cluster, "c").await);
    let (_, c) = cluster.get(&format!("{MAPS}/c")).await;
    assert_eq!(c["metadata"]["ownerReferences"], json!([owner(&b, false)]));
    delete(&cluster, "b", "Background").await;
    assert!(!exists(&cluster, "c").await);
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_owner_never_existed_is_collected() {
    let cluster = Cluster::start();
    let ghost =
        json!({"metadata": {"name": "ghost", "uid": "00000000-0000-0000-0000-000000000000"}});
    make(&cluster, "a", vec![owner(&ghost, false)], &[]).await;
    assert!(!exists(&cluster, "a").await);
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_without_their_owner() {
    let cluster = Cluster::start();
    let a = make(&cluster, "a", vec![], &[]).await;
    make(&cluster, "b", vec![owner(&a, true)], &[]).await;
    delete(&cluster, "a", "Orphan").await;
    assert!(!exists(&cluster, "a").await);
    assert!(exists(&cluster, "b").await);
    let (_, b) = cluster.get(&format!("{MAPS}/b")).await;
    assert!(b["metadata"].get("ownerReferences").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_foreground_deletion_waits_for_the_dependents_that_block_it() {
    let cluster = Cluster::start();
    let a = make(&cluster, "a", vec![], &[]).await;
    make(&cluster, "b", vec![owner(&a, true)], &["example.com/hold"]).await;
    delete(&cluster, "a", "Foreground").await;
    assert!(exists(&cluster, "a").await);
    let (_, b) = cluster.get(&format!("{MAPS}/b")).await;
    assert!(b["metadata"]["deletionTimestamp"].is_string());
    release(&cluster, "b").await;
    assert!(!exists(&cluster, "b").await);
    // "b" was deleted in the foreground, too.
    assert!(!exists(&cluster, "a").await);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_namespace_is_emptied_takes_nothing_new_and_goes() {
    let cluster = Cluster::start();
    let path = "/api/v1/namespaces/team";
    cluster
        .post("/api/v1/namespaces", json!({"metadata": {"name": "team"}}))
        .await;
    let meta = json!({"name": "held", "finalizers": ["example.com/hold"]});
    cluster
        .post(&format!("{path}/secrets"), json!({"metadata": meta}))
        .await;
    cluster
        .post(
            &format!("{path}/configmaps"),
            json!({"metadata": {"name": "m"}}),
        )
        .await;
    let (_, terminating) = cluster.delete(path).await;
    assert_eq!(terminating["status"]["phase"], "Terminating");
    cluster.settle().await;
    assert_eq!(
        cluster.get(&format!("{path}/configmaps/m")).await.0,
        StatusCode::NOT_FOUND
    );
    let (code, status) = cluster
        .post(
            &format!("{path}/configmaps"),
            json!({"metadata": {"name": "late"}}),
        )
        .await;
    assert_eq!(code, StatusCode::FORBIDDEN);
    assert_eq!(
        status["message"],
        "configmaps \"late\" is forbidden: unable to create new content in namespace team because it is being terminated"
    );
    assert_eq!(
        cluster.get(path).await.0,
        StatusCode::OK,
        "a finalizer still holds a Secret in it"
    );
    let patch = json!({"metadata": {"finalizers": null}});
    let secret = format!("{path}/secrets/held");
    cluster
        .send_as(
            Method::PATCH,
            &secret,
            "application/merge-patch+json",
            patch,
        )
        .await;
    cluster.settle().await;
    assert_eq!(cluster.get(path).await.0, StatusCode::NOT_FOUND);
    let (code, _) = cluster
        .post("/api/v1/namespaces", json!({"metadata": {"name": "team"}}))
        .await;
    assert_eq!(code, StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn every_namespace_has_a_default_account_again_and_again() {
    let cluster = Cluster::start();
    cluster.settle().await;
    let path = "/api/v1/namespaces/default/serviceaccounts/default";
    let (code, first) = cluster.get(path).await;
    assert_eq!(code, StatusCode::OK);
    cluster.delete(path).await;
    cluster.settle().await;
    let (code, second) = cluster.get(path).await;
    assert_eq!(code, StatusCode::OK);
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn events_are_gone_an_hour_after_they_were_last_written() {
    let cluster = Cluster::start();
    let events = "/api/v1/namespaces/default/events";
    let write = async |name: &str| {
        let involved = json!({"kind": "Secret", "name": "s", "namespace": "default"});
        let event =
            json!({"metadata": {"name": name}, "involvedObject": involved, "reason": "Updated"});
        let (code, status) = cluster.post(events, event).await;
        assert_eq!(code, StatusCode::CREATED, "{status}");
    };
    let names = async || {
        let (_, list) = cluster
            .get(&format!("{events}?fieldSelector=involvedObject.name%3Ds"))
            .await;
        let items = list["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|event| event["metadata"]["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    write("first").await;
    tokio::time::advance(std::time::Duration::from_secs(1800)).await;
    write("second").await;
    assert_eq!(names().await, ["first", "second"]);
    tokio::time::advance(std::time::Duration::from_secs(1801)).await;
    write("third").await;
    assert_eq!(names().await, ["second", "third"]);
}

#[tokio::test(start_paused = true)]
async fn a_terminating_namespace_says_what_holds_it_and_takes_nothing_new() {
    let cluster = Cluster::start();
    cluster
        .post("/api/v1/namespaces", json!({"metadata": {"name": "ns"}}))
        .await;
    let maps = "/api/v1/namespaces/ns/configmaps";
    let held = json!({"metadata": {"name": "m", "finalizers": ["example.com/hold"]}});
    cluster.post(maps, held).await;
    cluster.delete("/api/v1/namespaces/ns").await;
    cluster.settle().await;
    let (_, namespace) = cluster.get("/api/v1/namespaces/ns").await;
    assert_eq!(namespace["status"]["phase"], "Terminating");
    let conditions = namespace["status"]["conditions"].as_array().unwrap();
    let told: Vec<(&str, &str, &str)> = conditions
        .iter()
        .map(|it| {
            let text = |field: &str| it[field].as_str().unwrap();
            (text("type"), text("status"), text("message"))
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "NamespaceDeletionDiscoveryFailure",
                "False",
                "All resources successfully discovered"
            ),
            (
                "NamespaceDeletionGroupVersionParsingFailure",
                "False",
                "All legacy kube types successfully parsed"
            ),
            (
                "NamespaceDeletionContentFailure",
                "False",
                "All content successfully deleted, may be waiting on finalization"
            ),
            (
                "NamespaceContentRemaining",
                "True",
                "Some resources are remaining: configmaps. has 1 resource instances"
            ),
            (
                "NamespaceFinalizersRemaining",
                "True",
                "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
            ),
        ]
    );
    let (code, status) = cluster.post(maps, json!({"metadata": {"name": "n"}})).await;
    assert_eq!(
        (code, &status["message"]),
        (
            StatusCode::FORBIDDEN,
            &json!(
                "configmaps \"n\" is forbidden: unable to create new content in namespace ns because it is being terminated"
            )
        )
    );
    assert_eq!(
        status["details"]["causes"],
        json!([{"reason": "NamespaceTerminating", "message": "namespace ns is being terminated", "field": "metadata.namespace"}])
    );
    let patch = json!({"metadata": {"finalizers": null}});
    cluster
        .send_as(
            Method::PATCH,
            &format!("{maps}/m"),
            "application/merge-patch+json",
            patch,
        )
        .await;
    cluster.settle().await;
    assert_eq!(
        cluster.get("/api/v1/namespaces/ns").await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_of_a_namespace_itself_goes_by_its_subresource() {
    let cluster = Cluster::start();
    let namespace =
        json!({"metadata": {"name": "ns"}, "spec": {"finalizers": ["example.com/hold"]}});
    let (_, made) = cluster.post("/api/v1/namespaces", namespace).await;
    assert_eq!(
        made["spec"]["finalizers"],
        json!(["example.com/hold", "kubernetes"])
    );
    cluster.delete("/api/v1/namespaces/ns").await;
    cluster.settle().await;
    let (_, mut waiting) = cluster.get("/api/v1/namespaces/ns").await;
    assert_eq!(waiting["spec"]["finalizers"], json!(["example.com/hold"]));
    waiting["spec"] = json!({});
    // The main endpoint leaves them alone.
    cluster
        .send(Method::PUT, "/api/v1/namespaces/ns", waiting.clone())
        .await;
    assert_eq!(cluster.get("/api/v1/namespaces/ns").await.0, StatusCode::OK);
    let (code, _) = cluster
        .send(Method::PUT, "/api/v1/namespaces/ns/finalize", waiting)
        .await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(
        cluster.get("/api/v1/namespaces/ns").await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(start_paused = true)]
async fn the_namespaces_of_the_cluster_itself_stay() {
    let cluster = Cluster::start();
    for name in ["default", "kube-system"] {
        let (code, status) = cluster.delete(&format!("/api/v1/namespaces/{name}")).await;
        assert_eq!(
            (code, &status["message"]),
            (
                StatusCode::FORBIDDEN,
                &json!(format!(
                    "namespaces \"{name}\" is forbidden: this namespace may not be deleted"
                ))
            )
        );
    }
}
