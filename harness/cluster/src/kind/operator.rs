//! The External Secrets Operator by its chart: installed.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::program::Call;
use super::settings::Chart;
use crate::Error;
use crate::real::{NAME, Operator, Surroundings};

const PART: &str = "the External Secrets Operator";
/// Where the record has it.
pub(super) const NAMESPACE: &str = "external-secrets-system";
/// The file of `kind-config/values.yaml`, in the run's folder.
const PINNED: &str = "values.yaml";
/// Images may have to be pulled.
const INSTALLATION: Duration = Duration::from_secs(300);

/// The values beyond `kind-config/values.yaml`: the proxy and its authority.
fn values(surroundings: &Surroundings<'_>) -> Value {
    json!({
        "extraEnv": surroundings.environment(),
        "extraVolumes": [surroundings.volume()],
        "extraVolumeMounts": [surroundings.mount()],
        "podAnnotations": surroundings.annotations(),
    })
}

/// The operator that is installed: its release's name is its Deployment's.
pub(super) fn installed() -> Operator {
    Operator {
        namespace: NAMESPACE.to_owned(),
        deployment: NAME.to_owned(),
        container: NAME.to_owned(),
    }
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
