//! The embedded lane: everything in this process, in memory, in virtual time.
//!
//! Each lab has a current-thread runtime whose clock is paused: tokio moves it to the next timer exactly when no task
//! can run. That is exact because no task ever waits on a socket (every connection is an in-memory stream, with the
//! real hyper, rustls and SDKs on top), and deterministic because one thread runs everything.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rotaproof_apiserver::ApiServer;
use rotaproof_base::{Clock, Entropy, TaskGroup, memory};
use rotaproof_operator::Operator;
use rotaproof_pods::Pods;
use rotaproof_scenario::model::{Eso, EsoVersion};
use tokio::sync::Mutex;

use crate::parts::{Parts, Plan};
use crate::{Cluster, Error, Lab, Lane, Present, Wanted};

/// When every virtual day begins: the record's date.
const EPOCH: &str = "2025-11-08T00:00:00Z";

/// The embedded lane.
pub struct Embedded;

#[async_trait]
impl Lane for Embedded {
    fn name(&self) -> &str {
        "embedded"
    }

    fn runtime(&self) -> Result<tokio::runtime::Runtime, Error> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .map_err(Error::starting("the runtime"))
    }

    fn present(&self) -> Present {
        Present::Virtual(Duration::from_millis(1))
    }

    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error> {
        let epoch: Timestamp = EPOCH.parse().map_err(Error::starting("the clock"))?;
        let clock = Clock::starting_at(epoch);
        let interactive = Interactive::start(wanted, entropy, clock, None).await?;
        Ok(interactive.lab)
    }
}

/// An embedded lab on whatever clock, whose parts can be served to people's own tools.
pub struct Interactive {
    /// The lab.
    pub lab: Lab,
    /// Its Kubernetes API, for a listener.
    pub api: ApiServer,
    /// What serves it belongs here: it ends when the lab's cluster is stopped.
    pub tasks: TaskGroup,
}

impl Interactive {
    /// Starts the lab's parts. Must be called inside a tokio runtime whose clock `clock` follows. The operator takes
    /// `refresh` in place of every interval of an ExternalSecret.
    ///
    /// # Errors
    /// Where a part cannot start.
    pub async fn start(
        wanted: &Wanted<'_>,
        entropy: &Entropy,
        clock: Clock,
        refresh: Option<Duration>,
    ) -> Result<Self, Error> {
        let kinds = match wanted.eso.serves.contains(&EsoVersion::V1Beta1) {
            true => rotaproof_kinds::crds(),
            false => rotaproof_kinds::crds_without_v1beta1(),
        };
        let (parts, pods) = Parts::start(Plan {
            wanted,
            entropy,
            clock,
            kinds: &kinds,
            sync_period: rotaproof_pods::Options::SYNC_PERIOD,
        })
        .await?;
        let (proxy, listener) = memory();
        parts.gateway.serve(listener, &parts.tasks);
        let egress = rotaproof_egress::Client::builder(parts.clock.clone())
            .through_proxy(Arc::new(proxy))
            .trust_pem(parts.gateway.ca_pem())
            .build()
            .map_err(Error::starting("the operator's HTTP client"))?;
        let cluster = Running {
            client: parts.client.clone(),
            egress,
            clock: parts.clock.clone(),
            entropy: entropy.fork("operator"),
            refresh,
            eso: wanted.eso.clone(),
            tasks: parts.tasks.clone(),
            pods: Mutex::new(Some(pods)),
            operator: Mutex::new(None),
        };
        cluster.restart_operator().await?;
        let (api, tasks) = (parts.api.clone(), parts.tasks.clone());
        let lab = parts.into_lab(Box::new(cluster));
        Ok(Self { lab, api, tasks })
    }
}

struct Running {
    client: kube::Client,
    egress: rotaproof_egress::Client,
    clock: Clock,
    entropy: Entropy,
    refresh: Option<Duration>,
    eso: Eso,
    tasks: TaskGroup,
    pods: Mutex<Option<Pods>>,
    operator: Mutex<Option<Operator>>,
}

#[async_trait]
impl Cluster for Running {
    async fn restart_operator(&self) -> Result<(), Error> {
        let mut operator = self.operator.lock().await;
        if let Some(running) = operator.take() {
            running.stop().await;
        }
        let mut options =
            rotaproof_operator::Options::new(self.clock.clone(), self.entropy.clone());
        options.refresh = self.refresh;
        if let Some(concurrent) = self.eso.concurrent {
            options.concurrent = concurrent.get().into();
        }
        if let Some(interval) = self.eso.store_requeue_interval {
            options.store_requeue = interval.0;
        }
        let client = self.client.clone();
        *operator = Some(rotaproof_operator::start(
            client,
            self.egress.clone(),
            options,
            &self.tasks,
        ));
        Ok(())
    }

    async fn stop(&self) {
        if let Some(operator) = self.operator.lock().await.take() {
            operator.stop().await;
        }
        if let Some(pods) = self.pods.lock().await.take() {
            pods.stop().await;
        }
        self.tasks.shutdown().await;
    }
}
