//! core/v1 Pod.

use serde_json::{Map, Value, json};

use crate::resource::Strategy;
use crate::schema::{FieldError, FieldErrorReason};

pub(super) struct Pod;

impl Strategy for Pod {
    fn default(&self, object: &mut Value) {
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            default_spec(spec, "Always");
        }
    }

    fn prepare_create(&self, object: &mut Value, _now: &str) {
        let status = json!({"phase": "Pending", "qosClass": "BestEffort"});
        crate::object::set_at(object, &["status"], status);
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            // The ServiceAccount admission.
            set_default(spec, "serviceAccountName", "default".into());
            if let Some(name) = spec.get("serviceAccountName").cloned() {
                set_default(spec, "serviceAccount", name);
            }
        }
    }

    fn validate(&self, new: &Value, _old: Option<&Value>) -> Vec<FieldError> {
        check_containers(new, "/spec/containers", "spec.containers")
    }

    fn field(&self, object: &Value, field: &str) -> Option<String> {
        match field {
            "spec.nodeName"
            | "spec.restartPolicy"
            | "spec.schedulerName"
            | "spec.serviceAccountName"
            | "status.phase"
            | "status.podIP"
            | "status.nominatedNodeName" => {
                super::text_at(object, &format!("/{}", field.replace('.', "/")))
            }
            _ => None,
        }
    }

    /// `pkg/registry/core/pod/strategy.go`, CheckGracefulDelete.
    fn grace_period(&self, object: &Value, asked: Option<i64>) -> Option<i64> {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let ended = matches!(text("/status/phase"), "Succeeded" | "Failed");
        if text("/spec/nodeName").is_empty() || ended {
            return Some(0);
        }
        let default = object
            .pointer("/spec/terminationGracePeriodSeconds")
            .and_then(Value::as_i64);
        Some(asked.or(default).unwrap_or(30).max(0))
    }
}

pub(super) fn set_default(map: &mut Map<String, Value>, field: &str, value: Value) {
    let unset = map
        .get(field)
        .is_none_or(|value| value.is_null() || value.as_str() == Some(""));
    if unset {
        map.insert(field.to_owned(), value);
    }
}

/// The defaults of a PodSpec that clients rely on (`pkg/apis/core/v1/defaults.go`).
pub(super) fn default_spec(spec: &mut Map<String, Value>, restart_policy: &str) {
    set_default(spec, "restartPolicy", restart_policy.into());
    set_default(spec, "terminationGracePeriodSeconds", 30.into());
    set_default(spec, "dnsPolicy", "ClusterFirst".into());
    set_default(spec, "schedulerName", "default-scheduler".into());
    set_default(spec, "securityContext", json!({}));
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let Some(container) = container.as_object_mut() else {
                continue;
            };
            let image = container
                .get("image")
                .and_then(Value::as_str)
                .unwrap_or_default();
            // The part after the last slash: a registry may have a port.
            let name = image.rsplit('/').next().unwrap_or_default();
            let latest = name.ends_with(":latest") || !name.contains([':', '@']);
            let policy = if latest { "Always" } else { "IfNotPresent" };
            set_default(container, "imagePullPolicy", policy.into());
            set_default(
                container,
                "terminationMessagePath",
                "/dev/termination-log".into(),
            );
            set_default(container, "terminationMessagePolicy", "File".into());
            set_default(container, "resources", json!({}));
            let env = container.get_mut("env").and_then(Value::as_array_mut);
            for source in env
                .into_iter()
                .flatten()
                .filter_map(|variable| variable.pointer_mut("/valueFrom/fieldRef"))
                .filter_map(Value::as_object_mut)
            {
                set_default(source, "apiVersion", "v1".into());
            }
        }
    }
    let volumes = spec.get_mut("volumes").and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        for source in ["secret", "configMap", "projected", "downwardAPI"] {
            if let Some(source) = volume.get_mut(source).and_then(Value::as_object_mut) {
                // 0644
                set_default(source, "defaultMode", 420.into());
            }
        }
    }
}

pub(super) fn check_containers(object: &Value, pointer: &str, path: &str) -> Vec<FieldError> {
    let required = |field: String| FieldError {
        field,
        reason: FieldErrorReason::Required,
        detail: "Required value".to_owned(),
    };
    let containers = object.pointer(pointer).and_then(Value::as_array);
    let Some(containers) = containers.filter(|list| !list.is_empty()) else {
        return vec![required(path.to_owned())];
    };
    let mut errors = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for (at, container) in containers.iter().enumerate() {
        let text = |field: &str| {
            container
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        for field in ["name", "image"] {
            if text(field).is_empty() {
                errors.push(required(format!("{path}[{at}].{field}")));
            }
        }
        if !text("name").is_empty() && !names.insert(text("name")) {
            errors.push(FieldError {
                field: format!("{path}[{at}].name"),
                reason: FieldErrorReason::Duplicate,
                detail: format!("Duplicate value: \"{}\"", text("name")),
            });
        }
    }
    errors
}
