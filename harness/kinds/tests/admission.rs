//! The kinds on an API server: what is refused, pruned and filled in.

#![allow(clippy::unwrap_used)]

use kube::api::{Api, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use rotaproof_apiserver::{ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, TaskGroup};
use rotaproof_kinds::external_secrets::{CreationPolicy, DeletionPolicy, ExternalSecret};
use rstest::rstest;
use serde_json::{Value, json};

struct Cluster {
    client: kube::Client,
    _tasks: TaskGroup,
}

impl Cluster {
    async fn start() -> Self {
        let api = ApiServer::new(Config {
            clock: Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap()),
            entropy: Entropy::from_seed(7),
            issuer: Issuer::generate("https://kubernetes.default.svc").unwrap(),
        });
        let tasks = TaskGroup::new();
        api.start(&tasks);
        let cluster = Self {
            client: kube::Client::new(api.service(), "default"),
            _tasks: tasks,
        };
        for crd in rotaproof_kinds::crds() {
            cluster.create(crd).await.unwrap();
        }
        cluster
    }

    async fn create(&self, object: Value) -> Result<Value, String> {
        let (group, version) = object["apiVersion"]
            .as_str()
            .unwrap()
            .split_once('/')
            .unwrap();
        let kind = object["kind"].as_str().unwrap();
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let cluster_scoped = ["CustomResourceDefinition", "ClusterSecretStore"].contains(&kind);
        let api: Api<DynamicObject> = if cluster_scoped {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), "default", &resource)
        };
        let object = serde_json::from_value(object).unwrap();
        match api.create(&PostParams::default(), &object).await {
            Ok(object) => Ok(serde_json::to_value(object).unwrap()),
            Err(kube::Error::Api(status)) => Err(status.message.clone()),
            Err(other) => Err(other.to_string()),
        }
    }
}

fn job(notebook: Value) -> Value {
    json!({
        "apiVersion": "mlops.mlops.dev/v1alpha1", "kind": "NotebookValidationJob",
        "metadata": {"name": "job"},
        "spec": {"notebook": notebook, "podConfig": {"containerImage": "jupyter"}},
    })
}

#[tokio::test(start_paused = true)]
async fn a_notebook_path_under_git_is_refused_for_the_path_that_is_missing() {
    let cluster = Cluster::start().await;
    let git = json!({"url": "https://example.com/n.git", "ref": "main", "path": "a.ipynb"});
    let error = cluster.create(job(json!({"git": git}))).await.unwrap_err();
    assert!(
        error.contains("spec.notebook.path: Required value"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_notebook_job_is_filled_in_and_its_unknown_fields_are_pruned() {
    let cluster = Cluster::start().await;
    let git = json!({"url": "https://example.com/n.git", "ref": "main", "path": "a.ipynb"});
    let created = cluster
        .create(job(json!({"git": git, "path": "a.ipynb"})))
        .await
        .unwrap();
    assert_eq!(created["spec"]["notebook"]["git"].get("path"), None);
    assert_eq!(
        created["spec"]["podConfig"]["serviceAccountName"],
        "default"
    );
    assert_eq!(created["spec"]["timeout"], "30m");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_external_secret_of_either_version_gets_esos_defaults(
    #[values("v1", "v1beta1")] version: &str,
) {
    let cluster = Cluster::start().await;
    let created = cluster
        .create(json!({
            "apiVersion": format!("external-secrets.io/{version}"), "kind": "ExternalSecret",
            "metadata": {"name": "es"},
            "spec": {"secretStoreRef": {"name": "s"}, "data": [{"secretKey": "k", "remoteRef": {"key": "r"}}]},
        }))
        .await
        .unwrap();
    assert_eq!(created["spec"]["refreshInterval"], "1h0m0s");
    let stored = Api::<ExternalSecret>::default_namespaced(cluster.client.clone())
        .get("es")
        .await
        .unwrap();
    assert_eq!(stored.api_version, "external-secrets.io/v1");
    assert_eq!(stored.spec.target.creation_policy, CreationPolicy::Owner);
    assert_eq!(stored.spec.target.deletion_policy, DeletionPolicy::Retain);
}

#[rstest]
#[case::two_providers(json!({"aws": {"service": "SecretsManager", "region": "r"}, "fake": {}}), "spec.provider")]
#[case::no_provider(json!({}), "spec.provider")]
#[case::no_region(json!({"aws": {"service": "SecretsManager"}}), "spec.provider.aws.region: Required value")]
#[case::unknown_service(json!({"aws": {"service": "S3", "region": "r"}}), "spec.provider.aws.service: Unsupported value: \"S3\"")]
#[case::no_server(json!({"vault": {"path": "secret"}}), "spec.provider.vault.server: Required value")]
#[case::kv_version(json!({"vault": {"server": "https://v", "version": "v3"}}), "spec.provider.vault.version: Unsupported value: \"v3\"")]
#[case::bad_name(
    json!({"vault": {"server": "https://v", "auth": {"tokenSecretRef": {"name": "No Spaces"}}}}),
    "spec.provider.vault.auth.tokenSecretRef.name: Invalid value"
)]
#[case::reserved_tag(
    json!({"aws": {"service": "SecretsManager", "region": "r", "customSessionTags": {"esoNamespace": "x"}}}),
    "customSessionTags cannot contain automatically injected reserved keys"
)]
#[tokio::test(start_paused = true)]
async fn a_store_that_eso_would_refuse_is_refused(#[case] provider: Value, #[case] expected: &str) {
    let cluster = Cluster::start().await;
    let error = cluster
        .create(json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore",
            "metadata": {"name": "s"}, "spec": {"provider": provider},
        }))
        .await
        .unwrap_err();
    assert!(error.contains(expected), "{error}");
}
