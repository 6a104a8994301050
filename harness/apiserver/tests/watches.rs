//! Lists and watches: nothing lost, nothing twice, and an honest 410.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use std::collections::BTreeMap;

use cluster::{Cluster, lines};
use http::{Method, StatusCode};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn put(cluster: &Cluster, name: &str, label: &str) {
    let body = json!({"metadata": {"name": name, "labels": {"l": label}}});
    let (code, _) = cluster.post(MAPS, body.clone()).await;
    if code == StatusCode::CONFLICT {
        let path = format!("{MAPS}/{name}");
        let (code, status) = cluster.send(Method::PUT, &path, body).await;
        assert_eq!(code, StatusCode::OK, "{status}");
    }
}

fn kinds(events: &[Value]) -> Vec<(&str, &str)> {
    let text =
        |value: &'_ Value| -> &'static str { value.as_str().unwrap_or_default().to_owned().leak() };
    events
        .iter()
        .map(|event| {
            (
                text(&event["type"]),
                text(&event["object"]["metadata"]["name"]),
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_streaming_list_ends_with_its_bookmark() {
    let cluster = Cluster::start();
    cluster.settle().await;
    put(&cluster, "b", "x").await;
    put(&cluster, "a", "x").await;
    let path = format!(
        "{MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=5"
    );
    let events = lines(&cluster.api, &path).await;
    assert_eq!(
        kinds(&events),
        [
            ("ADDED", "a"),
            ("ADDED", "b"),
            ("BOOKMARK", ""),
            ("BOOKMARK", "")
        ]
    );
    let end = &events[2]["object"];
    assert_eq!(
        end["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
    assert_eq!(
        end["metadata"]["resourceVersion"],
        cluster.api.revision().to_string()
    );
    assert_eq!(
        (&end["kind"], &end["apiVersion"]),
        (&json!("ConfigMap"), &json!("v1"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_after_its_timeout_to_the_second() {
    let cluster = Cluster::start();
    let before = cluster.clock.elapsed();
    let path = format!(
        "{MAPS}?watch=1&timeoutSeconds=290&resourceVersion={}",
        cluster.api.revision()
    );
    assert_eq!(lines(&cluster.api, &path).await, Vec::<Value>::new());
    assert_eq!((cluster.clock.elapsed() - before).as_secs(), 290);
}

#[tokio::test(start_paused = true)]
async fn a_selecting_watch_sees_objects_enter_and_leave_its_selection() {
    let cluster = Cluster::start();
    let start = cluster.api.revision();
    for label in ["no", "yes", "yes", "no", "yes"] {
        // Changed in any case, so that no write is a no-op.
        let path = format!("{MAPS}/m");
        put(&cluster, "m", label).await;
        let patch = json!({"data": {"at": cluster.api.revision().to_string()}});
        cluster
            .send_as(Method::PATCH, &path, "application/merge-patch+json", patch)
            .await;
    }
    cluster.delete(&format!("{MAPS}/m")).await;
    let path =
        format!("{MAPS}?watch=1&labelSelector=l%3Dyes&resourceVersion={start}&timeoutSeconds=1");
    let events = lines(&cluster.api, &path).await;
    let seen: Vec<&str> = kinds(&events).iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        seen,
        [
            "ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED", "ADDED", "MODIFIED", "DELETED"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_that_left_the_window_is_expired_and_one_in_it_is_not() {
    let cluster = Cluster::with_window(4);
    let start = cluster.api.revision();
    put(&cluster, "m0", "x").await;
    let path =
        |revision: u64| format!("{MAPS}?watch=1&resourceVersion={revision}&timeoutSeconds=1");
    assert_eq!(
        kinds(&lines(&cluster.api, &path(start)).await),
        [("ADDED", "m0")]
    );
    for name in ["m1", "m2", "m3", "m4"] {
        put(&cluster, name, "x").await;
    }
    let events = lines(&cluster.api, &path(start)).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "ERROR");
    assert_eq!(
        (&events[0]["object"]["code"], &events[0]["object"]["reason"]),
        (&json!(410), &json!("Expired"))
    );
    let message = events[0]["object"]["message"].as_str().unwrap();
    assert!(message.starts_with("too old resource version"), "{message}");
    assert_eq!(lines(&cluster.api, &path(start + 1)).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_version_of_the_future_is_refused() {
    let cluster = Cluster::start();
    for path in [
        "/api/v1/secrets?resourceVersion=999",
        "/api/v1/secrets?watch=1&resourceVersion=999",
    ] {
        let (code, status) = cluster.get(path).await;
        assert_eq!(code, StatusCode::GATEWAY_TIMEOUT);
        assert!(
            status["message"]
                .as_str()
                .unwrap()
                .starts_with("Timeout: Too large resource version: 999")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn chunks_show_one_moment_whatever_changes_between_them() {
    let cluster = Cluster::start();
    for name in ["a", "b", "c", "d"] {
        put(&cluster, name, "x").await;
    }
    let (_, first) = cluster.get(&format!("{MAPS}?limit=2")).await;
    assert_eq!(first["metadata"]["remainingItemCount"], 2);
    cluster.delete(&format!("{MAPS}/d")).await;
    put(&cluster, "c", "changed").await;
    put(&cluster, "bb", "new").await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (_, second) = cluster
        .get(&format!("{MAPS}?limit=2&continue={token}"))
        .await;
    let names: Vec<&str> = [&first, &second]
        .iter()
        .flat_map(|list| list["items"].as_array().unwrap())
        .map(|item| item["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert_eq!(second["items"][0]["metadata"]["labels"]["l"], "x");
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    assert!(second["metadata"].get("continue").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_chunk_whose_moment_left_the_window_is_expired() {
    let cluster = Cluster::with_window(2);
    for name in ["a", "b", "c"] {
        put(&cluster, name, "x").await;
    }
    let (_, first) = cluster.get(&format!("{MAPS}?limit=1")).await;
    for name in ["d", "e", "f"] {
        put(&cluster, name, "x").await;
    }
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (code, status) = cluster
        .get(&format!("{MAPS}?limit=1&continue={token}"))
        .await;
    assert_eq!(
        (code, &status["reason"]),
        (StatusCode::GONE, &json!("Expired"))
    );
    // The rest can be had all the same, as it is now (`resourceExpired` of Kubernetes 1.34).
    let token = status["metadata"]["continue"].as_str().unwrap();
    let (_, rest) = cluster.get(&format!("{MAPS}?continue={token}")).await;
    let names = rest["items"].as_array().unwrap().iter();
    let names: Vec<&Value> = names.map(|item| &item["metadata"]["name"]).collect();
    assert_eq!(names, ["b", "c", "d", "e", "f"]);
}

#[rstest]
#[case("metadata.name%3Da", &["a"])]
#[case("metadata.name!%3Da", &["b"])]
#[case("metadata.namespace%3Dother", &[])]
#[tokio::test(start_paused = true)]
async fn a_field_selector_selects(#[case] selector: &str, #[case] expected: &[&str]) {
    let cluster = Cluster::start();
    put(&cluster, "a", "x").await;
    put(&cluster, "b", "x").await;
    let (_, list) = cluster
        .get(&format!("{MAPS}?fieldSelector={selector}"))
        .await;
    let names: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, expected);
}

#[tokio::test(start_paused = true)]
async fn a_collection_is_deleted_by_selection() {
    let cluster = Cluster::start();
    put(&cluster, "a", "x").await;
    put(&cluster, "b", "y").await;
    cluster.delete(&format!("{MAPS}?labelSelector=l%3Dx")).await;
    let (_, list) = cluster.get(MAPS).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["metadata"]["name"], "b");
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Hold(u8),
    Release(u8),
    /// The watcher's connection ends, and it resumes from where it was.
    Reconnect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4u8, 0..3u8).prop_map(|(name, label)| Step::Put(name, label)),
        2 => (0..4u8).prop_map(Step::Delete),
        1 => (0..4u8).prop_map(Step::Hold),
        1 => (0..4u8).prop_map(Step::Release),
        2 => Just(Step::Reconnect),
    ]
}

/// A watcher's copy of what it was told.
struct Copy {
    objects: BTreeMap<String, Value>,
    revision: u64,
}

impl Copy {
    async fn catch_up(&mut self, cluster: &Cluster, selector: &str) {
        let path = format!(
            "{MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion={}{selector}",
            self.revision
        );
        for event in lines(&cluster.api, &path).await {
            let object = event["object"].clone();
            let revision = object["metadata"]["resourceVersion"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap();
            let name = object["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            match event["type"].as_str().unwrap() {
                "BOOKMARK" => {
                    assert!(revision >= self.revision);
                    self.revision = revision;
                    continue;
                }
                "ADDED" => {
                    assert!(self.objects.insert(name, object).is_none(), "added twice");
                }
                "MODIFIED" => {
                    assert!(
                        self.objects.insert(name, object).is_some(),
                        "modified before it was added"
                    );
                }
                "DELETED" => {
                    assert!(self.objects.remove(&name).is_some(), "deleted twice");
                }
                other => panic!("{other}: {object}"),
            }
            assert!(revision > self.revision, "an event twice or out of order");
            self.revision = revision;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_watcher_ends_with_what_a_list_shows(steps in proptest::collection::vec(step(), 1..40), selecting: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let cluster = Cluster::start();
            let selector = if selecting { "&labelSelector=l+in+(0,1)" } else { "" };
            let mut copy = Copy { objects: BTreeMap::new(), revision: cluster.api.revision() };
            for step in steps {
                let path = |name: u8| format!("{MAPS}/m{name}");
                let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
                match step {
                    Step::Put(name, label) => {
                        let body = json!({"metadata": {"labels": {"l": label.to_string()}}});
                        let merge = "application/merge-patch+json";
                        if cluster.send_as(Method::PATCH, &path(name), merge, body.clone()).await.0 != StatusCode::OK {
                            let mut body = body;
                            body["metadata"]["name"] = format!("m{name}").into();
                            cluster.post(MAPS, body).await;
                        }
                    }
                    Step::Delete(name) => drop(cluster.delete(&path(name)).await),
                    Step::Hold(name) => drop(
                        cluster.send_as(Method::PATCH, &path(name), "application/merge-patch+json", finalizers(json!(["a/b"]))).await,
                    ),
                    Step::Release(name) => drop(
                        cluster.send_as(Method::PATCH, &path(name), "application/merge-patch+json", finalizers(json!(null))).await,
                    ),
                    Step::Reconnect => copy.catch_up(&cluster, selector).await,
                }
            }
            copy.catch_up(&cluster, selector).await;
            let (_, list) = cluster.get(&format!("{MAPS}?x=1{selector}")).await;
            let listed: BTreeMap<String, Value> = list["items"].as_array().unwrap().iter()
                .map(|item| (item["metadata"]["name"].as_str().unwrap().to_owned(), item.clone()))
                .collect();
            // The items of a list do not repeat their type.
            for object in copy.objects.values_mut() {
                object.as_object_mut().unwrap().retain(|field, _| !["apiVersion", "kind"].contains(&field.as_str()));
            }
            assert_eq!(copy.objects, listed);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_gets_a_bookmark_a_minute_where_the_server_sends_them() {
    let cluster = Cluster::start();
    cluster
        .api
        .send_bookmarks_every(std::time::Duration::from_secs(60));
    let path =
        "/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=1&timeoutSeconds=150";
    assert_eq!(lines(&cluster.api, path).await, Vec::<Value>::new());
    let events = lines(&cluster.api, &format!("{path}&allowWatchBookmarks=true")).await;
    let types: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["BOOKMARK"; 3], "after 60 s, 120 s, and as it ends");
    let newest = cluster.api.revision().to_string();
    assert_eq!(events[0]["object"]["metadata"]["resourceVersion"], newest);
}
