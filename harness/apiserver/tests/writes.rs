//! The semantics of writes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use cluster::Cluster;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const M: &str = "/api/v1/namespaces/default/configmaps/m";
const MERGE: &str = "application/merge-patch+json";

async fn merge(cluster: &Cluster, path: &str, patch: Value) -> (StatusCode, Value) {
    cluster.send_as(Method::PATCH, path, MERGE, patch).await
}

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_write_gets_a_greater_version_and_a_no_op_none() {
    let cluster = Cluster::start();
    let (_, one) = cluster
        .post(MAPS, json!({"metadata": {"name": "m"}, "data": {"a": "1"}}))
        .await;
    let (_, two) = merge(&cluster, M, json!({"data": {"a": "2"}})).await;
    assert!(version(&two) > version(&one));
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    let (_, same) = merge(&cluster, M, json!({"data": {"a": "2"}})).await;
    assert_eq!(version(&same), version(&two));
    let mut unchanged = same.clone();
    unchanged["metadata"]["creationTimestamp"] = "1999-01-01T00:00:00Z".into();
    unchanged["metadata"]["uid"] = one["metadata"]["uid"].clone();
    let (code, put) = cluster.send(Method::PUT, M, unchanged).await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(version(&put), version(&two));
    assert_eq!(put["metadata"]["creationTimestamp"], "2025-11-08T00:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn a_write_on_a_version_that_was_overtaken_conflicts() {
    let cluster = Cluster::start();
    let (_, mut stale) = cluster.post(MAPS, json!({"metadata": {"name": "m"}})).await;
    merge(&cluster, M, json!({"data": {"a": "1"}})).await;
    stale["data"] = json!({"a": "lost update"});
    let (code, status) = cluster.send(Method::PUT, M, stale.clone()).await;
    assert_eq!(
        (code, &status["reason"]),
        (StatusCode::CONFLICT, &json!("Conflict"))
    );
    let at = json!({"metadata": {"resourceVersion": stale["metadata"]["resourceVersion"]}, "data": {"a": "2"}});
    let (code, _) = merge(&cluster, M, at).await;
    assert_eq!(code, StatusCode::CONFLICT);
    let (_, now) = cluster.get(M).await;
    assert_eq!(now["data"]["a"], "1");
}

#[tokio::test(start_paused = true)]
async fn names_are_generated_from_the_seed() {
    let name = async || {
        let cluster = Cluster::start();
        let (_, made) = cluster
            .post(MAPS, json!({"metadata": {"generateName": "job-"}}))
            .await;
        (
            made["metadata"]["name"].clone(),
            made["metadata"]["uid"].clone(),
        )
    };
    let (one, uid) = name().await;
    assert_eq!(one.as_str().unwrap().len(), "job-".len() + 5);
    assert_eq!((one, uid), name().await);
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_holds_an_object_until_it_is_removed() {
    let cluster = Cluster::start();
    let held = json!({"metadata": {"name": "m", "finalizers": ["example.com/hold"]}});
    cluster.post(MAPS, held).await;
    let (code, marked) = cluster.delete(M).await;
    assert_eq!(
        (code, &marked["kind"]),
        (StatusCode::OK, &json!("ConfigMap"))
    );
    assert_eq!(
        marked["metadata"]["deletionTimestamp"],
        "2025-11-08T00:00:00Z"
    );
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
    let (code, status) = merge(
        &cluster,
        M,
        json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}),
    )
    .await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .contains("no new finalizers can be added")
    );
    let (code, _) = merge(&cluster, M, json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(cluster.get(M).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_with_a_wrong_precondition_conflicts() {
    let cluster = Cluster::start();
    let (_, made) = cluster.post(MAPS, json!({"metadata": {"name": "m"}})).await;
    for precondition in [json!({"uid": "other"}), json!({"resourceVersion": "1"})] {
        let options = json!({"preconditions": precondition});
        let (code, status) = cluster.send(Method::DELETE, M, options).await;
        assert_eq!(code, StatusCode::CONFLICT, "{status}");
    }
    let options = json!({"preconditions": {"uid": made["metadata"]["uid"]}});
    let (code, status) = cluster.send(Method::DELETE, M, options).await;
    assert_eq!(
        (code, &status["status"]),
        (StatusCode::OK, &json!("Success"))
    );
    assert_eq!(status["details"]["uid"], made["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn an_immutable_secret_keeps_its_data() {
    let cluster = Cluster::start();
    let path = "/api/v1/namespaces/default/secrets";
    let secret = json!({"metadata": {"name": "s"}, "immutable": true, "stringData": {"a": "1"}});
    cluster.post(path, secret).await;
    let path = "/api/v1/namespaces/default/secrets/s";
    let (code, status) = merge(&cluster, path, json!({"stringData": {"a": "2"}})).await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        status["message"],
        "Secret \"s\" is invalid: data: Forbidden: field is immutable when `immutable` is set"
    );
    let (code, _) = merge(
        &cluster,
        path,
        json!({"metadata": {"labels": {"fine": "yes"}}}),
    )
    .await;
    assert_eq!(code, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_changes_nothing() {
    let cluster = Cluster::start();
    let before = cluster.api.revision();
    let (code, made) = cluster
        .post(
            &format!("{MAPS}?dryRun=All"),
            json!({"metadata": {"name": "m"}}),
        )
        .await;
    assert_eq!(
        (code, &made["metadata"]["name"]),
        (StatusCode::CREATED, &json!("m"))
    );
    assert_eq!(cluster.get(M).await.0, StatusCode::NOT_FOUND);
    assert_eq!(cluster.api.revision(), before);
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_pod_is_written_only_through_its_subresource() {
    let cluster = Cluster::start();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "busybox"}]},
        "status": {"phase": "Running"},
    });
    let (_, made) = cluster.post(pods, pod).await;
    assert_eq!(made["status"]["phase"], "Pending");
    assert_eq!(made["spec"]["restartPolicy"], "Always");
    assert_eq!(made["spec"]["serviceAccountName"], "default");
    let (_, main) = merge(
        &cluster,
        &format!("{pods}/p"),
        json!({"status": {"phase": "Running"}}),
    )
    .await;
    assert_eq!(main["status"]["phase"], "Pending");
    let patch = json!({"status": {"phase": "Running"}, "metadata": {"labels": {"not": "taken"}}});
    let (_, status) = merge(&cluster, &format!("{pods}/p/status"), patch).await;
    assert_eq!(status["status"]["phase"], "Running");
    assert!(status["metadata"].get("labels").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_pod_waits_for_its_kubelet_and_an_unscheduled_one_does_not() {
    let cluster = Cluster::start();
    let pods = "/api/v1/namespaces/default/pods";
    let spec = |node: &str| json!({"nodeName": node, "containers": [{"name": "c", "image": "i"}]});
    for (name, node) in [("here", "node-1"), ("nowhere", "")] {
        cluster
            .post(
                pods,
                json!({"metadata": {"name": name}, "spec": spec(node)}),
            )
            .await;
        cluster.delete(&format!("{pods}/{name}")).await;
    }
    assert_eq!(
        cluster.get(&format!("{pods}/nowhere")).await.0,
        StatusCode::NOT_FOUND
    );
    let (_, waiting) = cluster.get(&format!("{pods}/here")).await;
    assert_eq!(waiting["metadata"]["deletionGracePeriodSeconds"], 30);
    assert_eq!(
        waiting["metadata"]["deletionTimestamp"],
        "2025-11-08T00:00:30Z"
    );
    let now = json!({"gracePeriodSeconds": 0});
    cluster
        .send(Method::DELETE, &format!("{pods}/here"), now)
        .await;
    assert_eq!(
        cluster.get(&format!("{pods}/here")).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_selects_its_pods_and_counts_generations_of_its_specification() {
    let cluster = Cluster::start();
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    let template =
        json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}});
    let (_, job) = cluster
        .post(
            jobs,
            json!({"metadata": {"name": "j"}, "spec": {"template": template}}),
        )
        .await;
    let uid = job["metadata"]["uid"].clone();
    assert_eq!(
        job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"],
        uid
    );
    assert_eq!(
        job["spec"]["template"]["metadata"]["labels"]["job-name"],
        "j"
    );
    assert_eq!(job["metadata"]["generation"], 1);
    let path = format!("{jobs}/j");
    let (_, labelled) = merge(&cluster, &path, json!({"metadata": {"labels": {"a": "b"}}})).await;
    assert_eq!(labelled["metadata"]["generation"], 1);
    let (_, suspended) = merge(&cluster, &path, json!({"spec": {"suspend": true}})).await;
    assert_eq!(suspended["metadata"]["generation"], 2);
    let (_, done) = merge(
        &cluster,
        &format!("{path}/status"),
        json!({"status": {"succeeded": 1}}),
    )
    .await;
    assert_eq!(
        (
            &done["metadata"]["generation"],
            &done["status"]["succeeded"]
        ),
        (&json!(2), &json!(1))
    );
    let selected = format!("{jobs}?fieldSelector=status.successful%3D1");
    assert_eq!(
        cluster.get(&selected).await.1["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn an_apply_creates_then_owns_its_fields() {
    let cluster = Cluster::start();
    let apply = |manager: &'static str, data: Value, force: bool| {
        let path = format!("{M}?fieldManager={manager}&force={force}");
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data});
        let cluster = &cluster;
        async move {
            cluster
                .send_as(Method::PATCH, &path, "application/apply-patch+yaml", config)
                .await
        }
    };
    let (code, made) = apply("one", json!({"a": "1", "b": "1"}), false).await;
    assert_eq!(code, StatusCode::CREATED, "{made}");
    assert_eq!(made["metadata"]["managedFields"][0]["manager"], "one");
    let (code, status) = apply("two", json!({"a": "2"}), false).await;
    assert_eq!(
        (code, &status["reason"]),
        (StatusCode::CONFLICT, &json!("Conflict"))
    );
    let (code, taken) = apply("two", json!({"a": "2"}), true).await;
    assert_eq!((code, &taken["data"]["a"]), (StatusCode::OK, &json!("2")));
    let (_, dropped) = apply("one", json!({}), false).await;
    assert_eq!(dropped["data"], json!({"a": "2"}));
    let (_, again) = apply("two", json!({"a": "2"}), false).await;
    assert_eq!(
        version(&again),
        version(&dropped),
        "applying the same again changes nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_json_patch_and_a_strategic_merge_patch_are_applied() {
    let cluster = Cluster::start();
    cluster
        .post(MAPS, json!({"metadata": {"name": "m"}, "data": {"a": "1"}}))
        .await;
    let patch = json!([{"op": "test", "path": "/data/a", "value": "1"}, {"op": "replace", "path": "/data/a", "value": "2"}]);
    let (code, patched) = cluster
        .send_as(
            Method::PATCH,
            M,
            "application/json-patch+json",
            patch.clone(),
        )
        .await;
    assert_eq!((code, &patched["data"]["a"]), (StatusCode::OK, &json!("2")));
    let (code, _) = cluster
        .send_as(Method::PATCH, M, "application/json-patch+json", patch)
        .await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, patched) = cluster
        .send_as(
            Method::PATCH,
            M,
            "application/strategic-merge-patch+json",
            json!({"data": {"b": "3"}}),
        )
        .await;
    assert_eq!(patched["data"], json!({"a": "2", "b": "3"}));
}
