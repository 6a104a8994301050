//! The `eso` lane: the released External Secrets Operator, unmodified, as a child process; the cluster, the vaults and the
//! node in this process, as on the embedded lane; the machine's clock.
//!
//! The operator comes over loopback: to the API with a token of its kubeconfig, to everything else through the gateway,
//! which its environment names as the proxy. Nothing else is in that environment: an inherited `AWS_CA_BUNDLE` would
//! outrank `SSL_CERT_FILE`, an inherited credential would be used.

mod process;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rotaproof_apiserver::Access;
use rotaproof_base::{Clock, Entropy, RunFolder, SecretValue, TaskGroup};
use rotaproof_pods::Pods;
use rotaproof_releases::Release;
use rotaproof_scenario::model::Eso;
use rotaproof_scenario::model::EsoVersion;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};

use process::{Process, Program};

use crate::operator_log::OperatorLog;
use crate::parts::{Parts, Plan};
use crate::{Cluster, Error, Lab, Lane, Present, Wanted};

/// No reconcilers of kinds that no scenario has, and ports that the system chooses; the rest are ESO's own defaults.
const ARGUMENTS: [&str; 5] = [
    "--enable-cluster-external-secret-reconciler=false",
    "--enable-cluster-push-secret-reconciler=false",
    "--enable-push-secret-reconciler=false",
    "--metrics-addr=0",
    "--live-addr=127.0.0.1:0",
];
/// Releases before it (0.16) have no probes at all.
const OPTIONAL: [&str; 1] = ["--live-addr"];
/// Lines of the operator's log that explain a failure.
const SHOWN: usize = 8;
/// The lab is on loopback; the vaults are not, to the operator.
const DIRECT: &str = "localhost,127.0.0.1,::1";
/// What is on its way arrives within this, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(5);

/// The `eso` lane.
pub struct RealEso {
    name: String,
    release: Release,
    /// How far apart the kubelet looks at mounted Secrets.
    sync_period: Duration,
}

impl RealEso {
    /// A lane with this operator. Where the intervals of ExternalSecrets are scaled to `refresh`, the kubelet's period is
    /// scaled too: it is never longer than that.
    pub fn new(release: Release, refresh: Option<Duration>) -> Self {
        let period = rotaproof_pods::Options::SYNC_PERIOD;
        let name = match &release.version {
            Some(version) => version.to_string(),
            None => release.program.display().to_string(),
        };
        Self {
            name: format!("eso:{name}"),
            release,
            sync_period: refresh.map_or(period, |refresh| refresh.min(period)),
        }
    }

    /// The custom resources, as a scenario wants them served.
    fn kinds(&self, wanted: &Wanted<'_>) -> Vec<Value> {
        let mut kinds = self.release.crds.clone();
        if !wanted.eso.serves.contains(&EsoVersion::V1Beta1) {
            let versions = kinds
                .iter_mut()
                .filter_map(|crd| crd.pointer_mut("/spec/versions")?.as_array_mut());
            for version in versions.flatten().filter(|v| v["name"] == "v1beta1") {
                version["served"] = json!(false);
            }
        }
        kinds.push(rotaproof_kinds::notebook_validation_job());
        kinds
    }
}

#[async_trait]
impl Lane for RealEso {
    fn name(&self) -> &str {
        &self.name
    }

    fn present(&self) -> Present {
        Present::Grace(GRACE)
    }

    fn serves(&self) -> Option<Vec<EsoVersion>> {
        let served = |name: &str| {
            let versions = self.release.crds.iter();
            let versions = versions.filter_map(|crd| crd.pointer("/spec/versions")?.as_array());
            versions
                .flatten()
                .any(|version| version["name"] == name && version["served"] == true)
        };
        let versions = [("v1", EsoVersion::V1), ("v1beta1", EsoVersion::V1Beta1)];
        let served = versions.into_iter().filter(|(name, _)| served(name));
        Some(served.map(|(_, version)| version).collect())
    }

    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error> {
        let (parts, pods) = Parts::start(Plan {
            wanted,
            entropy,
            clock: Clock::system(),
            kinds: &self.kinds(wanted),
            sync_period: self.sync_period,
        })
        .await?;
        let surroundings = Surroundings::prepare(&parts).await?;
        let cluster = Running {
            program: Program {
                path: self.release.program.clone(),
                arguments: arguments(wanted.eso),
                optional: &OPTIONAL,
                environment: surroundings.variables,
                log: OperatorLog::default(),
                died: watch::Sender::new(None),
            },
            credentials: parts.credentials.clone(),
            tasks: parts.tasks.clone(),
            operator: Mutex::new(None),
            pods: Mutex::new(Some(pods)),
            _folder: surroundings.folder,
        };
        match cluster.restart_operator().await {
            Ok(()) => Ok(parts.into_lab(Box::new(cluster))),
            Err(error) => {
                cluster.stop().await;
                Err(error)
            }
        }
    }
}

/// The flags of an operator as the scenario wants it.
fn arguments(eso: &Eso) -> Vec<String> {
    let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
    if let Some(concurrent) = eso.concurrent {
        arguments.push(format!("--concurrent={concurrent}"));
    }
    if let Some(interval) = &eso.store_requeue_interval {
        arguments.push(format!("--store-requeue-interval={interval}"));
    }
    arguments
}

/// What the operator finds when it starts: its files, and where the lab listens.
struct Surroundings {
    variables: Vec<(&'static str, OsString)>,
    // Holds the files.
    folder: RunFolder,
}

impl Surroundings {
    async fn prepare(parts: &Parts) -> Result<Self, Error> {
        let folder =
            RunFolder::create(&parts.run_id).map_err(Error::starting("the operator's folder"))?;
        let (listener, api) = listen("the Kubernetes API").await?;
        let access = Access::new(&parts.clock).map_err(Error::starting("the Kubernetes API"))?;
        parts.api.serve(listener, &access, &parts.tasks);
        let (listener, proxy) = listen("the gateway").await?;
        parts.gateway.serve(listener, &parts.tasks);

        let kubeconfig = access.kubeconfig(&format!("https://{api}"), "default");
        let kubeconfig = file(folder.path(), "kubeconfig", kubeconfig.expose())?;
        let authority = file(folder.path(), "ca.pem", parts.gateway.ca_pem().as_bytes())?;
        let proxy = OsString::from(format!("http://{proxy}"));
        let variables = vec![
            ("KUBECONFIG", kubeconfig.into()),
            ("HTTPS_PROXY", proxy.clone()),
            ("HTTP_PROXY", proxy),
            ("NO_PROXY", DIRECT.into()),
            ("SSL_CERT_FILE", authority.into()),
        ];
        Ok(Self { variables, folder })
    }
}

async fn listen(part: &'static str) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.map_err(Error::starting(part))?;
    let address = listener.local_addr().map_err(Error::starting(part))?;
    Ok((listener, address))
}

/// Writes a file into a folder that is the user's alone.
fn file(folder: &Path, name: &str, contents: &[u8]) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    std::fs::write(&path, contents).map_err(Error::starting("the operator's folder"))?;
    Ok(path)
}

struct Running {
    program: Program,
    /// What the cluster was given of the vaults' credentials.
    credentials: Vec<SecretValue>,
    tasks: TaskGroup,
    operator: Mutex<Option<Process>>,
    pods: Mutex<Option<Pods>>,
    // Last: nobody needs its files when all has ended.
    _folder: RunFolder,
}

#[async_trait]
impl Cluster for Running {
    async fn restart_operator(&self) -> Result<(), Error> {
        let mut operator = self.operator.lock().await;
        if let Some(running) = operator.take() {
            running.terminate().await;
        }
        *operator = Some(self.program.start().await?);
        Ok(())
    }

    async fn broken(&self) -> Error {
        self.program.died(&self.credentials).await
    }

    fn operator_log(&self, secret: &[SecretValue]) -> Vec<String> {
        self.program.log.last(SHOWN, secret)
    }

    fn whole_operator_log(&self, secret: &[SecretValue]) -> Vec<String> {
        let known = [secret, &self.credentials].concat();
        self.program.log.last(usize::MAX, &known)
    }

    async fn stop(&self) {
        if let Some(operator) = self.operator.lock().await.take() {
            operator.kill().await;
        }
        if let Some(pods) = self.pods.lock().await.take() {
            pods.stop().await;
        }
        self.tasks.shutdown().await;
    }
}
