//! The operator of NotebookValidationJob on a cluster that runs pods itself: here nobody does.

#![allow(clippy::unwrap_used, reason = "test code")]

mod lab;

use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use lab::{dynamic, until_in};
use rotaproof_apiserver::{ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, TaskGroup};
use rotaproof_pods::OperatorOptions;
use rotaproof_pods::real_cluster::Probe;
use serde_json::{Value, json};

/// An API with the CRD and the operator.
struct Cluster {
    client: Client,
    _tasks: TaskGroup,
}

impl Cluster {
    async fn start() -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let server = ApiServer::new(Config {
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            issuer: Issuer::generate("https://cluster").unwrap(),
        });
        let tasks = TaskGroup::new();
        server.start(&tasks);
        let client = Client::new(server.service(), "default");
        let crd = serde_json::from_value(rotaproof_kinds::notebook_validation_job()).unwrap();
        let crds = Api::<CustomResourceDefinition>::all(client.clone());
        crds.create(&PostParams::default(), &crd).await.unwrap();
        let probe = Probe {
            image: "busybox:1.37".into(),
            fingerprinter: Fingerprinter::from_key([3; 32]),
        };
        let options = OperatorOptions { clock, probe };
        rotaproof_pods::start_operator(client.clone(), options, &tasks);
        Self {
            client,
            _tasks: tasks,
        }
    }

    fn pods(&self) -> Api<Pod> {
        Api::default_namespaced(self.client.clone())
    }

    fn jobs(&self) -> Api<DynamicObject> {
        let resource = ApiResource {
            group: "mlops.mlops.dev".into(),
            version: "v1alpha1".into(),
            api_version: "mlops.mlops.dev/v1alpha1".into(),
            kind: "NotebookValidationJob".into(),
            plural: "notebookvalidationjobs".into(),
        };
        Api::default_namespaced_with(self.client.clone(), &resource)
    }

    async fn job(&self, name: &str, runs_for: &str) {
        let job = dynamic(json!({
            "apiVersion": "mlops.mlops.dev/v1alpha1", "kind": "NotebookValidationJob",
            "metadata": {"name": name, "annotations": {"rotaproof.dev/runs-for": runs_for}},
            "spec": {
                "notebook": {"path": "a.ipynb", "git": {"url": "https://example.com/a.git", "ref": "main"}},
                "podConfig": {"containerImage": "image", "credentials": ["aws"]},
            },
        }));
        let made = self.jobs().create(&PostParams::default(), &job).await;
        made.unwrap();
    }

    async fn phase(&self, job: &str, phase: &str) -> Value {
        until_in(self.jobs(), job, |job| job["status"]["phase"] == phase).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_pod_is_made_dressed_and_the_job_judged_by_how_it_ends() {
    let cluster = Cluster::start().await;
    cluster.job("first", "5m").await;
    let pod = until_in(cluster.pods(), "first-validation", |_| true).await;
    for list in ["initContainers", "containers"] {
        let container = &pod["spec"][list][0];
        assert_eq!(container["image"], "busybox:1.37", "{list}");
        assert_eq!(container["command"][0], "/bin/sh", "{list}");
    }
    let validator = &pod["spec"]["containers"][0];
    let sources = json!([{"secretRef": {"name": "aws"}}]);
    assert_eq!(validator["envFrom"], sources);
    let runs = json!({"name": "ROTAPROOF_PROBE_RUNS_FOR", "value": "300"});
    assert!(validator["env"].as_array().unwrap().contains(&runs));

    let ended = Patch::Merge(json!({"status": {"phase": "Succeeded"}}));
    let pods = cluster.pods();
    pods.patch_status("first-validation", &PatchParams::default(), &ended)
        .await
        .unwrap();
    cluster.phase("first", "Succeeded").await;
}

#[tokio::test(start_paused = true)]
async fn it_plays_no_kubelet_and_makes_no_secret() {
    let cluster = Cluster::start().await;
    cluster.job("first", "5m").await;
    let day = std::time::Duration::from_secs(24 * 3600);
    until_in(cluster.pods(), "first-validation", |_| true).await;
    tokio::time::sleep(day).await;
    let pod = cluster.pods().get("first-validation").await.unwrap();
    assert_eq!(pod.spec.unwrap().node_name, None);
    let secrets = Api::<Secret>::default_namespaced(cluster.client.clone());
    let secrets = secrets.list(&Default::default()).await.unwrap();
    let names: Vec<String> = secrets.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_pod_cannot_be_dressed_says_why() {
    let cluster = Cluster::start().await;
    cluster.job("first", "soon").await;
    let job = cluster.phase("first", "Failed").await;
    assert_eq!(
        job["status"]["message"],
        "Failed to create validation pod: annotation rotaproof.dev/runs-for: expected a duration such as 1h30m, found \"soon\""
    );
}
