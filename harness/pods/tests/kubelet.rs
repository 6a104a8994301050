//! What a pod is given, and when that changes, in virtual time.

mod lab;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::await_condition;
use lab::Lab;
use serde_json::{Value, json};
use tokio::time::Instant;

fn env(secret: &str, key: &str) -> Value {
    json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}])
}

fn everything() -> (Value, Value) {
    let container = json!({
        "env": env("db", "password"),
        "volumeMounts": [
            {"name": "db", "mountPath": "/etc/db"},
            {"name": "db", "mountPath": "/etc/pinned", "subPath": "password"},
        ],
    });
    (
        container,
        json!([{"name": "db", "secret": {"secretName": "db", "defaultMode": 0o400}}]),
    )
}

#[tokio::test(start_paused = true)]
async fn the_mounted_file_follows_a_rotation_within_its_sync_while_env_and_sub_path_keep_the_old_value()
 {
    let lab = Lab::start().await;
    lab.secret("db", "password", "v1").await;
    let (container, volumes) = everything();
    lab.pod("app", json!({}), container, volumes).await;
    lab.phase("app", "Running").await;
    let before = lab.logs.report("app/app", 1).await;
    assert_eq!(before.env["TOKEN"], lab.of("v1"));
    assert_eq!(before.files["/etc/db/password"].fingerprint, lab.of("v1"));
    assert_eq!(before.files["/etc/db/password"].mode, "0400");
    assert_eq!(before.files["/etc/pinned"].fingerprint, lab.of("v1"));
    assert_eq!(before.files.len(), 2);

    let rotated = Instant::now();
    lab.secret("db", "password", "v2").await;
    let after = lab.logs.report("app/app", 2).await;
    assert_eq!(after.files["/etc/db/password"].fingerprint, lab.of("v2"));
    assert_eq!(after.files["/etc/pinned"].fingerprint, lab.of("v1"));
    assert_eq!(after.env["TOKEN"], lab.of("v1"));
    let delay = rotated.elapsed();
    assert!(
        (Duration::from_secs(1)..=Duration::from_secs(90)).contains(&delay),
        "{delay:?}"
    );
    // Nothing more is reported, however long the pod runs.
    tokio::time::sleep(Duration::from_secs(90 * 24 * 3600)).await;
    assert_eq!(lab.logs.reports("app/app").len(), 2);
    lab.pods.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_projected_volume_holds_a_service_account_token_beside_a_secret() {
    let lab = Lab::start().await;
    lab.secret("db", "password", "v1").await;
    // The account is made in the background.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mounts = json!({"volumeMounts": [{"name": "all", "mountPath": "/var/run/all"}]});
    let volumes = json!([{"name": "all", "projected": {"sources": [
        {"serviceAccountToken": {"path": "token", "audience": "vault"}},
        {"secret": {"name": "db", "items": [{"key": "password", "path": "db/password"}]}},
    ]}}]);
    lab.pod("app", json!({}), mounts, volumes).await;
    let report = lab.logs.report("app/app", 1).await;
    let paths: Vec<&str> = report.files.keys().map(String::as_str).collect();
    assert_eq!(paths, ["/var/run/all/db/password", "/var/run/all/token"]);
    assert_ne!(report.files["/var/run/all/token"].fingerprint, lab.of(""));
}

#[tokio::test(start_paused = true)]
async fn env_from_and_init_containers_work_as_in_a_cluster() {
    let lab = Lab::start().await;
    lab.secret("db", "kebab-key", "v1").await;
    lab.create::<Pod>(json!({
        "metadata": {"name": "app"},
        "spec": {
            "initContainers": [{"name": "first", "image": "i"}, {"name": "second", "image": "i"}],
            "containers": [{"name": "app", "image": "i", "envFrom": [{"prefix": "DB_", "secretRef": {"name": "db"}}]}],
        },
    }))
    .await;
    let pod = lab.phase("app", "Running").await;
    let env = BTreeMap::from([("DB_kebab-key".to_owned(), lab.of("v1"))]);
    assert_eq!(lab.logs.report("app/app", 1).await.env, env);
    let order: Vec<String> = lab.logs.all().into_iter().map(|(from, _)| from).collect();
    let expected = ["first", "first", "second", "second", "app", "app"];
    assert_eq!(order, expected.map(|name| format!("default/app/{name}")));
    for init in pod["status"]["initContainerStatuses"].as_array().unwrap() {
        assert_eq!(init["state"]["terminated"]["reason"], "Completed");
    }
    assert_eq!(pod["spec"]["nodeName"], "node");
}

#[tokio::test(start_paused = true)]
async fn a_changed_annotation_brings_the_mounted_file_up_to_date_at_once() {
    let lab = Lab::start().await;
    lab.secret("db", "password", "v1").await;
    let (container, volumes) = everything();
    lab.pod("app", json!({}), container, volumes).await;
    lab.phase("app", "Running").await;
    lab.secret("db", "password", "v2").await;
    let changed = Instant::now();
    let patch = Patch::Merge(json!({"metadata": {"annotations": {"touch": "1"}}}));
    lab.api::<Pod>()
        .patch("app", &PatchParams::default(), &patch)
        .await
        .unwrap();
    let report = lab.logs.report("app/app", 2).await;
    assert_eq!(report.files["/etc/db/password"].fingerprint, lab.of("v2"));
    assert_eq!(changed.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_or_key_of_env_keeps_the_container_waiting_until_it_appears() {
    let lab = Lab::start().await;
    lab.pod(
        "app",
        json!({}),
        json!({"env": env("db", "password")}),
        json!([]),
    )
    .await;
    let waiting = |message: &'static str| {
        move |pod: &Value| {
            let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
            waiting["reason"] == "CreateContainerConfigError" && waiting["message"] == message
        }
    };
    let pod = lab
        .until::<Pod>("app", waiting("secret \"db\" not found"))
        .await;
    assert_eq!(pod["status"]["phase"], "Pending");
    lab.secret("db", "user", "root").await;
    lab.until::<Pod>(
        "app",
        waiting("couldn't find key password in Secret default/db"),
    )
    .await;
    let appeared = Instant::now();
    lab.secret("db", "password", "v1").await;
    lab.phase("app", "Running").await;
    assert!(
        appeared.elapsed() <= Duration::from_secs(15),
        "{:?}",
        appeared.elapsed()
    );
    assert_eq!(
        lab.logs.report("app/app", 1).await.env["TOKEN"],
        lab.of("v1")
    );
    let failed = (
        "Failed".to_owned(),
        "Error: secret \"db\" not found".to_owned(),
    );
    assert!(lab.events("app").await.contains(&failed));
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_of_a_volume_keeps_the_pod_in_container_creating() {
    let lab = Lab::start().await;
    let mounts = json!({"volumeMounts": [{"name": "db", "mountPath": "/etc/db"}]});
    lab.pod(
        "app",
        json!({}),
        mounts,
        json!([{"name": "db", "secret": {"secretName": "db"}}]),
    )
    .await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let pod = lab.phase("app", "Pending").await;
    assert_eq!(
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"],
        "ContainerCreating"
    );
    let message = "MountVolume.SetUp failed for volume \"db\" : secret \"db\" not found";
    assert!(
        lab.events("app")
            .await
            .contains(&("FailedMount".to_owned(), message.to_owned()))
    );
    let appeared = Instant::now();
    lab.secret("db", "password", "v1").await;
    lab.phase("app", "Running").await;
    assert!(appeared.elapsed() <= Duration::from_secs(122));
}

#[tokio::test(start_paused = true)]
async fn a_pod_ends_as_its_annotations_say() {
    let lab = Lab::start().await;
    let started = Instant::now();
    lab.pod(
        "good",
        json!({"rotaproof.dev/runs-for": "1h30m"}),
        json!({}),
        json!([]),
    )
    .await;
    lab.pod(
        "bad",
        json!({"rotaproof.dev/exit-code": "3"}),
        json!({}),
        json!([]),
    )
    .await;
    let bad = lab.phase("bad", "Failed").await;
    assert_eq!(
        bad["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"],
        3
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
    lab.phase("good", "Succeeded").await;
    assert_eq!(started.elapsed(), Duration::from_secs(5400));
}

#[tokio::test(start_paused = true)]
async fn an_endless_or_malformed_duration_lets_the_pod_run_and_a_malformed_one_is_told() {
    let lab = Lab::start().await;
    let endless = format!("{}h", i64::MAX / 3600);
    lab.pod(
        "endless",
        json!({"rotaproof.dev/runs-for": endless}),
        json!({}),
        json!([]),
    )
    .await;
    lab.pod(
        "soon",
        json!({"rotaproof.dev/runs-for": "soon"}),
        json!({}),
        json!([]),
    )
    .await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    lab.phase("endless", "Running").await;
    lab.phase("soon", "Running").await;
    let reasons: Vec<String> = lab
        .events("soon")
        .await
        .into_iter()
        .map(|event| event.0)
        .collect();
    assert!(reasons.contains(&"InvalidAnnotation".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_restarted_container_takes_the_new_environment() {
    let lab = Lab::start().await;
    lab.secret("db", "password", "v1").await;
    lab.create::<Pod>(json!({
        "metadata": {"name": "app", "annotations": {"rotaproof.dev/runs-for": "1h"}},
        "spec": {"restartPolicy": "Always", "containers": [{"name": "app", "image": "i", "env": env("db", "password")}]},
    }))
    .await;
    lab.phase("app", "Running").await;
    lab.secret("db", "password", "v2").await;
    assert_eq!(
        lab.logs.report("app/app", 2).await.env["TOKEN"],
        lab.of("v2")
    );
    let restarted = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"] == 1;
    let pod = lab.until::<Pod>("app", restarted).await;
    assert_eq!(pod["status"]["phase"], "Running");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_ends_at_once_and_its_files_go() {
    let lab = Lab::start().await;
    let (container, volumes) = everything();
    lab.secret("db", "password", "v1").await;
    lab.pod("app", json!({}), container, volumes).await;
    let pod = lab.phase("app", "Running").await;
    let uid = pod["metadata"]["uid"].as_str().unwrap().to_owned();
    let deleted = Instant::now();
    lab.api::<Pod>()
        .delete("app", &DeleteParams::default())
        .await
        .unwrap();
    await_condition(lab.api::<Pod>(), "app", is_deleted(&uid))
        .await
        .unwrap();
    assert_eq!(deleted.elapsed(), Duration::ZERO);
    let reasons: Vec<String> = lab
        .events("app")
        .await
        .into_iter()
        .map(|event| event.0)
        .collect();
    assert_eq!(
        reasons,
        in_order(
            &reasons,
            &["Scheduled", "Pulled", "Created", "Started", "Killing"]
        )
    );
    lab.pods.stop().await;
}

/// The expected reasons, if the found ones are a permutation of them: a list of events is sorted by name.
fn in_order(found: &[String], expected: &[&str]) -> Vec<String> {
    let mut sorted: Vec<&str> = found.iter().map(String::as_str).collect();
    let mut wanted = expected.to_vec();
    sorted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted);
    found.to_vec()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_behind_after_stop_nor_after_a_drop() {
    for stop in [true, false] {
        let lab = Lab::start().await;
        let (container, volumes) = everything();
        lab.secret("db", "password", "v1").await;
        lab.pod("app", json!({}), container, volumes).await;
        lab.phase("app", "Running").await;
        let folder = lab.pods.folder().to_owned();
        assert!(folder.is_dir());
        let children = || probes_in(&folder);
        assert!(!Path::new("/proc/self").exists() || children() == 1);
        if stop {
            lab.pods.stop().await;
        } else {
            drop(lab.pods);
            lab.tasks.shutdown().await;
            // Its tasks end with the group's token, at their next turn.
            tokio::task::yield_now().await;
        }
        assert!(!folder.exists());
        assert_eq!(children(), 0);
    }
}

/// Processes whose working folder lies in this one.
fn probes_in(folder: &Path) -> usize {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return 0;
    };
    let inside = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
    };
    processes.flatten().filter(inside).count()
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_run() {
    async fn run(seed: u64) -> (Vec<(String, String)>, Vec<(String, String)>, Duration) {
        let lab = Lab::with_seed(seed).await;
        let (container, volumes) = everything();
        lab.secret("db", "password", "v1").await;
        for name in ["a", "b", "c"] {
            lab.pod(name, json!({}), container.clone(), volumes.clone())
                .await;
            lab.phase(name, "Running").await;
        }
        let rotated = Instant::now();
        lab.secret("db", "password", "v2").await;
        for name in ["a", "b", "c"] {
            lab.logs.report(&format!("{name}/app"), 2).await;
        }
        let result = (lab.logs.all(), lab.events("b").await, rotated.elapsed());
        lab.pods.stop().await;
        result
    }
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await.2, run(2).await.2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_runs_on_a_runtime_of_several_threads_in_real_time() {
    let lab = Lab::start().await;
    lab.secret("db", "password", "v1").await;
    let (container, volumes) = everything();
    lab.pod(
        "app",
        json!({"rotaproof.dev/runs-for": "0s"}),
        container,
        volumes,
    )
    .await;
    lab.phase("app", "Succeeded").await;
    assert_eq!(lab.logs.reports("app/app").len(), 1);
    lab.pods.stop().await;
}
