//! One validation of a store.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::{Patch, PatchParams};
use rotaproof_kinds::GoDuration;
use rotaproof_kinds::external_secrets::{Condition, SecretStoreSpec, SecretStoreStatus};
use serde_json::{Map, Value, json};

use super::clients::{Clients, provider_key};
use super::object::{Store, StoreObject};
use super::{is_ours, set_condition};
use crate::controller::{Key, Outcome, Recorder, Subject};
use crate::engine::Engine;
use crate::provider::Validation;

/// Reconciles a store.
pub(crate) async fn reconcile<K: StoreObject>(
    engine: Arc<Engine>,
    key: Key,
) -> Result<Outcome, String> {
    let cache = K::cache(&engine);
    let Some(object) = cache.get(&key) else {
        return Ok(Outcome::Done);
    };
    let run = Run {
        engine: &engine,
        recorder: engine.recorder.component(K::COMPONENT),
        subject: Subject::of(&*object),
        store: Store::of(&*object, key.clone()),
    };
    let Some((outcome, status)) = run.reconcile().await else {
        return Ok(Outcome::Done);
    };
    // With some releases, a store that was deleted or replaced meanwhile keeps its status.
    let spared = engine.options.release.spares_a_replaced_store()
        && cache
            .get(&key)
            .is_none_or(|current| current.meta().uid != object.meta().uid);
    if !spared {
        let patch = Patch::Merge(status_patch(object.status(), &status));
        let written = K::api(engine.client.clone(), &key.namespace)
            .patch_status(&key.name, &PatchParams::default(), &patch)
            .await;
        // As in ESO, a status that cannot be written fails nothing.
        if let Err(error) = written {
            tracing::debug!(%error, "unable to patch status");
        }
    }
    outcome
}

/// The merge patch from one status to another; an empty object where nothing changed, which ESO sends as well.
fn status_patch(before: Option<&SecretStoreStatus>, after: &SecretStoreStatus) -> Value {
    let before = before.cloned().unwrap_or_default();
    let mut status = Map::new();
    if before.capabilities != after.capabilities {
        status.insert("capabilities".into(), json!(after.capabilities));
    }
    if before.conditions != after.conditions {
        status.insert("conditions".into(), json!(after.conditions));
    }
    if status.is_empty() {
        json!({})
    } else {
        json!({ "status": status })
    }
}

struct Run<'a> {
    engine: &'a Engine,
    recorder: Recorder,
    subject: Subject,
    store: Store,
}

impl Run<'_> {
    /// The outcome and the new status; nothing where the store is another controller's.
    async fn reconcile(mut self) -> Option<(Result<Outcome, String>, SecretStoreStatus)> {
        if !is_ours(&self.store.spec) {
            return None;
        }
        let requeue = match refresh_interval(&self.store.spec) {
            Ok(interval) if !interval.is_zero() => interval,
            Ok(_) => self.engine.options.store_requeue,
            Err(error) => {
                let error = Err(format!("invalid refreshInterval: {error}"));
                return Some((error, self.store.status));
            }
        };
        let outcome = match self.validate().await {
            Ok(Validation::Ready) => {
                self.recorder
                    .normal(&self.subject, "Valid", "store validated");
                self.condition("True", "Valid", "store validated");
                Ok(Outcome::After(requeue))
            }
            Ok(Validation::Unknown(_)) => Ok(Outcome::After(requeue)),
            Err(error) => Err(error),
        };
        Some((outcome, self.store.status))
    }

    async fn validate(&mut self) -> Result<Validation, String> {
        let mut clients = Clients::new(self.engine, false);
        let namespace = self.store.key.namespace.clone();
        let outcome = match clients.get_from_store(&self.store, &namespace).await {
            Err(error) => {
                let text = error.to_string();
                self.invalid("unable to create client", &text);
                Err(format!("could not get provider client: {text}"))
            }
            Ok(client) => match client.validate().await {
                Ok(Validation::Ready) => {
                    self.store.status.capabilities = self.capabilities();
                    Ok(Validation::Ready)
                }
                Ok(Validation::Unknown(reason)) => {
                    let message = "could not determine validation status";
                    self.condition("True", "ValidationUnknown", message);
                    self.recorder
                        .warning(&self.subject, "ValidationUnknown", reason.clone());
                    Ok(Validation::Unknown(reason))
                }
                Err(error) => {
                    let text = error.to_string();
                    self.invalid("unable to validate store", &text);
                    Err(format!("could not validate provider: {text}"))
                }
            },
        };
        clients.close().await;
        outcome
    }

    fn capabilities(&self) -> Option<String> {
        let key = provider_key(&self.store.key.name, &self.store.spec).ok()?;
        let provider = self.engine.options.providers.get(&key)?;
        Some(provider.capabilities().to_owned())
    }

    fn invalid(&mut self, message: &str, detail: &str) {
        self.condition("False", "InvalidProviderConfig", message);
        self.recorder
            .warning(&self.subject, "InvalidProviderConfig", detail);
    }

    fn condition(&mut self, status: &str, reason: &str, message: &str) {
        let condition = Condition {
            type_: "Ready".into(),
            status: status.into(),
            reason: Some(reason.into()),
            message: Some(message.into()),
            last_transition_time: Some(whole_seconds(&self.engine.options.clock)),
        };
        set_condition(&mut self.store.status.conditions, condition);
    }
}

/// Now, as a status holds it.
pub(crate) fn whole_seconds(clock: &rotaproof_base::Clock) -> Time {
    let now = clock.now();
    Time(jiff::Timestamp::from_second(now.as_second()).unwrap_or(now))
}

fn refresh_interval(spec: &SecretStoreSpec) -> Result<Duration, String> {
    match &spec.refresh_interval {
        None => Ok(Duration::ZERO),
        Some(IntOrString::Int(seconds)) => u64::try_from(*seconds)
            .map(Duration::from_secs)
            .map_err(|_| format!("invalid refreshInterval {seconds}: must not be negative")),
        Some(IntOrString::String(text)) => {
            let interval: GoDuration = text
                .parse()
                .map_err(|error| format!("invalid refreshInterval {text:?}: {error}"))?;
            if interval < GoDuration::default() {
                return Err(format!(
                    "invalid refreshInterval {text:?}: must not be negative"
                ));
            }
            Ok(interval.to_std())
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(json!(null), Ok(0))]
    #[case(json!(90), Ok(90))]
    #[case(json!("1h"), Ok(3600))]
    #[case(json!(-1), Err("invalid refreshInterval -1: must not be negative"))]
    #[case(json!("-1s"), Err("invalid refreshInterval \"-1s\": must not be negative"))]
    #[case(json!("1d"), Err("invalid refreshInterval \"1d\": time: unknown unit \"d\" in duration \"1d\""))]
    fn a_store_interval_is_seconds_or_a_go_duration(
        #[case] interval: Value,
        #[case] expected: Result<u64, &str>,
    ) {
        let spec =
            serde_json::from_value(json!({"provider": {}, "refreshInterval": interval})).unwrap();
        let seconds = refresh_interval(&spec).map(|interval| interval.as_secs());
        assert_eq!(seconds, expected.map_err(str::to_owned));
    }

    #[test]
    fn a_status_that_did_not_change_is_patched_with_nothing() {
        let status = SecretStoreStatus {
            capabilities: Some("ReadWrite".into()),
            conditions: Vec::new(),
        };
        assert_eq!(status_patch(Some(&status), &status), json!({}));
        assert_eq!(
            status_patch(None, &status),
            json!({"status": {"capabilities": "ReadWrite"}})
        );
    }
}
