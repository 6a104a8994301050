//! The lane `context` on a cluster of somebody else's: a plain kind cluster with ESO as its chart installs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use serde_json::Value;
use tempfile::TempDir;

use crate::passes::{printed, program};

const SCENARIO: &str = "scenarios/seed/aws/rotation.scenario.yaml";
const NAMESPACE: &str = "external-secrets-system";
const ESO: &str = "external-secrets";
const THEIR_STORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kind_lane/theirs.yaml");
const NIGHTLY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/nightly/kubernetes-cronjob.yaml"
);

/// A kind cluster that no run made. Dropping it deletes it.
struct Stranger {
    name: String,
    folder: TempDir,
}

impl Stranger {
    /// With the operator, and with what others have there.
    fn found() -> Result<Self, Failed> {
        let stranger = Self {
            name: format!("stranger-{}", std::process::id()),
            folder: tempfile::tempdir()?,
        };
        let version = pinned("/chart/version")?;
        let image = std::env::var("ROTAPROOF_NODE_IMAGE").or_else(|_| pinned("/node"))?;
        let mut creation = Command::new("kind");
        creation.args(["create", "cluster", "--wait", "180s", "--image", &image]);
        creation.args(["--name", &stranger.name, "--kubeconfig"]);
        output_of(creation.arg(stranger.kubeconfig()))?;
        let operator =
            format!("oci.external-secrets.io/external-secrets/external-secrets:v{version}");
        for image in [pinned("/probe")?, operator] {
            let mut loading = Command::new("kind");
            loading.args(["load", "docker-image", "--name", &stranger.name, &image]);
            // One that is not in the local Docker is pulled by the node.
            let _ = output_of(&mut loading);
        }
        let mut installation = Command::new("helm");
        installation.args(["install", ESO]);
        match std::env::var("ROTAPROOF_CHART") {
            Ok(chart) => installation.arg(chart),
            Err(_) => {
                let repository = pinned("/chart/repository")?;
                installation.args([ESO, "--repo", &repository, "--version", &version])
            }
        };
        installation.args(["--namespace", NAMESPACE, "--create-namespace", "--wait"]);
        installation.args(["--set", "webhook.create=false,certController.create=false"]);
        output_of(installation.arg("--kubeconfig").arg(stranger.kubeconfig()))?;
        for others in [
            "create namespace bystander",
            "create secret generic theirs --namespace bystander --from-literal=a=b",
            "create configmap theirs --namespace external-secrets-system --from-literal=a=b",
        ] {
            stranger.kubectl(others)?;
        }
        Ok(stranger)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A kubeconfig with the rights that docs/nightly gives a CronJob's pods, and no others.
    fn with_the_rights_of_the_nightly(&self) -> Result<PathBuf, Failed> {
        self.kubectl(&format!("apply --filename {NIGHTLY}"))?;
        let token = self.kubectl("create token rotaproof --namespace rotaproof")?;
        let own = self.kubectl("config view --raw --minify --output json")?;
        let mut own: Value = serde_json::from_str(&own)?;
        own["users"][0]["user"] = serde_json::json!({"token": token.trim()});
        let path = self.folder.path().join("kubeconfig-of-the-nightly");
        std::fs::write(&path, own.to_string())?;
        Ok(path)
    }

    /// What kubectl prints; the arguments have no blanks in them.
    fn kubectl(&self, arguments: &str) -> Result<String, Failed> {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(self.kubeconfig());
        output_of(command.args(arguments.split_whitespace()))
    }

    /// The program on this cluster.
    fn rotaproof(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments).env("KUBECONFIG", self.kubeconfig());
        command
    }

    /// What a run must leave as it was: the operator's template, its annotations, and every object that there is.
    fn state(&self) -> Result<[String; 3], Failed> {
        let deployment = format!("get deployment {ESO} --namespace {NAMESPACE} --output json");
        let mut deployment: Value = serde_json::from_str(&self.kubectl(&deployment)?)?;
        let template = deployment["spec"]["template"].to_string();
        let annotations = deployment["metadata"]["annotations"].as_object_mut();
        let annotations = annotations.ok_or("the chart annotates the Deployment")?;
        // A rollout and the way back are two revisions.
        annotations.remove("deployment.kubernetes.io/revision");
        let annotations = Value::from(annotations.clone()).to_string();
        let kinds = [
            "namespace,secret,configmap,serviceaccount,deployment,job,cronjob,crd,clusterrole,clusterrolebinding",
            "clustersecretstore,secretstore,externalsecret",
        ]
        .join(",");
        let listed = self.kubectl(&format!("get {kinds} --all-namespaces --output json"))?;
        let listed: Value = serde_json::from_str(&listed)?;
        let items = listed["items"].as_array().ok_or("a list")?.iter();
        let names = items.map(|object| {
            let metadata = &object["metadata"];
            let name = [&object["kind"], &metadata["namespace"], &metadata["name"]];
            format!("{name:?} {}", metadata["uid"])
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok([template, annotations, names.join("\n")])
    }

    /// That a run has left all as it was.
    fn is_as(&self, before: &[String; 3]) -> Result<(), Failed> {
        let after = self.state()?;
        let lease = self.kubectl(&format!(
            "get lease rotaproof --namespace {NAMESPACE} --ignore-not-found --output name"
        ))?;
        if !lease.is_empty() {
            return Err("the lease is still there".into());
        }
        match &after == before {
            true => Ok(()),
            false => Err(format!("before:\n{before:#?}\nafter:\n{after:#?}").into()),
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // What is left of it is named by the next `kind get clusters`.
        let deletion = ["delete", "cluster", "--name", &self.name];
        let nowhere = ["--kubeconfig", "/dev/null"];
        let _ = output_of(Command::new("kind").args(deletion).args(nowhere));
    }
}

/// What a program prints, where it exits with 0.
fn output_of(command: &mut Command) -> Result<String, Failed> {
    let ran = command.output()?;
    match ran.status.success() {
        true => Ok(String::from_utf8(ran.stdout)?),
        false => Err(format!("{command:?}: {}", printed(&ran)).into()),
    }
}

/// Runs it, which has to exit with this code and print this.
fn ends(command: &mut Command, code: i32, saying: &[&str]) -> Result<(), Failed> {
    let ran = command.output()?;
    let told = printed(&ran);
    let says = saying.iter().all(|text| told.contains(text));
    match ran.status.code() == Some(code) && says {
        true => Ok(()),
        false => Err(format!("{} instead of {code} and {saying:?}: {told}", ran.status).into()),
    }
}

/// One cluster for all of it: it takes a minute to make.
pub(crate) fn a_cluster_of_somebody_elses_is_as_it_was() -> Result<(), Failed> {
    let cluster = Stranger::found()?;
    let nightly = cluster.with_the_rights_of_the_nightly()?;
    let before = cluster.state()?;
    let run = ["run", "--lane", "context", SCENARIO];
    let allowed = ["run", "--lane", "context", "--allow-writes", SCENARIO];

    // Not allowed: it says what it would do, and does nothing.
    let told = [
        "--allow-writes",
        "Deployment external-secrets-system/external-secrets",
        "HTTPS_PROXY, HTTP_PROXY, NO_PROXY and SSL_CERT_FILE",
    ];
    ends(&mut cluster.rotaproof(&run), 3, &told)?;
    cluster.is_as(&before)?;

    // Allowed: it passes, and puts all back; with the nightly's rights, which are enough.
    let mut run = cluster.rotaproof(&allowed);
    ends(run.env("KUBECONFIG", nightly), 0, &["1 passed, 0 failed"])?;
    cluster.is_as(&before)?;

    // Killed in its midst: the operator stays behind the gateway, until somebody sweeps.
    let mut killed = cluster
        .rotaproof(&allowed)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let watched = "--for=create externalsecret/aws-credentials --namespace notebook-validation";
    cluster.kubectl(&format!("wait {watched} --timeout 120s"))?;
    killed.kill()?;
    killed.wait()?;
    if cluster.state()? == before {
        return Err("a run that was killed in its midst left nothing".into());
    }
    let swept = "put the operator external-secrets-system/external-secrets back";
    ends(&mut cluster.rotaproof(&["gc", "--context"]), 0, &[swept])?;
    cluster.is_as(&before)?;

    // What is there already is not overwritten.
    cluster.kubectl("create namespace notebook-validation")?;
    cluster.kubectl(
        "create secret generic aws-credentials --namespace notebook-validation --from-literal=a=b",
    )?;
    let theirs = cluster.state()?;
    let refused = "Secret notebook-validation/aws-credentials is there, and it is not this run's";
    ends(&mut cluster.rotaproof(&allowed), 1, &[refused])?;
    cluster.is_as(&theirs)?;

    // Nor is an operator taken away from whoever needs it.
    cluster.kubectl(&format!("apply --filename {THEIR_STORE}"))?;
    let theirs = cluster.state()?;
    let refused = "SecretStore bystander/theirs";
    ends(&mut cluster.rotaproof(&allowed), 3, &[refused])?;
    cluster.is_as(&theirs)
}

/// A version of kind-config.
fn pinned(name: &str) -> Result<String, Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kind-config/versions.yaml");
    let versions: Value = serde_saphyr::from_str(&std::fs::read_to_string(path)?)?;
    let pin = versions.pointer(name).and_then(Value::as_str);
    Ok(pin.ok_or("a pin")?.to_owned())
}
