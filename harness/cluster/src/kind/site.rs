//! What all scenarios of a run share: the cluster with its operator, the gateway's door and authority.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryFutureExt;
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::api::{ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DynamicObject;
use kube::runtime::wait::await_condition;
use kube::{Api, Client, ResourceExt};
use rotaproof_backends::{ClusterIdentity, Containers};
use rotaproof_base::{Clock, Entropy, RunFolder, RunId};
use rotaproof_gateway::Authority;
use serde_json::json;

use super::hold::Hold;
use super::operator::{self, Installation, NAMESPACE};
use super::settings::KindSettings;
use super::tidy::Baseline;
use super::{collector, creation, images, reviewer};
use crate::parts::Servers;
use crate::real::{
    Gone, Keys, MANAGER, Place, Surroundings, Territory, Turn, deliver_authority, establish,
    service_address,
};
use crate::{Error, Kept, Standing};

const PART: &str = "the kind cluster";
/// How it is told that the cluster is gone.
const GONE: Gone = Gone {
    part: PART,
    next: "look at `docker ps --all` and at the node's log (`docker logs`); the next run makes a new cluster",
};
/// A node is ready some seconds after its kubelet; on a machine that is busy, many.
const READY: Duration = Duration::from_secs(180);

/// The cluster of a run.
pub(super) struct Site {
    place: Place,
    /// What was there before the first scenario.
    baseline: Baseline,
    /// How Vault reaches the cluster.
    identity: ClusterIdentity,
    /// Ended before the cluster.
    containers: Mutex<Option<Arc<Containers>>>,
    claim: Mutex<Option<Claim>>,
    kubeconfig: PathBuf,
    /// The last turn, where the cluster stays as its scenario left it: nobody else's comes.
    last: Mutex<Option<Turn>>,
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
        let delete = || crate::real::blocking()?.block_on(creation::delete(hold));
        let deleted = std::thread::scope(|scope| scope.spawn(delete).join());
        if let Ok(Err(error)) = deleted {
            tracing::warn!(%error, "left for the next run");
        }
    }
}

/// What a cluster of ours is called after `rotaproof-`.
fn own_name(cluster: &str) -> &str {
    cluster.strip_prefix("rotaproof-").unwrap_or(cluster)
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
        if found && hold.is_as_left() {
            return Err(Error {
                next: Some(format!(
                    "look at it, then `rotaproof gc --cluster {}` deletes it",
                    own_name(&cluster)
                )),
                ..Error::starting(PART)(format!(
                    "the cluster {cluster} is as a scenario left it (--keep)"
                ))
            });
        }
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
        let operator = operator::installed();
        collector::knows_external_secrets(&client).await?;
        said.done("Kubernetes' garbage collector knows its kinds");
        let baseline = Baseline::take(&client).await?;
        if let (true, Some(hold)) = (settings.reuse.is_some(), &claim.hold) {
            hold.keep()?;
            claim.stays = true;
        }
        Ok(Self {
            place: Place {
                config,
                door,
                authority,
                verifier: keys.verifier(),
                arguments: operator.arguments(&client).await?,
                operator,
                probe_image: settings.probe_image,
                plays_notebooks: true,
                gone: GONE,
            },
            identity,
            containers: Mutex::new(Some(Arc::new(containers))),
            baseline,
            claim: Mutex::new(Some(claim)),
            kubeconfig,
            last: Mutex::default(),
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

    /// The servers, as a scenario's vaults stand on them.
    pub(super) fn servers<'a>(&'a self, containers: &'a Containers) -> Servers<'a> {
        Servers {
            containers,
            cluster: &self.identity,
        }
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

#[async_trait]
impl Territory for Site {
    fn place(&self) -> &Place {
        &self.place
    }

    fn keep_as_left(&self, turn: &mut Option<Turn>) -> Result<Kept, Error> {
        let mut claim = self.claim.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = || Error::starting(PART)("its run has ended");
        let claim = claim.as_mut().ok_or_else(ended)?;
        let hold = claim.hold.as_ref().ok_or_else(ended)?;
        let kubeconfig = hold.keep_as_left(&self.kubeconfig)?;
        let name = own_name(hold.name()).to_owned();
        claim.stays = true;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = turn.take();
        Ok(Kept {
            name,
            kubeconfig,
            operator: Standing {
                namespace: Some(self.place.operator.namespace.clone()),
                kind: "deployment",
                name: self.place.operator.deployment.clone(),
            },
        })
    }

    async fn clear(&self, client: &Client) -> Result<(), Error> {
        self.baseline.restore(client).await
    }

    fn is_furniture(&self, kind: &str, object: &DynamicObject) -> bool {
        !self.baseline.is_extra(kind, object) || self.baseline.is_past(kind, object)
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

/// What the operator and the scenarios find: its namespace, the authority, the first user's kind.
async fn prepare(client: &Client, authority: &str) -> Result<(), Error> {
    let apply = PatchParams::apply(MANAGER).force();
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    Api::<Namespace>::all(client.clone())
        .patch(NAMESPACE, &apply, &Patch::Apply(namespace))
        .await
        .map_err(Error::starting(PART))?;
    deliver_authority(client, NAMESPACE, authority, json!({})).await
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
