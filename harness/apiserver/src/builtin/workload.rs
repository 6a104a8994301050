//! batch/v1 Job and CronJob (`pkg/apis/batch/v1/defaults.go`, `pkg/registry/batch/job/strategy.go`).

use serde_json::{Map, Value, json};

use super::pod::{check_containers, default_spec, set_default};
use crate::object;
use crate::resource::Strategy;
use crate::schema::{FieldError, FieldErrorReason};

pub(super) struct Job;
pub(super) struct CronJob;

fn default_job(spec: &mut Map<String, Value>) {
    let unbounded = !spec.contains_key("completions") && !spec.contains_key("parallelism");
    if unbounded {
        set_default(spec, "completions", 1.into());
    }
    set_default(spec, "parallelism", 1.into());
    set_default(spec, "backoffLimit", 6.into());
    set_default(spec, "completionMode", "NonIndexed".into());
    set_default(spec, "suspend", false.into());
    if let Some(pod) = spec
        .get_mut("template")
        .and_then(|template| template.get_mut("spec"))
        .and_then(Value::as_object_mut)
    {
        default_spec(pod, "Always");
    }
}

impl Strategy for Job {
    fn default(&self, object: &mut Value) {
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            default_job(spec);
        }
    }

    /// Labels its pods by the job's uid and name, and selects them by the uid.
    fn prepare_create(&self, object: &mut Value, _now: &str) {
        object::set_at(object, &["status"], json!({}));
        let uid = object::meta_text(object, "uid").to_owned();
        let name = object::meta_text(object, "name").to_owned();
        if object.get("spec").and_then(Value::as_object).is_none()
            || object.pointer("/spec/manualSelector") == Some(&Value::Bool(true))
        {
            return;
        }
        for (label, value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &uid),
            ("job-name", &name),
        ] {
            let path = ["spec", "template", "metadata", "labels", label];
            object::set_at(object, &path, value.as_str());
        }
        let selector = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
        object::set_at(object, &["spec", "selector"], selector);
    }

    fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = check_containers(
            new,
            "/spec/template/spec/containers",
            "spec.template.spec.containers",
        );
        errors.extend(check_restart(new, "/spec/template", "spec.template"));
        if let Some(old) = old {
            for field in ["template", "selector", "completions", "completionMode"] {
                let pointer = format!("/spec/{field}");
                if new.pointer(&pointer) != old.pointer(&pointer) {
                    errors.push(FieldError {
                        field: format!("spec.{field}"),
                        reason: FieldErrorReason::Invalid,
                        detail: "Invalid value: field is immutable".to_owned(),
                    });
                }
            }
        }
        errors
    }

    fn field(&self, object: &Value, field: &str) -> Option<String> {
        match field {
            "status.successful" => Some(
                object
                    .pointer("/status/succeeded")
                    .and_then(Value::as_i64)
                    .unwrap_or(0)
                    .to_string(),
            ),
            _ => None,
        }
    }
}

impl Strategy for CronJob {
    fn default(&self, object: &mut Value) {
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            set_default(spec, "concurrencyPolicy", "Allow".into());
            set_default(spec, "suspend", false.into());
            set_default(spec, "successfulJobsHistoryLimit", 3.into());
            set_default(spec, "failedJobsHistoryLimit", 1.into());
        }
    }

    fn prepare_create(&self, object: &mut Value, _now: &str) {
        object::set_at(object, &["status"], json!({}));
    }

    fn validate(&self, new: &Value, _old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = check_containers(
            new,
            "/spec/jobTemplate/spec/template/spec/containers",
            "spec.jobTemplate.spec.template.spec.containers",
        );
        let template = "/spec/jobTemplate/spec/template";
        errors.extend(check_restart(
            new,
            template,
            "spec.jobTemplate.spec.template",
        ));
        let schedule = new.pointer("/spec/schedule").and_then(Value::as_str);
        if schedule.unwrap_or_default().is_empty() {
            errors.push(FieldError {
                field: "spec.schedule".to_owned(),
                reason: FieldErrorReason::Required,
                detail: "Required value".to_owned(),
            });
        }
        errors
    }
}

/// A job's pods may not restart for ever.
fn check_restart(object: &Value, pointer: &str, path: &str) -> Option<FieldError> {
    let policy = object
        .pointer(&format!("{pointer}/spec/restartPolicy"))
        .and_then(Value::as_str)
        .unwrap_or("Always");
    (!matches!(policy, "OnFailure" | "Never")).then(|| FieldError {
        field: format!("{path}.spec.restartPolicy"),
        reason: FieldErrorReason::Required,
        detail: "Required value: valid values: \"OnFailure\", \"Never\"".to_owned(),
    })
}
