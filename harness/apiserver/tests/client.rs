//! What `kube::Client` users do, over the in-process service.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use cluster::Cluster;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::{Api, ResourceExt};
use serde_json::json;

fn from<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_created_read_updated_patched_listed_and_deleted() {
    let cluster = Cluster::start();
    let secrets: Api<Secret> = Api::default_namespaced(cluster.client.clone());
    let created = secrets
        .create(
            &PostParams::default(),
            &from(json!({
                "metadata": {"name": "db", "labels": {"app": "a"}},
                "stringData": {"password": "one"},
            })),
        )
        .await
        .unwrap();
    assert_eq!(created.type_.as_deref(), Some("Opaque"));
    assert_eq!(created.data.as_ref().unwrap()["password"].0, b"one");
    assert!(created.uid().is_some());
    assert_eq!(created.namespace().as_deref(), Some("default"));
    assert_eq!(
        created.creation_timestamp().unwrap().0.to_string(),
        "2025-11-08T00:00:00Z"
    );

    let mut changed = secrets.get("db").await.unwrap();
    changed
        .data
        .as_mut()
        .unwrap()
        .insert("user".into(), k8s_openapi::ByteString(b"root".to_vec()));
    let updated = secrets
        .replace("db", &PostParams::default(), &changed)
        .await
        .unwrap();
    assert_ne!(updated.resource_version(), created.resource_version());

    let patch = json!({"metadata": {"labels": {"app": null, "tier": "db"}}});
    let patched = secrets
        .patch("db", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(patched.labels().get("app"), None);
    assert_eq!(patched.labels()["tier"], "db");

    assert_eq!(
        secrets
            .list(&ListParams::default().labels("tier=db"))
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    assert_eq!(
        secrets
            .list(&ListParams::default().labels("tier!=db"))
            .await
            .unwrap()
            .items
            .len(),
        0
    );
    assert!(
        secrets
            .delete("db", &DeleteParams::default())
            .await
            .unwrap()
            .is_right()
    );
    assert!(secrets.get_opt("db").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_of_every_change_in_order() {
    let cluster = Cluster::start();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client.clone());
    let start = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    let mut events = Box::pin(maps.watch(&WatchParams::default(), &start).await.unwrap());
    let map = from(json!({"metadata": {"name": "m"}, "data": {"a": "1"}}));
    maps.create(&PostParams::default(), &map).await.unwrap();
    let patch = json!({"data": {"a": "2"}});
    maps.patch("m", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    maps.delete("m", &DeleteParams::default()).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(match events.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(map) => ("added", map.data.unwrap()["a"].clone()),
            WatchEvent::Modified(map) => ("modified", map.data.unwrap()["a"].clone()),
            WatchEvent::Deleted(map) => ("deleted", map.data.unwrap()["a"].clone()),
            _ => continue,
        });
    }
    let seen: Vec<_> = seen.iter().map(|(event, a)| (*event, a.as_str())).collect();
    assert_eq!(seen, [("added", "1"), ("modified", "2"), ("deleted", "2")]);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_takes_objects_from_its_creation_on() {
    let cluster = Cluster::start();
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), "team");
    let map: ConfigMap = from(json!({"metadata": {"name": "m"}}));
    let refused = maps.create(&PostParams::default(), &map).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("namespaces \"team\" not found"),
        "{refused}"
    );
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let namespace = from(json!({"metadata": {"name": "team"}}));
    let namespace = namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
    assert_eq!(namespace.status.unwrap().phase.as_deref(), Some("Active"));
    maps.create(&PostParams::default(), &map).await.unwrap();
}
