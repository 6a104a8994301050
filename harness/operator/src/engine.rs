//! What the controllers share, and how they start.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::watcher;
use rotaproof_base::{Clock, Entropy, TaskGroup};
use rotaproof_kinds::external_secrets::{
    ClusterSecretStore, ExternalSecret, SecretStore, SecretStoreSpec, StoreKind,
};

use crate::controller::{Cache, Key, Queue, Recorder, run_informer, run_recorder, throttled, work};
use crate::external_secret::{self, triggers};
use crate::provider::{Providers, StoreContext};
use crate::release::Release;
use crate::store::{self, StoreObject};

/// The label that every Secret of the engine carries.
pub(crate) const MANAGED_LABEL: &str = "reconcile.external-secrets.io/managed";

/// The controller class of a store that names none, or this one.
pub(crate) const CONTROLLER_CLASS: &str = "default";

/// How the engine runs: the flags of ESO that matter to it.
#[derive(Clone)]
pub struct Options {
    /// Wall time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Reconciles of one controller at a time (`--concurrent`, 1).
    pub concurrent: usize,
    /// How often a store is validated that says nothing itself (`--store-requeue-interval`, 5m).
    pub store_requeue: Duration,
    /// Whether an ExternalSecret fails at once while its store is not ready (`--enable-flood-gate`, true).
    pub flood_gate: bool,
    /// The vaults that it can speak to.
    pub providers: Providers,
    /// The ESO that it behaves as, where releases differ.
    pub release: Release,
    /// How long a worker lets the watch events of its last writes reach the caches before it reads them for the next
    /// reconcile. Against an API server ESO races with them; most often they win, and the default is the usual case.
    /// Zero is the other one: a reconcile that follows another at once reads the status from before, asks the vault
    /// once more, and gets a 409 for it.
    pub watch_latency: Duration,
    /// In place of every `refreshInterval` of an ExternalSecret that is not 0. ESO has no such flag: it is for people
    /// who do not want to wait, with manifests that they do not want to change.
    pub refresh: Option<Duration>,
}

impl Options {
    /// ESO's defaults.
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        Self {
            clock,
            entropy,
            concurrent: 1,
            store_requeue: Duration::from_secs(5 * 60),
            flood_gate: true,
            providers: Providers::builtin(),
            release: Release::default(),
            watch_latency: Duration::from_millis(1),
            refresh: None,
        }
    }
}

/// The running engine. It stops when this is dropped; [`Operator::stop`] also waits for it.
pub struct Operator {
    tasks: TaskGroup,
}

impl Operator {
    /// Stops the engine as a killed process stops: between two awaits, with nothing given back. Starting another one
    /// on the same cluster is a restart.
    pub async fn stop(self) {
        self.tasks.shutdown().await;
    }
}

/// Everything that reconcilers read.
pub(crate) struct Engine {
    pub(crate) client: kube::Client,
    /// The informers' own way to the API, past the throttle: each of controller-runtime's caches has clients of its own.
    watching: kube::Client,
    pub(crate) egress: rotaproof_egress::Client,
    pub(crate) options: Options,
    pub(crate) external_secrets: Arc<Cache<ExternalSecret>>,
    pub(crate) stores: Arc<Cache<SecretStore>>,
    pub(crate) cluster_stores: Arc<Cache<ClusterSecretStore>>,
    /// The Secrets with the managed label, whole.
    pub(crate) secrets: Arc<Cache<Secret>>,
    pub(crate) recorder: Recorder,
}

impl Engine {
    /// A store as its provider sees it.
    pub(crate) fn store_context(
        &self,
        kind: StoreKind,
        name: &str,
        namespace: &str,
        generation: i64,
        spec: Arc<SecretStoreSpec>,
    ) -> StoreContext {
        StoreContext {
            kind,
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            generation,
            spec,
            kube: self.client.clone(),
            egress: self.egress.clone(),
            clock: self.options.clock.clone(),
            entropy: self.options.entropy.clone(),
            release: self.options.release,
        }
    }
}

/// Starts the engine: informers at once, workers when the caches are filled.
///
/// `egress` is the way to the vaults. Kinds that the cluster does not have yet are waited for.
pub fn start(
    client: kube::Client,
    egress: rotaproof_egress::Client,
    options: Options,
    tasks: &TaskGroup,
) -> Operator {
    let tasks = tasks.child();
    let watching = client.clone();
    let client = throttled(client);
    let (recorder, notes) = Recorder::new(options.clock.clone());
    tasks.spawn(run_recorder(client.clone(), notes));
    let engine = Arc::new(Engine {
        client,
        watching,
        egress,
        options,
        external_secrets: Arc::default(),
        stores: Arc::default(),
        cluster_stores: Arc::default(),
        secrets: Arc::default(),
        recorder,
    });
    start_secret_cache(&engine, &tasks);
    start_stores::<SecretStore>(&engine, &tasks);
    start_stores::<ClusterSecretStore>(&engine, &tasks);
    start_external_secrets(&engine, &tasks);
    Operator { tasks }
}

fn start_secret_cache(engine: &Arc<Engine>, tasks: &TaskGroup) {
    let managed = watcher::Config::default().labels(&format!("{MANAGED_LABEL}=true"));
    let events = watcher(Api::<Secret>::all(engine.watching.clone()), managed);
    tasks.spawn(run_informer(events, engine.secrets.clone(), |_| {}));
}

fn start_stores<K: StoreObject>(engine: &Arc<Engine>, tasks: &TaskGroup) {
    let queue = Arc::new(Queue::new());
    let added = queue.clone();
    let events = watcher(
        Api::<K>::all(engine.watching.clone()),
        watcher::Config::default(),
    );
    let cache = K::cache(engine).clone();
    tasks.spawn(run_informer(events, cache, move |change| {
        if let Some(object) = change.new.or(change.old) {
            added.add(Key::of(&*object));
        }
    }));
    for _ in 0..engine.options.concurrent.max(1) {
        let (engine, queue) = (engine.clone(), queue.clone());
        tasks.spawn(async move {
            K::cache(&engine).synced().await;
            let latency = engine.options.watch_latency;
            work(queue, latency, |key| {
                store::reconcile::<K>(engine.clone(), key)
            })
            .await;
        });
    }
}

fn start_external_secrets(engine: &Arc<Engine>, tasks: &TaskGroup) {
    let queue = Arc::new(Queue::new());
    let added = queue.clone();
    let events = watcher(
        Api::<ExternalSecret>::all(engine.watching.clone()),
        watcher::Config::default(),
    );
    let every_change = engine.options.release.reconciles_after_a_status();
    tasks.spawn(run_informer(
        events,
        engine.external_secrets.clone(),
        move |change| {
            if (every_change || triggers::external_secret_matters(&change))
                && let Some(object) = change.new.or(change.old)
            {
                added.add(Key::of(&*object));
            }
        },
    ));
    let metadata: Arc<Cache<PartialObjectMeta<Secret>>> = Arc::default();
    let (added, known) = (queue.clone(), engine.external_secrets.clone());
    let events = watcher(
        Api::<PartialObjectMeta<Secret>>::all(engine.watching.clone()),
        watcher::Config::default(),
    );
    tasks.spawn(run_informer(events, metadata.clone(), move |change| {
        for key in triggers::external_secrets_of(&change, &known) {
            added.add(key);
        }
    }));
    for _ in 0..engine.options.concurrent.max(1) {
        let (engine, queue, metadata) = (engine.clone(), queue.clone(), metadata.clone());
        tasks.spawn(async move {
            engine.external_secrets.synced().await;
            engine.secrets.synced().await;
            metadata.synced().await;
            engine.stores.synced().await;
            engine.cluster_stores.synced().await;
            let latency = engine.options.watch_latency;
            work(queue, latency, |key| {
                external_secret::reconcile(engine.clone(), key)
            })
            .await;
        });
    }
}
