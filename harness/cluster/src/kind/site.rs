//! What all scenarios of a run share: the cluster with its operator, the gateway's door and authority.

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::TryFutureExt;
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, ResourceExt};
use rotaproof_backends::{ClusterIdentity, Containers};
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, RunFolder, RunId};
use rotaproof_gateway::Authority;
use serde_json::{Value, json};

use super::hold::Hold;
use super::operator::{self, AUTHORITY, Installation, NAMESPACE, Surroundings};
use super::settings::KindSettings;
use super::tidy::Baseline;
use super::{collector, creation, images, reviewer};
use crate::Error;

const PART: &str = "the kind cluster";
/// Who applies what every scenario finds, in `managedFields`.
const MANAGER: &str = "rotaproof-lane";
/// A node is ready some seconds after its kubelet; on a machine that is busy, many.
const READY: Duration = Duration::from_secs(180);

/// The cluster of a run.
pub(super) struct Site {
    pub(super) settings: KindSettings,
    pub(super) config: kube::Config,
    /// Where each scenario's gateway listens, one after another.
    pub(super) door: TcpListener,
    pub(super) authority: Authority,
    pub(super) verifier: Verifier,
    /// The flags that the chart gives the operator.
    pub(super) arguments: Vec<String>,
    /// What was there before the first scenario.
    pub(super) baseline: Baseline,
    /// How Vault reaches the cluster.
    pub(super) identity: ClusterIdentity,
    /// Ended before the cluster.
    containers: Mutex<Option<Arc<Containers>>>,
    claim: Mutex<Option<Claim>>,
    // Holds the kubeconfig.
    _folder: RunFolder,
}

/// A cluster that is this run's. Dropping it deletes the cluster, unless it is to stay.
struct Claim {
    hold: Option<Hold>,
    stays: bool,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Some(hold) = self.hold.take().filter(|_| !self.stays) else {
            return;
        };
        // A runtime cannot be entered from within another, and a start may be given up in the midst of one.
        let delete = || super::blocking()?.block_on(creation::delete(hold));
        let deleted = std::thread::scope(|scope| scope.spawn(delete).join());
        if let Ok(Err(error)) = deleted {
            tracing::warn!(%error, "left for the next run");
        }
    }
}

/// A cluster of ours is called so; from the second of a run on, with its number.
pub(super) fn name(own: &str, ordinal: usize) -> String {
    match ordinal {
        0 => format!("rotaproof-{own}"),
        further => format!("rotaproof-{own}-{}", further + 1),
    }
}

impl Site {
    /// Makes the cluster, or takes the one of that name, up to its operator.
    pub(super) async fn begin(
        settings: KindSettings,
        ordinal: usize,
        entropy: &Entropy,
    ) -> Result<Self, Error> {
        let clock = Clock::system();
        let run = RunId::draw(&entropy.fork(&format!("kind {} {ordinal}", std::process::id())));
        let cluster = match &settings.reuse {
            Some(kept) => name(kept, ordinal),
            None => name(&run.to_string(), 0),
        };
        let mut said = Said::new(&settings, &cluster, clock.clone());
        let folder = RunFolder::create(&run).map_err(Error::starting(PART))?;
        let hold = Hold::take(&cluster)?;
        let found = settings.reuse.is_some() && creation::exists(&cluster).await?;
        let mut claim = Claim {
            hold: Some(hold),
            stays: found,
        };
        let installation = Installation::prepare(&settings.chart, folder.path())?;
        let servers = rotaproof_backends::Settings {
            aws: settings.aws,
            hashicorp: settings.hashicorp,
            ..rotaproof_backends::Settings::default()
        };
        let root_tokens = Entropy::from_system()
            .map_err(|_| Error::starting("Vault's dev server")("this machine has no randomness"))?;
        let authority = Authority::new(clock.clone(), entropy.fork("authority"))
            .map_err(Error::starting("the gateway"))?;
        // The servers are up before a new cluster is; one that is there already is not kept waiting for them.
        let servers = Containers::start(servers, &run, root_tokens).map_err(no_container);
        let cluster_up = async {
            let (kubeconfig, rendered) = tokio::try_join!(
                async {
                    if found {
                        return creation::kubeconfig(&cluster, folder.path()).await;
                    }
                    said.begins("is being created");
                    creation::create(&cluster, &settings.node_image, folder.path()).await
                },
                installation.render(),
            )?;
            said.done(if found { "is there" } else { "is created" });
            let config = configured(&kubeconfig).await?;
            let client = Client::try_from(config.clone()).map_err(Error::starting(PART))?;
            let door = door().await?;
            let surroundings = Surroundings {
                gateway: door.local_addr().map_err(Error::starting("the gateway"))?,
                api: &service_address(&client).await?,
                run: &run.to_string(),
            };
            let mut images = rendered.images;
            images.push(settings.probe_image.clone());
            let mut crds = rendered.crds;
            crds.push(rotaproof_kinds::notebook_validation_job());
            tokio::try_join!(
                images::load(&cluster, &images, &settings),
                node_is_ready(&client),
                prepare(&client, authority.pem()),
                try_join_all(crds.into_iter().map(|crd| establish(&client, crd))),
            )?;
            said.done("the node is ready, the images and the custom resources are there");
            installation.install(&kubeconfig, &surroundings).await?;
            said.done("the External Secrets Operator is available");
            Ok((kubeconfig, config, client, door))
        };
        let (containers, (kubeconfig, config, client, door)) =
            tokio::try_join!(servers, cluster_up)?;
        containers
            .join(creation::NETWORK)
            .await
            .map_err(no_container)?;
        let keys = Keys::ask(&client).await?;
        let identity = ClusterIdentity {
            host: creation::api_address(&cluster).await?,
            ca_pem: authority_of(&kubeconfig)?,
            reviewer_token: Some(reviewer::token(&client).await?),
            issuer: Some(keys.issuer.clone()),
            jwks: keys.jwks.clone(),
        };
        collector::knows_external_secrets(&client).await?;
        said.done("Kubernetes' garbage collector knows its kinds");
        let baseline = Baseline::take(&client).await?;
        if let (true, Some(hold)) = (settings.reuse.is_some(), &claim.hold) {
            hold.keep()?;
            claim.stays = true;
        }
        Ok(Self {
            settings,
            config,
            door,
            authority,
            verifier: Verifier::from_jwks(&keys.issuer, &keys.jwks),
            identity,
            containers: Mutex::new(Some(Arc::new(containers))),
            arguments: operator::arguments(&client).await?,
            baseline,
            claim: Mutex::new(Some(claim)),
            _folder: folder,
        })
    }

    /// The servers in containers, while the run lasts.
    pub(super) fn containers(&self) -> Option<Arc<Containers>> {
        let containers = self
            .containers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        containers.clone()
    }

    /// Removes the containers and the cluster, unless it is to stay.
    pub(super) fn end(&self) {
        drop(
            self.containers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        drop(
            self.claim
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}

/// Tells what was done, and how long it took.
struct Said {
    tell: super::Tell,
    cluster: String,
    clock: Clock,
    since: Duration,
}

impl Said {
    fn new(settings: &KindSettings, cluster: &str, clock: Clock) -> Self {
        Self {
            tell: settings.tell.clone(),
            cluster: cluster.to_owned(),
            since: clock.elapsed(),
            clock,
        }
    }

    fn begins(&self, what: &str) {
        (self.tell)(&format!("kind cluster {}: {what}", self.cluster));
    }

    fn done(&mut self, what: &str) {
        let now = self.clock.elapsed();
        let took = now.saturating_sub(self.since).as_secs_f64();
        (self.tell)(&format!(
            "kind cluster {}: {what} ({took:.1} s)",
            self.cluster
        ));
        self.since = now;
    }
}

async fn configured(kubeconfig: &Path) -> Result<kube::Config, Error> {
    let file = Kubeconfig::read_from(kubeconfig).map_err(Error::starting(PART))?;
    kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(Error::starting(PART))
}

async fn node_is_ready(client: &Client) -> Result<(), Error> {
    let nodes: Api<Node> = Api::all(client.clone());
    let all = nodes
        .list(&ListParams::default())
        .await
        .map_err(Error::starting(PART))?;
    let ready = |node: Option<&Node>| {
        let conditions = node.and_then(|node| node.status.as_ref()?.conditions.as_ref());
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
    };
    for node in all.items {
        let name = node.name_any();
        let waited = await_condition(nodes.clone(), &name, ready);
        match tokio::time::timeout(READY, waited).await {
            Ok(waited) => drop(waited.map_err(Error::starting(PART))?),
            Err(_) => {
                let seconds = READY.as_secs();
                return Err(Error::starting(PART)(format!(
                    "its node {name} was not ready within {seconds}s"
                )));
            }
        }
    }
    Ok(())
}

/// The address of the API's own service: the one that is not behind the gateway.
async fn service_address(client: &Client) -> Result<String, Error> {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let service = services
        .get("kubernetes")
        .await
        .map_err(Error::starting(PART))?;
    let address = service.spec.and_then(|spec| spec.cluster_ip);
    address.ok_or_else(|| Error::starting(PART)("the service `kubernetes` has no address"))
}

/// What the operator and the scenarios find: its namespace, the authority, the first user's kind.
async fn prepare(client: &Client, authority: &str) -> Result<(), Error> {
    let apply = PatchParams::apply(MANAGER).force();
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    Api::<Namespace>::all(client.clone())
        .patch(NAMESPACE, &apply, &Patch::Apply(namespace))
        .await
        .map_err(Error::starting(PART))?;
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": AUTHORITY, "namespace": NAMESPACE},
        "data": {"ca.pem": authority},
    });
    Api::<ConfigMap>::namespaced(client.clone(), NAMESPACE)
        .patch(AUTHORITY, &apply, &Patch::Apply(map))
        .await
        .map_err(Error::starting(PART))?;
    Ok(())
}

/// Applies a CustomResourceDefinition and waits until it is served.
async fn establish(client: &Client, mut crd: Value) -> Result<(), Error> {
    let name = crd["metadata"]["name"].as_str();
    let name = name.unwrap_or_default().to_owned();
    // What a chart's template leaves, which the API refuses to have applied.
    if let Some(crd) = crd.as_object_mut() {
        crd.remove("status");
    }
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let apply = PatchParams::apply(MANAGER).force();
    crds.patch(&name, &apply, &Patch::Apply(crd))
        .await
        .map_err(Error::starting("the custom resources"))?;
    let established = await_condition(crds, &name, conditions::is_crd_established());
    match tokio::time::timeout(READY, established).await {
        Ok(established) => established
            .map(drop)
            .map_err(Error::starting("the custom resources")),
        Err(_) => Err(Error::starting("the custom resources")(format!(
            "{name} was not established within {}s",
            READY.as_secs()
        ))),
    }
}

fn no_container(error: rotaproof_backends::Error) -> Error {
    Error {
        next: Some("`rotaproof doctor --lane kind` looks at Docker and the images".into()),
        ..Error::starting("a vault's container")(error)
    }
}

/// Where pods reach this machine: the gateway of the nodes' network.
async fn door() -> Result<TcpListener, Error> {
    let address = creation::gateway_address().await?;
    TcpListener::bind((address, 0)).map_err(|error| Error {
        next: Some(format!(
            "the gateway listens where pods reach this machine, at the gateway of docker network `{}`; Docker Desktop has no \
             such address",
            creation::NETWORK
        )),
        ..Error::starting("the gateway")(format!("{address}: {error}"))
    })
}

/// The keys of the cluster's service account tokens.
struct Keys {
    issuer: String,
    jwks: Value,
}

impl Keys {
    async fn ask(client: &Client) -> Result<Self, Error> {
        let get = async |path: &str| -> Result<Value, Error> {
            let request = http::Request::get(path)
                .body(Vec::new())
                .map_err(Error::starting(PART))?;
            client.request(request).await.map_err(Error::starting(PART))
        };
        let discovery = get("/.well-known/openid-configuration").await?;
        let issuer = discovery["issuer"].as_str().unwrap_or_default().to_owned();
        let jwks = get("/openid/v1/jwks").await?;
        Ok(Self { issuer, jwks })
    }
}

/// The certificate of the cluster's own authority.
fn authority_of(kubeconfig: &Path) -> Result<String, Error> {
    use base64::Engine;
    let file = Kubeconfig::read_from(kubeconfig).map_err(Error::starting(PART))?;
    let data = file
        .clusters
        .into_iter()
        .find_map(|named| named.cluster?.certificate_authority_data)
        .ok_or_else(|| Error::starting(PART)("its kubeconfig has no certificate authority"))?;
    let pem = base64::prelude::BASE64_STANDARD
        .decode(data)
        .map_err(Error::starting(PART))?;
    String::from_utf8(pem).map_err(Error::starting(PART))
}
