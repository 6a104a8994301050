//! What the kubelet's workers and the controllers share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, PostParams};
use kube::{Client, Resource, ResourceExt};
use rotaproof_base::{Clock, Entropy, Fingerprinter, TaskHandle};
use serde_json::json;

use crate::{LogSink, Options};

pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) fingerprinter: Fingerprinter,
    pub(crate) logs: Arc<dyn LogSink>,
    pub(crate) sync_period: Duration,
    pub(crate) node_name: String,
    /// The folder of the pods' files.
    pub(crate) root: PathBuf,
    pub(crate) tasks: TaskHandle,
    events: Entropy,
}

/// How a Kubernetes timestamp is written.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Context {
    pub(crate) fn new(client: Client, options: Options, root: PathBuf, tasks: TaskHandle) -> Self {
        Self {
            client,
            clock: options.clock,
            events: options.entropy.fork("pods/events"),
            entropy: options.entropy.fork("pods"),
            fingerprinter: options.fingerprinter,
            logs: options.logs,
            sync_period: options.sync_period,
            node_name: options.node_name,
            root,
            tasks,
        }
    }

    /// The present time as Kubernetes writes it.
    pub(crate) fn now(&self) -> String {
        rfc3339(self.clock.now())
    }

    /// Records an event about an object. An event is a courtesy: where it cannot be written, work goes on.
    pub(crate) async fn record<K>(
        &self,
        about: &K,
        component: &str,
        kind: EventKind,
        reason: &str,
        message: &str,
    ) where
        K: Resource<DynamicType: Default>,
    {
        self.record_as(
            about,
            &K::DynamicType::default(),
            component,
            kind,
            reason,
            message,
        )
        .await;
    }

    /// As [`Context::record`], for an object whose type is known at run time only.
    pub(crate) async fn record_as<K: Resource>(
        &self,
        about: &K,
        type_: &K::DynamicType,
        component: &str,
        kind: EventKind,
        reason: &str,
        message: &str,
    ) {
        let namespace = about.namespace().unwrap_or_default();
        let suffix = self.events.text(b"0123456789abcdef", 16);
        let now = self.now();
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": format!("{}.{suffix}", about.name_any()), "namespace": namespace},
            "involvedObject": {
                "apiVersion": K::api_version(type_), "kind": K::kind(type_), "namespace": namespace,
                "name": about.name_any(), "uid": about.uid(), "resourceVersion": about.resource_version(),
            },
            "type": match kind { EventKind::Normal => "Normal", EventKind::Warning => "Warning" },
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "reportingComponent": component,
            "reportingInstance": if component == "kubelet" { self.node_name.as_str() } else { "" },
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        });
        let Ok(event) = serde_json::from_value::<Event>(event) else {
            return;
        };
        let api = Api::<Event>::namespaced(self.client.clone(), &namespace);
        if let Err(error) = api.create(&PostParams::default(), &event).await {
            tracing::debug!(reason, %error, "cannot record an event");
        }
    }
}

/// Whether an event is expected or not.
#[derive(Clone, Copy)]
pub(crate) enum EventKind {
    Normal,
    Warning,
}

/// Writes the fields of a status that differ from what the object has; a null removes a field.
pub(crate) async fn write_status<K>(
    api: &kube::Api<K>,
    object: &K,
    wanted: serde_json::Value,
) -> kube::Result<()>
where
    K: Resource + Clone + serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let present = serde_json::to_value(object).unwrap_or_default();
    let present = present.get("status");
    let differs =
        |name: &str, value: &serde_json::Value| match present.and_then(|status| status.get(name)) {
            Some(present) => present != value,
            None => !value.is_null(),
        };
    let serde_json::Value::Object(wanted) = wanted else {
        return Ok(());
    };
    let changed: serde_json::Map<_, _> = wanted
        .into_iter()
        .filter(|(name, value)| differs(name, value))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let patch = kube::api::Patch::Merge(json!({"status": changed}));
    let params = kube::api::PatchParams::default();
    api.patch_status(&object.name_any(), &params, &patch)
        .await
        .map(drop)
}

/// Waits a while where the API did not answer.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(1);
