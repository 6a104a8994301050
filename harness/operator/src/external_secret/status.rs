//! The status of an ExternalSecret (ESO 2.9.0, `markAsDone`, `markAsFailed`).

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use rotaproof_kinds::external_secrets::{Condition, ExternalSecret};

use super::failure::Failure;
use crate::controller::Subject;
use crate::engine::Engine;
use crate::hash;
use crate::store::{set_condition, whole_seconds};

/// A success: the refresh time is the START of the reconcile.
pub(super) fn done(
    engine: &Engine,
    external: &mut ExternalSecret,
    start: Timestamp,
    reason: &str,
    message: &str,
) {
    condition(engine, external, "True", reason, message);
    let version = hash::resource_version(&external.metadata);
    let status = external.status.get_or_insert_default();
    // Kept exactly until it is sent: the next reconcile is counted from here, and the wire has whole seconds.
    status.refresh_time = Some(Time(start));
    status.synced_resource_version = Some(version);
}

/// A failure: its text is only in the event.
pub(super) fn failed(
    engine: &Engine,
    external: &mut ExternalSecret,
    message: &str,
    failure: &Failure,
) {
    engine
        .recorder
        .warning(&Subject::of(external), "UpdateFailed", failure.text.clone());
    condition(engine, external, "False", "SecretSyncedError", message);
}

fn condition(
    engine: &Engine,
    external: &mut ExternalSecret,
    status: &str,
    reason: &str,
    message: &str,
) {
    let condition = Condition {
        type_: "Ready".into(),
        status: status.into(),
        reason: Some(reason.into()),
        message: Some(message.into()),
        last_transition_time: Some(whole_seconds(&engine.options.clock)),
    };
    set_condition(
        &mut external.status.get_or_insert_default().conditions,
        condition,
    );
}
