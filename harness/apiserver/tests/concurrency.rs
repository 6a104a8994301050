//! Writers and watchers on several threads at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use std::collections::BTreeMap;

use cluster::Cluster;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use rotaproof_base::TaskGroup;
use serde_json::json;

const WRITERS: usize = 4;
const INCREMENTS: usize = 100;

async fn increment(maps: &Api<ConfigMap>) {
    loop {
        let mut map = maps.get("counter").await.unwrap();
        let count = map.data.as_mut().unwrap().get_mut("n").unwrap();
        *count = (count.parse::<usize>().unwrap() + 1).to_string();
        match maps.replace("counter", &PostParams::default(), &map).await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_and_every_watcher_sees_each_in_order() {
    let cluster = Cluster::start();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client.clone());
    let counter = json!({"metadata": {"name": "counter"}, "data": {"n": "0"}});
    let counter: ConfigMap = serde_json::from_value(counter).unwrap();
    let start = maps.create(&PostParams::default(), &counter).await.unwrap();
    let start = start.resource_version().unwrap();
    let tasks = TaskGroup::new();
    for _ in 0..WRITERS {
        let maps = maps.clone();
        tasks.spawn(async move {
            for _ in 0..INCREMENTS {
                increment(&maps).await;
            }
        });
    }
    let watch = async || {
        let mut events = Box::pin(maps.watch(&WatchParams::default(), &start).await.unwrap());
        let mut expected = 1;
        while expected <= WRITERS * INCREMENTS {
            let Some(WatchEvent::Modified(map)) = events.try_next().await.unwrap() else {
                panic!("the watch ended before {expected}");
            };
            assert_eq!(map.data.unwrap()["n"], expected.to_string());
            expected += 1;
        }
    };
    tokio::join!(watch(), watch(), watch());
    let counts: BTreeMap<String, String> = maps.get("counter").await.unwrap().data.unwrap();
    assert_eq!(counts["n"], (WRITERS * INCREMENTS).to_string());
    assert_eq!(
        maps.list(&ListParams::default()).await.unwrap().items.len(),
        1
    );
    tasks.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_clients_discovery_finds_every_resource() {
    let cluster = Cluster::start();
    let found = kube::discovery::Discovery::new(cluster.client.clone())
        .run()
        .await
        .unwrap();
    let kinds = |group: &str| -> Vec<String> {
        let resources = found.get(group).unwrap().recommended_resources();
        let mut kinds: Vec<String> = resources
            .into_iter()
            .map(|(resource, _)| resource.kind)
            .collect();
        kinds.sort();
        kinds
    };
    assert_eq!(
        kinds(""),
        [
            "ConfigMap",
            "Event",
            "LimitRange",
            "Namespace",
            "Pod",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount"
        ]
    );
    assert_eq!(kinds("batch"), ["CronJob", "Job"]);
    let version = cluster.client.apiserver_version().await.unwrap();
    assert_eq!(
        (version.major.as_str(), version.minor.as_str()),
        ("1", "34")
    );
}
