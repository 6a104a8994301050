//! When an ExternalSecret is fetched again (ESO 2.9.0, `shouldRefresh`, `isSecretValid`, `getRequeueResult`).

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use rotaproof_kinds::GoDuration;
use rotaproof_kinds::external_secrets::{CreationPolicy, ExternalSecret, RefreshPolicy};

use super::windows;
use crate::controller::Outcome;
use crate::engine::MANAGED_LABEL;
use crate::hash;

pub(super) const DATA_HASH_ANNOTATION: &str = "reconcile.external-secrets.io/data-hash";

/// The API server's default; an ExternalSecret without an interval never reaches the controller.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);

fn interval(external: &ExternalSecret) -> GoDuration {
    external
        .spec
        .refresh_interval
        .unwrap_or(GoDuration::new(DEFAULT_INTERVAL))
}

/// Puts `refresh` in the place of an interval that is not 0.
pub(super) fn hasten(external: &mut ExternalSecret, refresh: Option<Duration>) {
    if let Some(refresh) = refresh.filter(|_| !interval(external).is_never()) {
        external.spec.refresh_interval = Some(GoDuration::new(refresh));
    }
}

/// Whether the policy asks for a fetch now.
pub(super) fn is_due(external: &ExternalSecret, now: Timestamp) -> bool {
    let status = external.status.clone().unwrap_or_default();
    let synced = status.synced_resource_version.unwrap_or_default();
    let refreshed = status.refresh_time.map(|time| time.0);
    let never = synced.is_empty() || refreshed.is_none();
    let changed = synced != hash::resource_version(&external.metadata);
    match external.spec.refresh_policy.unwrap_or_default() {
        RefreshPolicy::CreatedOnce => never,
        RefreshPolicy::OnChange => never || changed,
        RefreshPolicy::Periodic => {
            let interval = interval(external);
            if interval.is_never() && !synced.is_empty() {
                return false;
            }
            let Some(refreshed) = refreshed.filter(|_| !changed) else {
                return true;
            };
            if refreshed > now {
                return true;
            }
            // ESO asks for strictly later. Real time has always moved on a little when the timer fires; virtual
            // time has not, so the very instant counts.
            let Ok(next) = refreshed.checked_add(interval.to_std()) else {
                return false;
            };
            next <= now && windows::permit(external.spec.sync_windows.as_ref(), now)
        }
    }
}

/// Whether the target still is what was last written.
pub(super) fn is_intact(external: &ExternalSecret, existing: Option<&Secret>) -> bool {
    if external.spec.target.creation_policy == CreationPolicy::Orphan {
        return true;
    }
    let Some(secret) = existing else {
        return false;
    };
    let label = secret
        .metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(MANAGED_LABEL));
    let written = secret
        .metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(DATA_HASH_ANNOTATION));
    label.is_some_and(|value| value == "true")
        && written.is_some_and(|written| *written == hash::data(secret.data.as_ref()))
}

/// When to come back: at the end of the interval, counted from the last success.
pub(super) fn come_back(external: &ExternalSecret, now: Timestamp) -> Outcome {
    let interval = interval(external);
    if interval.is_never() {
        return Outcome::Done;
    }
    let interval = interval.to_std();
    let refreshed = external
        .status
        .as_ref()
        .and_then(|status| status.refresh_time.as_ref());
    let Some(refreshed) = refreshed else {
        return Outcome::After(interval);
    };
    match Duration::try_from(now.duration_since(refreshed.0)) {
        Ok(passed) if passed < interval => Outcome::After(interval - passed),
        _ => Outcome::Requeue,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case("1h", "5s")]
    #[case("0", "0")]
    fn every_interval_but_0_is_hastened(#[case] written: &str, #[case] then: &str) {
        let mut object = external(json!({"refreshInterval": written}), None, false);
        hasten(&mut object, Some(Duration::from_secs(5)));
        let wanted = external(json!({"refreshInterval": then}), None, false);
        assert_eq!(interval(&object).to_std(), interval(&wanted).to_std());
    }

    fn external(spec: Value, refreshed: Option<&str>, synced: bool) -> ExternalSecret {
        let mut object: ExternalSecret = serde_json::from_value(json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": {"name": "es", "namespace": "ns", "generation": 3},
            "spec": spec,
            "status": {"refreshTime": refreshed},
        }))
        .unwrap();
        let version = hash::resource_version(&object.metadata);
        if let Some(status) = object.status.as_mut().filter(|_| synced) {
            status.synced_resource_version = Some(version);
        }
        object
    }

    const NOON: &str = "2025-11-08T12:00:00Z";

    #[rstest]
    #[case::never_synced(json!({}), None, false, true)]
    #[case::within_the_hour(json!({}), Some("2025-11-08T11:00:01Z"), true, false)]
    #[case::at_the_hour(json!({}), Some("2025-11-08T11:00:00Z"), true, true)]
    #[case::from_the_future(json!({}), Some("2025-11-08T13:00:00Z"), true, true)]
    #[case::edited(json!({}), Some("2025-11-08T11:59:00Z"), false, true)]
    #[case::once(json!({"refreshPolicy": "CreatedOnce"}), Some("2025-11-07T00:00:00Z"), true, false)]
    #[case::once_never_synced(json!({"refreshPolicy": "CreatedOnce"}), None, true, true)]
    #[case::on_change_unchanged(json!({"refreshPolicy": "OnChange"}), Some("2025-11-07T00:00:00Z"), true, false)]
    #[case::on_change_edited(json!({"refreshPolicy": "OnChange"}), Some("2025-11-08T11:59:00Z"), false, true)]
    #[case::zero_interval(json!({"refreshInterval": "0"}), Some("2025-11-07T00:00:00Z"), true, false)]
    #[case::zero_interval_never_synced(json!({"refreshInterval": "0"}), None, false, true)]
    fn each_policy_is_due_when_esos_is(
        #[case] spec: Value,
        #[case] refreshed: Option<&str>,
        #[case] synced: bool,
        #[case] due: bool,
    ) {
        assert_eq!(
            is_due(&external(spec, refreshed, synced), NOON.parse().unwrap()),
            due
        );
    }

    #[test]
    fn with_interval_zero_an_edit_is_ignored_once_it_has_synced() {
        let mut object = external(
            json!({"refreshInterval": "0s"}),
            Some("2025-11-07T00:00:00Z"),
            true,
        );
        object.metadata.generation = Some(4);
        assert!(!is_due(&object, NOON.parse().unwrap()));
    }

    #[rstest]
    #[case(json!({}), Some("2025-11-08T11:30:00Z"), Outcome::After(Duration::from_secs(1800)))]
    #[case(json!({}), None, Outcome::After(Duration::from_secs(3600)))]
    #[case(json!({}), Some("2025-11-08T11:00:00Z"), Outcome::Requeue)]
    #[case(json!({"refreshInterval": "0"}), Some("2025-11-08T11:00:00Z"), Outcome::Done)]
    fn it_comes_back_at_the_end_of_the_interval(
        #[case] spec: Value,
        #[case] refreshed: Option<&str>,
        #[case] outcome: Outcome,
    ) {
        assert_eq!(
            come_back(&external(spec, refreshed, true), NOON.parse().unwrap()),
            outcome
        );
    }
}
