//! Jobs, CronJobs and NotebookValidationJobs, in virtual time.

#![allow(clippy::unwrap_used, reason = "test code")]

mod lab;

use std::time::Duration;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use lab::{Lab, dynamic, until_in};
use serde_json::{Value, json};
use tokio::time::Instant;

fn job(name: &str, annotations: Value, more: Value) -> Value {
    let mut spec = json!({"template": {
        "metadata": {"labels": {"app": name}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "i"}]},
    }});
    for (field, value) in more.as_object().unwrap() {
        spec[field] = value.clone();
    }
    json!({"metadata": {"name": name, "annotations": annotations}, "spec": spec})
}

fn condition(object: &Value, name: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|c| c["type"] == name && c["status"] == "True")
    })
}

#[tokio::test(start_paused = true)]
async fn a_job_runs_its_pods_and_completes() {
    let lab = Lab::start().await;
    let started = Instant::now();
    let more = json!({"completions": 3, "parallelism": 2});
    lab.create::<Job>(job(
        "import",
        json!({"rotaproof.dev/runs-for": "10m"}),
        more,
    ))
    .await;
    let active = lab
        .until::<Job>("import", |job| job["status"]["active"] == 2)
        .await;
    assert_eq!(active["status"]["startTime"], "2025-11-08T00:00:00Z");
    let done = lab
        .until::<Job>("import", |job| condition(job, "Complete"))
        .await;
    assert_eq!(done["status"]["succeeded"], 3);
    assert_eq!(done["status"]["active"], Value::Null);
    assert_eq!(done["status"]["completionTime"], "2025-11-08T00:20:00Z");
    assert_eq!(started.elapsed(), Duration::from_secs(1200));
    let pods = lab
        .api::<Pod>()
        .list(&Default::default())
        .await
        .unwrap()
        .items;
    assert_eq!(pods.len(), 3);
    for pod in pods {
        assert_eq!(pod.labels()["batch.kubernetes.io/job-name"], "import");
        assert_eq!(pod.labels()["app"], "import");
        assert_eq!(pod.owner_references()[0].controller, Some(true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_pods_fail_is_retried_slower_and_slower_up_to_its_limit() {
    let lab = Lab::start().await;
    let started = Instant::now();
    let failing = json!({"rotaproof.dev/exit-code": "1"});
    lab.create::<Job>(job("broken", failing, json!({"backoffLimit": 2})))
        .await;
    let failed = lab
        .until::<Job>("broken", |job| condition(job, "Failed"))
        .await;
    assert_eq!(failed["status"]["failed"], 3);
    assert_eq!(started.elapsed(), Duration::from_secs(10 + 20));
}

#[tokio::test(start_paused = true)]
async fn a_finished_job_goes_after_its_time_to_live_and_takes_its_pods_with_it() {
    let lab = Lab::start().await;
    let quick = json!({"rotaproof.dev/runs-for": "1s"});
    lab.create::<Job>(job("brief", quick, json!({"ttlSecondsAfterFinished": 60})))
        .await;
    lab.until::<Job>("brief", |job| condition(job, "Complete"))
        .await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert!(lab.api::<Job>().get_opt("brief").await.unwrap().is_some());
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(lab.api::<Job>().get_opt("brief").await.unwrap().is_none());
    assert!(
        lab.api::<Pod>()
            .list(&Default::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_suspended_job_has_no_pods_until_it_is_resumed() {
    let lab = Lab::start().await;
    let quick = json!({"rotaproof.dev/runs-for": "1s"});
    lab.create::<Job>(job("later", quick, json!({"suspend": true})))
        .await;
    lab.until::<Job>("later", |job| condition(job, "Suspended"))
        .await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(
        lab.api::<Pod>()
            .list(&Default::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let resume = Patch::Merge(json!({"spec": {"suspend": false}}));
    lab.api::<Job>()
        .patch("later", &PatchParams::default(), &resume)
        .await
        .unwrap();
    let done = lab
        .until::<Job>("later", |job| condition(job, "Complete"))
        .await;
    assert_eq!(done["status"]["startTime"], "2025-11-08T01:00:00Z");
}

fn cron(schedule: &str, more: Value) -> Value {
    let template = job("x", json!({}), json!({}))["spec"].clone();
    let mut spec = json!({"schedule": schedule, "jobTemplate": {"spec": template}});
    for (field, value) in more.as_object().unwrap() {
        spec[field] = value.clone();
    }
    json!({"metadata": {"name": "hourly"}, "spec": spec})
}

#[tokio::test(start_paused = true)]
async fn a_cron_job_fires_every_hour_and_keeps_three_finished_jobs() {
    let lab = Lab::start().await;
    lab.create::<CronJob>(cron("30 * * * *", json!({}))).await;
    tokio::time::sleep(Duration::from_secs(5 * 3600)).await;
    let mut names: Vec<String> = lab
        .api::<Job>()
        .list(&Default::default())
        .await
        .unwrap()
        .iter()
        .map(|job| job.name_any())
        .collect();
    names.sort();
    // 02:30, 03:30 and 04:30 on 2025-11-08, in minutes.
    assert_eq!(
        names,
        ["hourly-29376150", "hourly-29376210", "hourly-29376270"]
    );
    let status = lab.until::<CronJob>("hourly", |_| true).await["status"].clone();
    assert_eq!(status["lastScheduleTime"], "2025-11-08T04:30:00Z");
    assert_eq!(status["lastSuccessfulTime"], "2025-11-08T04:30:30Z");
}

#[rstest::rstest]
#[case("Allow", 4)]
#[case("Forbid", 1)]
#[case("Replace", 1)]
#[tokio::test(start_paused = true)]
async fn concurrency_is_as_the_policy_says(#[case] policy: &str, #[case] running: usize) {
    let lab = Lab::start().await;
    let mut cron = cron("*/10 * * * *", json!({"concurrencyPolicy": policy}));
    cron["metadata"]["annotations"] = json!({"rotaproof.dev/runs-for": "24h"});
    lab.create::<CronJob>(cron).await;
    tokio::time::sleep(Duration::from_secs(41 * 60)).await;
    let pods = lab.api::<Pod>().list(&Default::default()).await.unwrap();
    assert_eq!(pods.items.len(), running);
    let jobs = lab.api::<Job>().list(&Default::default()).await.unwrap();
    let latest = jobs.iter().map(|job| job.name_any()).max().unwrap();
    let minutes = if policy == "Forbid" {
        29376000 + 10
    } else {
        29376000 + 40
    };
    assert_eq!(latest, format!("hourly-{minutes}"));
}

async fn install_notebooks(lab: &Lab) -> Api<DynamicObject> {
    let name = "notebookvalidationjobs.mlops.mlops.dev";
    let crds = Api::<CustomResourceDefinition>::all(lab.client.clone());
    let crd = rotaproof_kinds::crds()
        .into_iter()
        .find(|crd| crd["metadata"]["name"] == name)
        .unwrap();
    crds.create(
        &PostParams::default(),
        &serde_json::from_value(crd).unwrap(),
    )
    .await
    .unwrap();
    until_in(crds, name, |crd| condition(crd, "Established")).await;
    let resource = ApiResource {
        group: "mlops.mlops.dev".into(),
        version: "v1alpha1".into(),
        api_version: "mlops.mlops.dev/v1alpha1".into(),
        kind: "NotebookValidationJob".into(),
        plural: "notebookvalidationjobs".into(),
    };
    Api::default_namespaced_with(lab.client.clone(), &resource)
}

fn notebook(name: &str) -> DynamicObject {
    dynamic(json!({
        "apiVersion": "mlops.mlops.dev/v1alpha1", "kind": "NotebookValidationJob",
        "metadata": {"name": name, "annotations": {"rotaproof.dev/runs-for": "5m"}},
        "spec": {
            "notebook": {"path": "a.ipynb", "git": {"url": "https://example.com/a.git", "ref": "main"}},
            "podConfig": {"containerImage": "image", "credentials": ["aws"]},
        },
    }))
}

#[tokio::test(start_paused = true)]
async fn a_notebook_job_gives_its_secrets_to_the_validator_and_succeeds_with_its_pod() {
    let lab = Lab::start().await;
    let jobs = install_notebooks(&lab).await;
    lab.secret("aws", "access-key", "v1").await;
    jobs.create(&PostParams::default(), &notebook("first"))
        .await
        .unwrap();
    until_in(jobs.clone(), "first", |job| {
        job["status"]["phase"] == "ValidationRunning"
    })
    .await;
    lab.secret("aws", "access-key", "v2").await;
    let done = until_in(jobs.clone(), "first", |job| {
        job["status"]["phase"] == "Succeeded"
    })
    .await;
    assert_eq!(done["status"]["validationPodName"], "first-validation");
    assert!(condition(&done, "ValidationComplete"));
    assert!(!condition(&done, "Ready"));
    let first = lab.logs.report("first-validation/validator", 1).await;
    let clone = lab.logs.report("first-validation/git-clone", 1).await;
    assert!(!clone.env.contains_key("access-key"));
    jobs.create(&PostParams::default(), &notebook("next"))
        .await
        .unwrap();
    let next = lab.logs.report("next-validation/validator", 1).await;
    // Whichever value the first one was started with, it kept; the next one has the new one.
    assert!([lab.of("v1"), lab.of("v2")].contains(&first.env["access-key"]));
    assert_eq!(lab.logs.reports("first-validation/validator").len(), 1);
    assert_eq!(next.env["access-key"], lab.of("v2"));
}

#[tokio::test(start_paused = true)]
async fn a_notebook_job_without_its_secret_fails_at_the_third_attempt() {
    let lab = Lab::start().await;
    let jobs = install_notebooks(&lab).await;
    let started = Instant::now();
    jobs.create(&PostParams::default(), &notebook("early"))
        .await
        .unwrap();
    let failed = until_in(jobs, "early", |job| job["status"]["phase"] == "Failed").await;
    assert_eq!(failed["status"]["retryCount"], 3);
    assert_eq!(started.elapsed(), Duration::from_secs(60 + 120));
    let message = failed["status"]["message"].as_str().unwrap();
    assert!(message.contains("secret \"aws\" not found"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_notebook_job_recovers_when_its_secret_comes_before_the_third_attempt() {
    let lab = Lab::start().await;
    let jobs = install_notebooks(&lab).await;
    jobs.create(&PostParams::default(), &notebook("early"))
        .await
        .unwrap();
    until_in(jobs.clone(), "early", |job| {
        job["status"]["retryCount"] == 1
    })
    .await;
    lab.secret("aws", "access-key", "v1").await;
    let done = until_in(jobs, "early", |job| job["status"]["phase"] == "Succeeded").await;
    assert_eq!(done["status"]["retryCount"], 1);
}
