//! The table of the built-in resources.

mod config;
pub(crate) mod namespace;
mod pod;
mod unattended;
mod workload;

use serde_json::{Value, json};

use crate::crd;
use crate::printers;
use crate::resource::{Resource, Strategy, Version};
use crate::schema::{FieldError, FieldErrorReason};

pub(crate) fn resources() -> Vec<Resource> {
    let core = |kind: &str, plural: &str| Resource::new("", kind, plural).typed();
    let v1 = || Version::new("v1");
    let mut resources = vec![
        core("Namespace", "namespaces")
            .cluster_scoped()
            .short_name("ns")
            .version(v1().with_status().printed_by(printers::namespace()))
            .subresource("finalize")
            .strategy(namespace::Namespace),
        core("Secret", "secrets")
            .version(v1().printed_by(printers::secret()))
            .strategy(config::Secret),
        core("ConfigMap", "configmaps")
            .short_name("cm")
            .version(v1().printed_by(printers::config_map()))
            .strategy(config::ConfigMap),
        core("ServiceAccount", "serviceaccounts")
            .short_name("sa")
            .version(v1().printed_by(printers::service_account()))
            .subresource("token"),
        core("Event", "events")
            .short_name("ev")
            .version(v1().printed_by(printers::event()))
            .strategy(Event),
        core("Pod", "pods")
            .short_name("po")
            .category("all")
            .version(v1().with_status().printed_by(printers::pod()))
            .subresource("log")
            .strategy(pod::Pod),
        Resource::new("batch", "Job", "jobs")
            .typed()
            .category("all")
            .version(v1().with_status().printed_by(printers::job()))
            .with_generation()
            .strategy(workload::Job),
        Resource::new("batch", "CronJob", "cronjobs")
            .typed()
            .short_name("cj")
            .category("all")
            .version(v1().with_status().printed_by(printers::cron_job()))
            .with_generation()
            .strategy(workload::CronJob),
        Resource::new(
            "apiextensions.k8s.io",
            "CustomResourceDefinition",
            "customresourcedefinitions",
        )
        .cluster_scoped()
        .short_name("crd")
        .short_name("crds")
        .category("api-extensions")
        .version(v1().with_status())
        .with_generation()
        .strategy(crd::Definition),
    ];
    resources.extend(unattended::resources());
    resources
}

/// A text inside of an object, for a field selector: empty where it is absent.
fn text_at(object: &Value, pointer: &str) -> Option<String> {
    let text = object.pointer(pointer).and_then(Value::as_str);
    Some(text.unwrap_or_default().to_owned())
}

struct Event;

impl Strategy for Event {
    /// What Go writes whether it is set or not.
    fn default(&self, object: &mut Value) {
        let always = [
            ("involvedObject", json!({})),
            ("source", json!({})),
            ("firstTimestamp", Value::Null),
            ("lastTimestamp", Value::Null),
            ("eventTime", Value::Null),
            ("reportingComponent", json!("")),
            ("reportingInstance", json!("")),
        ];
        for (field, nothing) in always {
            if object.get(field).is_none() {
                crate::object::set_at(object, &[field], nothing);
            }
        }
    }

    /// `pkg/apis/core/validation/events.go`, legacyValidateEvent: an event is where its object is, or in `default`.
    fn validate(&self, new: &Value, _old: Option<&Value>) -> Vec<FieldError> {
        let at = new
            .pointer("/involvedObject/namespace")
            .and_then(Value::as_str);
        let (at, namespace) = (
            at.unwrap_or_default(),
            crate::object::meta_text(new, "namespace"),
        );
        if at == namespace || (at.is_empty() && namespace == "default") {
            return Vec::new();
        }
        vec![FieldError {
            field: "involvedObject.namespace".to_owned(),
            reason: FieldErrorReason::Invalid,
            detail: format!("Invalid value: \"{at}\": does not match event.namespace"),
        }]
    }

    /// `pkg/registry/core/event/strategy.go`, ToSelectableFields.
    fn field(&self, object: &Value, field: &str) -> Option<String> {
        match field {
            "involvedObject.kind"
            | "involvedObject.namespace"
            | "involvedObject.name"
            | "involvedObject.uid"
            | "involvedObject.apiVersion"
            | "involvedObject.resourceVersion"
            | "involvedObject.fieldPath"
            | "reason"
            | "reportingComponent"
            | "type" => text_at(object, &format!("/{}", field.replace('.', "/"))),
            "source" => text_at(object, "/source/component"),
            _ => None,
        }
    }
}
