//! `kube::runtime` and log streams over the service, under virtual time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cluster::Cluster;
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, LogParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::{Controller, WatchStreamExt, reflector, watcher};
use kube::{Api, ResourceExt};
use rotaproof_base::TaskGroup;
use rstest::rstest;
use serde_json::json;

fn map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"v": value}})).unwrap()
}

#[rstest]
#[case(watcher::Config::default())]
#[case(watcher::Config::default().streaming_lists())]
#[tokio::test(start_paused = true)]
async fn a_reflector_holds_what_the_api_does_through_hours_of_reconnects(
    #[case] config: watcher::Config,
) {
    let cluster = Cluster::start();
    let tasks = TaskGroup::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client.clone());
    maps.create(&PostParams::default(), &map("before", "1"))
        .await
        .unwrap();
    let (store, writer) = reflector::store();
    let errors = Arc::new(AtomicUsize::new(0));
    let (seen, watched) = (errors.clone(), maps.clone());
    tasks.spawn(async move {
        let events = reflector(writer, watcher(watched, config));
        events
            .for_each(|event| {
                seen.fetch_add(usize::from(event.is_err()), Ordering::Relaxed);
                futures::future::ready(())
            })
            .await;
    });
    store.wait_until_ready().await.unwrap();
    for hour in 0..24 {
        maps.create(&PostParams::default(), &map(&format!("m{hour}"), "1"))
            .await
            .unwrap();
        if hour > 0 {
            maps.delete(&format!("m{}", hour - 1), &DeleteParams::default())
                .await
                .unwrap();
        }
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    let mut names: Vec<String> = store.state().iter().map(|map| map.name_any()).collect();
    names.sort();
    assert_eq!(names, ["before", "m23"]);
    assert_eq!(errors.load(Ordering::Relaxed), 0);
    tasks.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_watcher_recovers_from_an_expired_version() {
    let cluster = Cluster::with_window(2);
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client.clone());
    let mut events = watcher(maps.clone(), watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .boxed();
    maps.create(&PostParams::default(), &map("m", "0"))
        .await
        .unwrap();
    assert_eq!(
        events.try_next().await.unwrap().unwrap().data.unwrap()["v"],
        "0"
    );
    for value in ["1", "2", "3", "4", "5"] {
        let patch = json!({"data": {"v": value}});
        maps.patch("m", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }
    let mut last = String::new();
    while last != "5" {
        // The expiry shows once as an error; then the watcher lists anew.
        if let Ok(Some(map)) = events.try_next().await {
            last = map.data.unwrap()["v"].clone();
        }
    }
    assert_eq!(last, "5");
}

#[tokio::test(start_paused = true)]
async fn a_controller_reconciles_each_change_and_each_hour_without_spinning() {
    let cluster = Cluster::start();
    let tasks = TaskGroup::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client.clone());
    maps.create(&PostParams::default(), &map("m", "1"))
        .await
        .unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let controller = Controller::new(maps.clone(), watcher::Config::default());
    let counted = runs.clone();
    tasks.spawn(async move {
        let reconcile = |_: Arc<ConfigMap>, runs: Arc<AtomicUsize>| async move {
            runs.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(Action::requeue(Duration::from_secs(3600)))
        };
        let on_error = |_: Arc<ConfigMap>, _: &std::convert::Infallible, _: Arc<AtomicUsize>| {
            Action::await_change()
        };
        controller
            .run(reconcile, on_error, counted)
            .for_each(|_| futures::future::ready(()))
            .await;
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    tokio::time::sleep(Duration::from_secs(10 * 3600)).await;
    assert_eq!(runs.load(Ordering::Relaxed), 11);
    let patch = json!({"data": {"v": "2"}});
    maps.patch("m", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runs.load(Ordering::Relaxed), 12);
    tasks.shutdown().await;
}

async fn with_pod() -> (Cluster, Api<Pod>) {
    let cluster = Cluster::start();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client.clone());
    let pod = serde_json::from_value(json!({
        "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]},
    }));
    pods.create(&PostParams::default(), &pod.unwrap())
        .await
        .unwrap();
    (cluster, pods)
}

async fn set_phase(pods: &Api<Pod>, phase: &str) {
    let patch = json!({"status": {"phase": phase}});
    pods.patch_status("p", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_log_is_followed_until_the_pod_ends() {
    let (cluster, pods) = with_pod().await;
    let waiting = pods.logs("p", &LogParams::default()).await.unwrap_err();
    assert!(
        waiting
            .to_string()
            .contains("container \"c\" in pod \"p\" is waiting to start: ContainerCreating"),
        "{waiting}"
    );
    set_phase(&pods, "Running").await;
    let logs = cluster.api.pod_logs();
    logs.append("default", "p", "c", "one");
    let params = LogParams {
        follow: true,
        ..LogParams::default()
    };
    let mut lines = pods.log_stream("p", &params).await.unwrap().lines();
    assert_eq!(lines.try_next().await.unwrap().as_deref(), Some("one"));
    let (two, ()) = tokio::join!(lines.try_next(), async {
        tokio::time::sleep(Duration::from_secs(7200)).await;
        logs.append("default", "p", "c", "two");
    });
    assert_eq!(two.unwrap().as_deref(), Some("two"));
    logs.append("default", "p", "c", "three");
    set_phase(&pods, "Succeeded").await;
    assert_eq!(lines.try_next().await.unwrap().as_deref(), Some("three"));
    assert_eq!(lines.try_next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_log_is_cut_by_tail_and_time_and_shows_times() {
    let (cluster, pods) = with_pod().await;
    let logs = cluster.api.pod_logs();
    for line in ["one", "two", "three"] {
        logs.append("default", "p", "c", line);
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    let read = async |params: LogParams| pods.logs("p", &params).await.unwrap();
    assert_eq!(read(LogParams::default()).await, "one\ntwo\nthree\n");
    assert_eq!(
        read(LogParams {
            tail_lines: Some(1),
            ..LogParams::default()
        })
        .await,
        "three\n"
    );
    assert_eq!(
        read(LogParams {
            since_seconds: Some(20),
            ..LogParams::default()
        })
        .await,
        "two\nthree\n"
    );
    let timed = LogParams {
        timestamps: true,
        tail_lines: Some(1),
        ..LogParams::default()
    };
    assert_eq!(read(timed).await, "2025-11-08T00:00:20.000000000Z three\n");
    let other = LogParams {
        container: Some("x".into()),
        ..LogParams::default()
    };
    let error = pods.logs("p", &other).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("container x is not valid for pod p"),
        "{error}"
    );
}
