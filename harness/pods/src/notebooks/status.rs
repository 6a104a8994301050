//! What the operator writes about a job.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::Operator;
use crate::context::rfc3339;

pub(super) fn running(
    operator: &Operator,
    job: &DynamicObject,
    phase: &str,
    message: &str,
) -> Value {
    let complete = condition(
        operator,
        "ValidationComplete",
        "Unknown",
        "PodRunning",
        message,
    );
    json!({"phase": phase, "message": message, "conditions": with(job, complete)})
}

pub(super) fn ended(operator: &Operator, job: &DynamicObject, phase: &str, message: &str) -> Value {
    let complete = if phase == "Succeeded" {
        condition(
            operator,
            "ValidationComplete",
            "True",
            "ValidationComplete",
            message,
        )
    } else {
        condition(
            operator,
            "ValidationComplete",
            "False",
            "PodFailed",
            message,
        )
    };
    json!({
        "phase": phase,
        "message": message,
        "completionTime": rfc3339(operator.clock.now()),
        "conditions": with(job, complete),
    })
}

pub(super) fn condition(
    operator: &Operator,
    type_: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> Value {
    json!({
        "type": type_, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": operator.now(),
    })
}

/// The job's conditions with this one in its place.
fn with(job: &DynamicObject, condition: Value) -> Vec<Value> {
    let mut all = job.data["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    match all
        .iter_mut()
        .find(|present| present["type"] == condition["type"])
    {
        Some(present) => *present = condition,
        None => all.push(condition),
    }
    all
}
