//! The lab of one scenario on a real cluster.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::core::DynamicObject;
use kube::{Api, Client, ResourceExt};
use rotaproof_base::{Clock, Entropy, SecretValue, TaskGroup};
use rotaproof_pods::real_cluster::{Probe, SECRET_LABEL};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Territory, Turn, attend};
use crate::operator_log::OperatorLog;
use crate::parts::{Front, Ground, OWNER, Servers};
use crate::{Cluster, Error, Kept, Lab, Wanted};

/// What has pods.
const WORKLOADS: [&str; 8] = [
    "Pod",
    "Job",
    "CronJob",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "NotebookValidationJob",
];
/// Lines of the operator's log that explain a failure.
const SHOWN: usize = 8;

/// Starts the lab of the scenario whose turn it is.
pub(crate) async fn start(
    site: Arc<dyn Territory>,
    servers: Option<Servers<'_>>,
    turn: Turn,
    wanted: &Wanted<'_>,
    entropy: &Entropy,
) -> Result<Lab, Error> {
    let place = site.place();
    let client =
        Client::try_from(place.config.clone()).map_err(Error::starting(place.gone.part))?;
    let clock = Clock::system();
    let tasks = TaskGroup::new();
    // What a scenario left that was given up in its midst.
    site.clear(&client).await?;
    let front = Front::start(&Ground {
        wanted,
        entropy,
        clock: &clock,
        authority: Some(&place.authority),
        verifier: &place.verifier,
        client: &client,
        owner: site.owner(),
        servers,
        tasks: &tasks,
    })
    .await?;
    let door = place
        .door
        .try_clone()
        .and_then(|door| {
            door.set_nonblocking(true)?;
            TcpListener::from_std(door)
        })
        .map_err(Error::starting("the gateway"))?;
    front.gateway.serve(door, &tasks);
    let probe = Probe {
        image: place.probe_image.clone(),
        fingerprinter: front.fingerprinter.clone(),
    };
    if place.plays_notebooks {
        let notebooks = rotaproof_pods::OperatorOptions {
            clock: clock.clone(),
            probe: probe.clone(),
        };
        rotaproof_pods::start_operator(client.clone(), notebooks, &tasks);
    }
    let log = OperatorLog::default();
    let died = watch::Sender::new(None);
    tasks.spawn(attend::follow_operator(
        client.clone(),
        place.operator.clone(),
        log.clone(),
        died.clone(),
        tasks.handle(),
    ));
    let operator = &place.operator;
    operator
        .have_flags(&client, &place.arguments, wanted.eso)
        .await?;
    let whose = site.clone();
    let furniture = move |kind: &str, object: &DynamicObject| {
        object.labels().contains_key(SECRET_LABEL) || whose.is_furniture(kind, object)
    };
    let cluster = Running {
        site,
        probe,
        client: client.clone(),
        clock: clock.clone(),
        log,
        credentials: front.credentials.clone(),
        died,
        tasks,
        turn: Mutex::new(Some(turn)),
    };
    let lab = front.into_lab(client, clock, Arc::new(|_| None), Box::new(cluster));
    Ok(Lab {
        furniture: Arc::new(furniture),
        ..lab
    })
}

struct Running {
    site: Arc<dyn Territory>,
    client: Client,
    clock: Clock,
    /// What pods run.
    probe: Probe,
    log: OperatorLog,
    /// What the cluster was given of the vaults' credentials.
    credentials: Vec<SecretValue>,
    /// How the operator's pod ended, where nobody had asked it to.
    died: watch::Sender<Option<String>>,
    tasks: TaskGroup,
    turn: Mutex<Option<Turn>>,
}

#[async_trait]
impl Cluster for Running {
    async fn admit(&self, object: &mut Value) -> Result<(), Error> {
        self.site.admit(&self.client, object).await?;
        let kind = object["kind"].as_str().unwrap_or_default();
        if !WORKLOADS.contains(&kind) {
            return Ok(());
        }
        let namespace = object.pointer("/metadata/namespace");
        let namespace = namespace.and_then(Value::as_str).unwrap_or("default");
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let mut secret = self.probe.secret(namespace);
        if let Some(owner) = self.site.owner() {
            secret.labels_mut().insert(OWNER.into(), owner.into());
        }
        match secrets.create(&PostParams::default(), &secret).await {
            Ok(_) => {}
            // It is there already; or there is no such namespace, as the API will say of the workload too.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => return Err(Error::starting("the pods' probe")(error)),
        }
        self.probe
            .dress(object)
            .map_err(Error::starting("the pods' probe"))
    }

    async fn restart_operator(&self) -> Result<(), Error> {
        let operator = &self.site.place().operator;
        operator
            .restart(&self.client, &self.clock.now().to_string())
            .await
    }

    async fn permit_deletion(&self, object: &Value) -> Result<(), Error> {
        self.site.permit_deletion(&self.client, object).await
    }

    async fn broken(&self) -> Error {
        let mut died = self.died.subscribe();
        tokio::select! {
            error = attend::api_gone(&self.client, self.site.place().gone) => error,
            // The sender is this value's own: it cannot be gone.
            how = died.wait_for(Option::is_some) => Error {
                action: "go on",
                evidence: self.log.last(SHOWN, &self.credentials),
                ..Error::starting("the External Secrets Operator")(
                    how.ok().and_then(|how| how.clone()).unwrap_or_default(),
                )
            },
        }
    }

    async fn check(&self) -> Result<(), Error> {
        attend::answers(&self.client, self.site.place().gone).await
    }

    fn operator_log(&self, secret: &[SecretValue]) -> Vec<String> {
        self.log.last(SHOWN, secret)
    }

    fn whole_operator_log(&self, secret: &[SecretValue]) -> Vec<String> {
        let known = [secret, &self.credentials].concat();
        self.log.last(usize::MAX, &known)
    }

    async fn keep(&self) -> Result<Kept, Error> {
        let kept = {
            let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            self.site.keep_as_left(&mut turn)
        };
        match kept {
            Ok(_) => self.tasks.shutdown().await,
            Err(_) => self.stop().await,
        }
        kept
    }

    async fn stop(&self) {
        // The next scenario does it again where this fails, and tells why.
        if let Err(error) = self.site.clear(&self.client).await {
            tracing::warn!(%error, "not tidied");
        }
        self.tasks.shutdown().await;
    }
}
