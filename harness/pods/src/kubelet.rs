//! The node: gives every pod a worker and tells the workers what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::ResourceExt;
use kube::api::Api;
use tokio::sync::mpsc;

use crate::context::Context;
use crate::sources::{self, Reference};
use crate::status::is_finished;
use crate::watch::{Change, Watch};
use crate::worker::{Signal, Worker};

/// Changes that may wait for a worker.
const BACKLOG: usize = 64;

struct Entry {
    namespace: String,
    references: BTreeSet<Reference>,
    signals: mpsc::Sender<Signal>,
}

struct Kubelet {
    context: Arc<Context>,
    workers: BTreeMap<String, Entry>,
    addresses: u32,
}

pub(crate) async fn run(context: Arc<Context>) {
    let mut pods = Watch::over(Api::<Pod>::all(context.client.clone()));
    let mut secrets = Watch::over(Api::<Secret>::all(context.client.clone()));
    let mut config_maps = Watch::over(Api::<ConfigMap>::all(context.client.clone()));
    let mut kubelet = Kubelet {
        context,
        workers: BTreeMap::new(),
        addresses: 0,
    };
    loop {
        tokio::select! {
            biased;
            change = secrets.next() => {
                kubelet.source_changed(change, Reference::Secret).await;
            }
            change = config_maps.next() => {
                kubelet.source_changed(change, Reference::ConfigMap).await;
            }
            change = pods.next() => kubelet.pod_changed(change).await,
        }
    }
}

impl Kubelet {
    async fn pod_changed(&mut self, change: Change<Pod>) {
        match change {
            Change::Applied(pod) => self.pod_applied(pod).await,
            Change::Deleted(pod) => {
                if let Some(entry) = self.workers.remove(&pod.uid().unwrap_or_default()) {
                    // A worker that is gone has nothing left to end.
                    let _ = entry.signals.send(Signal::Gone).await;
                }
            }
            Change::Listed(present) => self.workers.retain(|uid, _| present.contains(uid)),
        }
    }

    async fn pod_applied(&mut self, pod: Pod) {
        let uid = pod.uid().unwrap_or_default();
        if let Some(entry) = self.workers.get(&uid) {
            let _ = entry.signals.send(Signal::Pod(Box::new(pod))).await;
            return;
        }
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
        let elsewhere = node.is_some_and(|node| !node.is_empty() && node != self.context.node_name);
        let being_deleted = pod.metadata.deletion_timestamp.is_some();
        if elsewhere || (is_finished(&pod) && !being_deleted) {
            return;
        }
        let (signals, inbox) = mpsc::channel(BACKLOG);
        let entry = Entry {
            namespace: pod.namespace().unwrap_or_default(),
            references: sources::of_pod(&pod),
            signals,
        };
        self.workers.insert(uid, entry);
        self.addresses += 1;
        // 10.244.0.2 and on, as the first pods of a kind node have.
        let address = self.addresses + 1;
        let ip = format!("10.244.{}.{}", address / 256 % 256, address % 256);
        let worker = Worker::new(Arc::clone(&self.context), pod, ip);
        self.context.tasks.spawn(worker.run(inbox));
    }

    async fn source_changed<K: kube::Resource>(
        &mut self,
        change: Change<K>,
        reference: impl Fn(String) -> Reference,
    ) {
        let (Change::Applied(object) | Change::Deleted(object)) = change else {
            return;
        };
        let namespace = object.namespace().unwrap_or_default();
        let reference = reference(object.name_any());
        for entry in self.workers.values() {
            if entry.namespace == namespace && entry.references.contains(&reference) {
                let _ = entry.signals.send(Signal::Source(reference.clone())).await;
            }
        }
    }
}
