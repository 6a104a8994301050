//! What all scenarios of a run share: the operator behind the gateway, and the way back.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::DeleteParams;
use kube::core::{DynamicObject, GroupVersionKind};
use kube::{Api, Client, Config, ResourceExt};
use rotaproof_base::{Clock, Entropy, RunId};
use rotaproof_gateway::Authority;
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};

use super::access::Access;
use super::lease::Lease;
use super::territory::{self, Territory};
use super::{ContextSettings, PART, address, reroute, strangers};
use crate::Error;
use crate::real::{
    self, AUTHORITY, Gone, Keys, Operator, Place, Surroundings, deliver_authority, establish,
    service_address,
};

/// On what a run makes for its own sake, beside what its scenarios apply.
const LANE: &str = "dev.rotaproof/lane";
const NOTEBOOKS: &str = "notebookvalidationjobs.mlops.mlops.dev";
/// How it is told that the cluster is gone.
const GONE: Gone = Gone {
    part: PART,
    next: "look at the cluster; once it is back, `rotaproof gc --context NAME` puts its operator back",
};

/// The cluster of a run.
pub(super) struct Site {
    place: Place,
    territory: Territory,
    claim: Mutex<Option<Claim>>,
}

/// An operator that is not as it was. Dropping it puts all back.
struct Claim {
    config: Config,
    operator: Operator,
    lease: Option<Lease>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        let way_back = || {
            real::blocking()?.block_on(async {
                let client =
                    Client::try_from(self.config.clone()).map_err(Error::starting(PART))?;
                let outcome = put_back(&client, &self.operator).await;
                lease.give_back(&client, &self.operator.namespace).await;
                outcome.map(drop)
            })
        };
        // A runtime cannot be entered from within another, and a start may be given up in the midst of one.
        let done = std::thread::scope(|scope| scope.spawn(way_back).join());
        if let Ok(Err(error)) = done {
            tracing::error!(%error, next = error.next, "left for `rotaproof gc --context` or the next run");
        }
    }
}

/// What was put back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    /// The operator's Deployment, where it was not as it had been.
    pub operator: Option<String>,
    /// How many objects of scenarios were deleted.
    pub objects: usize,
}

/// Puts the operator back, and deletes what runs have left. Whoever calls it has the lease.
async fn put_back(client: &Client, operator: &Operator) -> Result<PutBack, Error> {
    // What the operator has finalizers on goes while the operator is there.
    let objects = territory::sweep(client).await?;
    let was_rerouted = reroute::put_back(client, operator).await?;
    let own = |labels: &std::collections::BTreeMap<String, String>| labels.contains_key(LANE);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &operator.namespace);
    let map = maps
        .get_opt(AUTHORITY)
        .await
        .map_err(Error::starting(PART))?;
    if map.is_some_and(|map| own(map.labels())) {
        let deleted = maps.delete(AUTHORITY, &DeleteParams::default()).await;
        deleted.map_err(Error::starting(PART))?;
    }
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crd = crds
        .get_opt(NOTEBOOKS)
        .await
        .map_err(Error::starting(PART))?;
    if crd.is_some_and(|crd| own(crd.labels())) {
        let deleted = crds.delete(NOTEBOOKS, &DeleteParams::default()).await;
        deleted.map_err(Error::starting(PART))?;
    }
    let name = format!("{}/{}", operator.namespace, operator.deployment);
    Ok(PutBack {
        operator: was_rerouted.then_some(name),
        objects,
    })
}

/// Puts back what runs have left on a cluster that were killed.
pub(super) async fn sweep(context: Option<&str>, entropy: &Entropy) -> Result<PutBack, Error> {
    let access = Access::find(context).await?;
    let client = Client::try_from(access.config.clone()).map_err(Error::starting(PART))?;
    let operator = reroute::find(&client).await?;
    let run = RunId::draw(entropy).to_string();
    let lease = Lease::take(&access.config, &operator.namespace, &run).await?;
    let outcome = put_back(&client, &operator).await;
    lease.give_back(&client, &operator.namespace).await;
    outcome
}

impl Site {
    /// Brings the cluster's operator behind the gateway.
    pub(super) async fn begin(
        settings: &ContextSettings,
        entropy: &Entropy,
    ) -> Result<Self, Error> {
        let access = Access::find(settings.context.as_deref()).await?;
        let config = access.config;
        let client = Client::try_from(config.clone()).map_err(Error::starting(PART))?;
        let operator = reroute::find(&client).await?;
        serves_v1(&client).await?;
        if !settings.allow_writes {
            return Err(not_allowed(&client, &operator).await);
        }
        let door = address::door(
            settings.gateway_address,
            settings.pod,
            access.context.as_deref(),
        )
        .await?;
        let run = RunId::draw(&entropy.fork(&format!("context {}", std::process::id())));
        let run = run.to_string();
        let lease = Lease::take(&config, &operator.namespace, &run).await?;
        let claim = Claim {
            config: config.clone(),
            operator: operator.clone(),
            lease: Some(lease),
        };
        let left = put_back(&client, &operator).await?;
        if left != PutBack::default() {
            (settings.tell)("what a killed run left on the cluster is put back");
        }
        strangers::refuse(&client).await?;
        let authority = Authority::new(Clock::system(), entropy.fork("authority"))
            .map_err(Error::starting("the gateway"))?;
        let labels = json!({LANE: run});
        deliver_authority(&client, &operator.namespace, authority.pem(), labels).await?;
        let plays_notebooks = !is_served(
            &client,
            "mlops.mlops.dev",
            "v1alpha1",
            "NotebookValidationJob",
        )
        .await?;
        if plays_notebooks {
            let mut crd = rotaproof_kinds::notebook_validation_job();
            crd["metadata"]["labels"][LANE] = json!(run);
            establish(&client, crd).await?;
        }
        let keys = Keys::ask(&client).await?;
        let arguments = operator.arguments(&client).await?;
        let surroundings = Surroundings {
            gateway: door.local_addr().map_err(Error::starting("the gateway"))?,
            api: &service_address(&client).await?,
            run: &run,
        };
        (settings.tell)(&format!(
            "bringing the operator {}/{} behind the gateway",
            operator.namespace, operator.deployment
        ));
        reroute::reroute(&client, &operator, &surroundings).await?;
        Ok(Self {
            territory: Territory::new(run, operator.clone()),
            place: Place {
                config,
                door,
                authority,
                verifier: keys.verifier(),
                operator,
                arguments,
                probe_image: settings.probe_image.clone(),
                plays_notebooks,
                gone: GONE,
            },
            claim: Mutex::new(Some(claim)),
        })
    }

    /// Puts all back.
    pub(super) fn end(&self) {
        let mut claim = self.claim.lock().unwrap_or_else(PoisonError::into_inner);
        drop(claim.take());
    }
}

/// What would be changed, which nobody has allowed.
async fn not_allowed(client: &Client, operator: &Operator) -> Error {
    let mut evidence = reroute::changes(operator);
    // Asked for the message only.
    if reroute::is_rerouted(client, operator)
        .await
        .unwrap_or(false)
    {
        evidence.push("what a killed run left: the operator is still behind its gateway".into());
    }
    Error {
        action: "be used",
        evidence,
        next: Some("give --allow-writes, where all of this may be".into()),
        ..Error::starting(PART)("a run changes what is not its own, and that is not allowed")
    }
}

async fn is_served(client: &Client, group: &str, version: &str, kind: &str) -> Result<bool, Error> {
    let kind = GroupVersionKind::gvk(group, version, kind);
    match kube::discovery::pinned_kind(client, &kind).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code != 404 => {
            Err(Error::starting(PART)(status.message.clone()))
        }
        Err(kube::Error::Api(_) | kube::Error::Discovery(_)) => Ok(false),
        Err(error) => Err(Error::starting(PART)(error)),
    }
}

async fn serves_v1(client: &Client) -> Result<(), Error> {
    match is_served(client, "external-secrets.io", "v1", "ExternalSecret").await? {
        true => Ok(()),
        false => Err(Error {
            action: "be used",
            ..Error::starting(PART)(
                "it does not serve external-secrets.io/v1: its operator is older than 0.16",
            )
        }),
    }
}

#[async_trait]
impl real::Territory for Site {
    fn place(&self) -> &Place {
        &self.place
    }

    fn owner(&self) -> Option<&str> {
        Some(self.territory.run())
    }

    async fn clear(&self, client: &Client) -> Result<(), Error> {
        self.territory.clear(client).await
    }

    fn is_furniture(&self, kind: &str, object: &DynamicObject) -> bool {
        self.territory.is_furniture(kind, object)
    }

    async fn admit(&self, client: &Client, object: &mut Value) -> Result<(), Error> {
        self.territory.admit(client, object).await
    }

    async fn permit_deletion(&self, client: &Client, object: &Value) -> Result<(), Error> {
        self.territory.permit_deletion(client, object).await
    }
}
