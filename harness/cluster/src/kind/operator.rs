//! The External Secrets Operator by its chart: installed, restarted.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use rotaproof_scenario::model::Eso;
use serde_json::{Value, json};

use super::program::Call;
use super::settings::Chart;
use crate::Error;

const PART: &str = "the External Secrets Operator";
/// Where the record has it.
pub(super) const NAMESPACE: &str = "external-secrets-system";
/// The release's name, and with it the Deployment's.
pub(super) const NAME: &str = "external-secrets";
/// The ConfigMap of the gateway's authority.
pub(super) const AUTHORITY: &str = "rotaproof-gateway";
/// Where the operator finds it.
const AUTHORITY_FOLDER: &str = "/etc/rotaproof";
/// The file of `kind-config/values.yaml`, in the run's folder.
const PINNED: &str = "values.yaml";
/// Images may have to be pulled.
const INSTALLATION: Duration = Duration::from_secs(300);
/// A rollout without a pull.
const ROLLOUT: Duration = Duration::from_secs(60);

/// What the operator is told of the lab.
pub(super) struct Surroundings<'a> {
    /// Where the gateway listens.
    pub(super) gateway: SocketAddr,
    /// The address of the API's service, which is not behind the gateway.
    pub(super) api: &'a str,
    /// The run: another one is another authority, so another pod.
    pub(super) run: &'a str,
}

/// The values beyond `kind-config/values.yaml`: the proxy and its authority.
fn values(surroundings: &Surroundings<'_>) -> Value {
    let proxy = format!("http://{}", surroundings.gateway);
    let direct = format!("{},localhost,127.0.0.1", surroundings.api);
    let authority = format!("{AUTHORITY_FOLDER}/ca.pem");
    let variables = [
        ("HTTPS_PROXY", proxy.as_str()),
        ("HTTP_PROXY", proxy.as_str()),
        ("NO_PROXY", &direct),
        ("SSL_CERT_FILE", &authority),
    ];
    json!({
        "extraEnv": variables.map(|(name, value)| json!({"name": name, "value": value})),
        "extraVolumes": [{"name": AUTHORITY, "configMap": {"name": AUTHORITY}}],
        "extraVolumeMounts": [{"name": AUTHORITY, "mountPath": AUTHORITY_FOLDER, "readOnly": true}],
        "podAnnotations": {"dev.rotaproof/run": surroundings.run},
    })
}

/// What a chart would install.
pub(super) struct Rendered {
    /// The images that its pods have.
    pub(super) images: Vec<String>,
    /// Its CustomResourceDefinitions.
    pub(super) crds: Vec<Value>,
}

/// A chart, and a folder of the run for its values.
pub(super) struct Installation<'a> {
    chart: &'a Chart,
    folder: &'a Path,
}

impl<'a> Installation<'a> {
    /// Writes the pinned values.
    pub(super) fn prepare(chart: &'a Chart, folder: &'a Path) -> Result<Self, Error> {
        let text = include_str!("../../../../kind-config/values.yaml");
        std::fs::write(folder.join(PINNED), text).map_err(Error::starting(PART))?;
        Ok(Self { chart, folder })
    }

    /// A call of helm with the chart.
    fn helm(&'a self, arguments: &[&'a str]) -> Call<'a> {
        let call = Call::new("helm", PART).args(arguments.iter().copied());
        match self.chart {
            Chart::Local(path) => call.args([path]),
            Chart::Repository {
                repository,
                name,
                version,
            } => call
                .args([name])
                .option("--repo", repository)
                .option("--version", version),
        }
        .option("--namespace", NAMESPACE)
    }

    /// Reads what it would install; needs no cluster.
    pub(super) async fn render(&self) -> Result<Rendered, Error> {
        let pinned = self.folder.join(PINNED);
        let manifests = self
            .helm(&["template", NAME])
            .args(["--include-crds", "--set", "installCRDs=true"])
            .option("--values", &pinned)
            .run()
            .await?;
        // Two megabytes of YAML.
        let read = tokio::task::spawn_blocking(move || read(&manifests)).await;
        read.map_err(Error::starting(PART))?
            .map_err(Error::starting(PART))
    }

    /// Installs it, or what is installed anew with these values, but for the CustomResourceDefinitions; until its pod is
    /// available.
    pub(super) async fn install(
        &self,
        kubeconfig: &Path,
        surroundings: &Surroundings<'_>,
    ) -> Result<(), Error> {
        let own = self.folder.join("values-of-the-run.json");
        std::fs::write(&own, values(surroundings).to_string()).map_err(Error::starting(PART))?;
        let pinned = self.folder.join(PINNED);
        self.helm(&["upgrade", NAME])
            .args(["--install", "--skip-crds", "--set", "installCRDs=false"])
            .args(["--wait", "--timeout", "280s"])
            .option("--values", &pinned)
            .option("--values", &own)
            .option("--kubeconfig", kubeconfig)
            .within(INSTALLATION)
            .run()
            .await?;
        Ok(())
    }
}

fn read(manifests: &str) -> Result<Rendered, String> {
    let mut rendered = Rendered {
        images: Vec::new(),
        crds: Vec::new(),
    };
    let documents: Vec<Option<Value>> =
        serde_saphyr::from_multiple(manifests).map_err(|error| error.to_string())?;
    for document in documents.into_iter().flatten() {
        if document["kind"] == "CustomResourceDefinition" {
            rendered.crds.push(document);
            continue;
        }
        let containers = document.pointer("/spec/template/spec/containers");
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        for image in containers.filter_map(|container| container["image"].as_str()) {
            if !rendered.images.iter().any(|known| known == image) {
                rendered.images.push(image.to_owned());
            }
        }
    }
    match rendered.crds.is_empty() {
        true => Err("the chart has no CustomResourceDefinitions".into()),
        false => Ok(rendered),
    }
}

/// Rolls the operator's pod, and waits until the new one is available and the old one gone.
pub(super) async fn restart(client: &Client, at: &str) -> Result<(), Error> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let annotation = json!({"kubectl.kubernetes.io/restartedAt": at});
    let patch = json!({"spec": {"template": {"metadata": {"annotations": annotation}}}});
    let failed = |error: String| Error {
        action: "restart",
        ..Error::starting(PART)(error)
    };
    deployments
        .patch(NAME, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(|error| failed(error.to_string()))?;
    rolled(deployments).await.map_err(failed)
}

/// Waits until the operator's pod is the one that is wanted.
async fn rolled(deployments: Api<Deployment>) -> Result<(), String> {
    let rolled = await_condition(deployments, NAME, |deployment: Option<&Deployment>| {
        deployment.is_some_and(is_rolled)
    });
    match tokio::time::timeout(ROLLOUT, rolled).await {
        Ok(rolled) => rolled.map(drop).map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "its rollout did not end within {}s",
            ROLLOUT.as_secs()
        )),
    }
}

/// The flags that the chart gives the operator.
pub(super) async fn arguments(client: &Client) -> Result<Vec<String>, Error> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let deployment = deployments.get(NAME).await.map_err(Error::starting(PART))?;
    Ok(flags(&deployment))
}

/// Has the operator run with the chart's flags and those that a scenario wants: rolls its pod where it has others.
pub(super) async fn have_flags(client: &Client, charts: &[String], eso: &Eso) -> Result<(), Error> {
    let mut wanted = charts.to_vec();
    if let Some(concurrent) = eso.concurrent {
        wanted.retain(|flag| !flag.starts_with("--concurrent="));
        wanted.push(format!("--concurrent={concurrent}"));
    }
    if let Some(interval) = &eso.store_requeue_interval {
        wanted.push(format!("--store-requeue-interval={interval}"));
    }
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let deployment = deployments.get(NAME).await.map_err(Error::starting(PART))?;
    if flags(&deployment) == wanted {
        return Ok(());
    }
    let container = json!({"name": NAME, "args": wanted});
    let patch = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
    deployments
        .patch(NAME, &PatchParams::default(), &Patch::Strategic(patch))
        .await
        .map_err(Error::starting(PART))?;
    rolled(deployments).await.map_err(Error::starting(PART))
}

fn flags(deployment: &Deployment) -> Vec<String> {
    let spec = deployment.spec.template.spec.as_ref();
    let mut containers = spec
        .map(|spec| spec.containers.iter())
        .into_iter()
        .flatten();
    let own = containers.find(|container| container.name == NAME);
    own.and_then(|own| own.args.clone()).unwrap_or_default()
}

/// As `kubectl rollout status` judges it.
fn is_rolled(deployment: &Deployment) -> bool {
    let Some(status) = &deployment.status else {
        return false;
    };
    let wanted = deployment.spec.replicas.unwrap_or(1);
    status.observed_generation >= deployment.metadata.generation
        && status.updated_replicas == Some(wanted)
        && status.replicas == Some(wanted)
        && status.available_replicas == Some(wanted)
        && status.terminating_replicas.unwrap_or(0) == 0
}
