//! Templates, rewrites and strategies, through the whole engine.

#![allow(clippy::unwrap_used)]

mod world;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use serde_json::json;
use world::World;

const SYNCED: &str = "True/SecretSynced/secret synced";

#[tokio::test(start_paused = true)]
async fn a_template_makes_type_metadata_and_data() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let template = json!({
        "type": "example.com/app",
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "x"}},
        "data": {"config": "password={{ .key }}"},
    });
    world
        .create("es", json!({"target": {"template": template}}))
        .await;
    world.settle().await;
    assert_eq!(world.ready("es").await, SYNCED);
    assert_eq!(
        world.value("es", "config").await.as_deref(),
        Some("password=v1")
    );
    assert_eq!(world.value("es", "key").await, None);
    let secret = world.secret("es").await.unwrap();
    assert_eq!(secret.type_.as_deref(), Some("example.com/app"));
    assert_eq!(secret.metadata.labels.unwrap()["team"], "a");
    assert_eq!(secret.metadata.annotations.unwrap()["note"], "x");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_template_no_longer_makes_goes_from_the_secret() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let target = json!({"creationPolicy": "CreateOrMerge", "template": {"data": {"a": "{{ .key }}", "b": "{{ .key }}"}}});
    world.create("es", json!({"target": target})).await;
    world.settle().await;
    assert!(world.value("es", "b").await.is_some());
    world
        .patch(
            "es",
            json!({"spec": {"target": {"template": {"data": {"b": null}}}}}),
        )
        .await;
    world.settle().await;
    assert_eq!(world.value("es", "a").await.as_deref(), Some("v1"));
    assert_eq!(world.value("es", "b").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_template_of_a_config_map_is_read_on_each_sync_and_its_change_is_no_trigger() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    let config_maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), "ns");
    let config_map = |text: &str| -> ConfigMap {
        serde_json::from_value(json!({"metadata": {"name": "templates"}, "data": {"config": text}}))
            .unwrap()
    };
    config_maps
        .create(&PostParams::default(), &config_map("one {{ .key }}"))
        .await
        .unwrap();
    let from = json!([{"configMap": {"name": "templates", "items": [{"key": "config"}]}}]);
    world
        .create(
            "es",
            json!({"refreshInterval": "1m", "target": {"template": {"templateFrom": from}}}),
        )
        .await;
    world.settle().await;
    assert_eq!(world.value("es", "config").await.as_deref(), Some("one v1"));
    config_maps
        .replace(
            "templates",
            &PostParams::default(),
            &config_map("two {{ .key }}"),
        )
        .await
        .unwrap();
    world.wait(30).await;
    assert_eq!(world.value("es", "config").await.as_deref(), Some("one v1"));
    world.wait(31).await;
    assert_eq!(world.value("es", "config").await.as_deref(), Some("two v1"));
}

#[tokio::test(start_paused = true)]
async fn a_template_that_cannot_be_rendered_fails_without_showing_a_value() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "top-secret-value")]);
    world
        .create(
            "es",
            json!({"target": {"template": {"data": {"a": "{{ .nope }}"}}}}),
        )
        .await;
    world.settle().await;
    assert_eq!(
        world.ready("es").await,
        "False/SecretSyncedError/could not update secret"
    );
    let events = world.events("ns").await;
    assert!(
        events
            .iter()
            .any(|line| line.contains("could not apply template: could not execute template")),
        "{events:?}"
    );
    assert!(!events.iter().any(|line| line.contains("top-secret-value")));
}

#[tokio::test(start_paused = true)]
async fn extracted_keys_are_rewritten_and_values_decoded() {
    let world = World::start().await;
    world.vault.put("app", &[("value", "v1")]);
    world.vault.put("all", &[("db-user", "cm9vdA==")]);
    let entry = json!({
        "extract": {"key": "all", "decodingStrategy": "Base64"},
        "rewrite": [{"regexp": {"source": "db-(.*)", "target": "$1"}}],
    });
    world.create("es", json!({"dataFrom": [entry]})).await;
    world.settle().await;
    assert_eq!(world.value("es", "user").await.as_deref(), Some("root"));
}
