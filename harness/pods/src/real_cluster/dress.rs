//! A workload whose containers run the probe.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Probe;
use crate::annotations::{self, Completion, EXIT_CODE, RUNS_FOR};
use crate::cronjobs;
use crate::error::Error;

/// What the variables of the probe begin with; never part of a report.
const OURS: &str = "ROTAPROOF_PROBE";
/// The script's variables and the keys of the Secret that they come from.
const FROM_SECRET: [(&str, &str); 4] = [
    ("ROTAPROOF_PROBE_SCRIPT", "script"),
    ("ROTAPROOF_PROBE_INNER", "inner"),
    ("ROTAPROOF_PROBE_OUTER", "outer"),
    ("ROTAPROOF_PROBE_CHECK", "check"),
];
/// What a container runtime and the kubelet set by themselves.
const RUNTIMES_OWN: [&str; 11] = [
    "PATH",
    "HOME",
    "HOSTNAME",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "KUBERNETES_SERVICE_PORT_HTTPS",
    "KUBERNETES_PORT",
    "KUBERNETES_PORT_443_TCP",
    "KUBERNETES_PORT_443_TCP_PROTO",
    "KUBERNETES_PORT_443_TCP_PORT",
    "KUBERNETES_PORT_443_TCP_ADDR",
];
/// What concerns the program that does not run, or its image.
const OF_PROGRAM: [&str; 7] = [
    "workingDir",
    "resources",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "resizePolicy",
];
/// What would keep a pod from the one node of a test cluster, or names what such a cluster does not have.
const OF_PLACEMENT: [&str; 10] = [
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "affinity",
    "topologySpreadConstraints",
    "schedulerName",
    "runtimeClassName",
    "priorityClassName",
    "priority",
    "resources",
];
/// Whom a container runs as that must not run as root; busybox's image would.
const NOBODY: i64 = 65_534;

impl Probe {
    /// Has the containers of a Pod, Job, CronJob, Deployment, StatefulSet, DaemonSet or ReplicaSet run the probe; leaves
    /// other objects alone. What is dressed already may be dressed again.
    ///
    /// How long they run is settled here, by the annotations of the pod's template and of its owners.
    ///
    /// # Errors
    /// Where one of these annotations is malformed.
    pub fn dress(&self, object: &mut Value) -> Result<(), Error> {
        let Some((template, owners)) = paths(object["kind"].as_str().unwrap_or_default()) else {
            return Ok(());
        };
        let annotations_at = |path: &str| -> Option<BTreeMap<String, String>> {
            let found = object.pointer(path)?.pointer("/metadata/annotations")?;
            serde_json::from_value(found.clone()).ok()
        };
        let owners: Vec<_> = owners.iter().map(|path| annotations_at(path)).collect();
        let owners: Vec<_> = owners.iter().map(Option::as_ref).collect();
        let mut said = annotations::inherit(annotations_at(template).as_ref(), &owners);
        let silent = !said.contains_key(RUNS_FOR) && !said.contains_key(EXIT_CODE);
        if silent && object["kind"] == "CronJob" {
            said.insert(RUNS_FOR.to_owned(), cronjobs::RUNS.to_owned());
        }
        let completion = annotations::completion(Some(&said)).map_err(Error::Annotation)?;
        let spec = object
            .pointer_mut(template)
            .and_then(|template| template.get_mut("spec")?.as_object_mut());
        if let Some(spec) = spec {
            self.dress_pod(spec, completion);
        }
        Ok(())
    }

    fn dress_pod(&self, spec: &mut Map<String, Value>, completion: Option<Completion>) {
        for name in OF_PLACEMENT {
            spec.remove(name);
        }
        spec.insert("terminationGracePeriodSeconds".into(), json!(1));
        // No variables for the services of the namespace.
        spec.insert("enableServiceLinks".into(), json!(false));
        let pods_context = spec.get("securityContext").cloned().unwrap_or_default();
        for (list, is_init) in [("initContainers", true), ("containers", false)] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                let completion = match (is_init, &container["restartPolicy"]) {
                    (false, _) => completion,
                    // A sidecar runs as long as the pod.
                    (true, policy) if policy == "Always" => None,
                    (true, _) => Some(Completion {
                        after: Duration::ZERO,
                        code: 0,
                    }),
                };
                if let Some(container) = container.as_object_mut() {
                    self.dress_container(container, completion);
                    keep_from_root(container, &pods_context);
                }
            }
        }
    }

    fn dress_container(&self, container: &mut Map<String, Value>, completion: Option<Completion>) {
        for name in OF_PROGRAM {
            container.remove(name);
        }
        container.insert("image".into(), json!(self.image));
        container.insert("imagePullPolicy".into(), json!("IfNotPresent"));
        let script = format!("eval \"${OURS}_SCRIPT\"");
        container.insert("command".into(), json!(["/bin/sh", "-c", script, "probe"]));
        let mounts = container.get("volumeMounts").and_then(Value::as_array);
        let paths: Vec<String> = mounts
            .into_iter()
            .flatten()
            .filter_map(|mount| mount["mountPath"].as_str())
            // As Kubernetes writes a `$` that it must not expand.
            .map(|path| path.replace('$', "$$"))
            .collect();
        container.insert("args".into(), json!(paths));
        let mut env = match container.remove("env") {
            Some(Value::Array(env)) => env,
            _ => Vec::new(),
        };
        let is_ours = |variable: &Value| {
            let name = variable["name"].as_str();
            name.is_some_and(|name| name.starts_with(OURS))
        };
        env.retain(|variable| !is_ours(variable));
        let is_named = |name: &&str| env.iter().any(|variable| variable["name"] == *name);
        let left_out: Vec<&str> = RUNTIMES_OWN
            .into_iter()
            .filter(|name| !is_named(name))
            .collect();
        let left_out = left_out.join(" ");
        let secret = self.secret_name();
        env.extend(FROM_SECRET.map(|(name, key)| {
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
        }));
        let mut say = |name: &str, value: String| {
            env.push(json!({"name": format!("{OURS}_{name}"), "value": value}));
        };
        say("LEFT_OUT", left_out);
        if let Some(completion) = completion {
            say("RUNS_FOR", seconds(completion.after));
            say("EXIT_CODE", completion.code.to_string());
        }
        container.insert("env".into(), json!(env));
    }
}

/// Where the pod's template is in an object of this kind, and its owners whose annotations it inherits, nearest first.
fn paths(kind: &str) -> Option<(&'static str, &'static [&'static str])> {
    Some(match kind {
        "Pod" => ("", &[]),
        "Job" => ("/spec/template", &[""]),
        "CronJob" => (
            "/spec/jobTemplate/spec/template",
            &["/spec/jobTemplate", ""],
        ),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => ("/spec/template", &[]),
        _ => return None,
    })
}

/// Gives a user to a container that must not be root and has none: its own image had one.
fn keep_from_root(container: &mut Map<String, Value>, pods: &Value) {
    let own = container
        .get("securityContext")
        .cloned()
        .unwrap_or_default();
    let holds = |name: &str| match &own[name] {
        Value::Null => pods[name].clone(),
        said => said.clone(),
    };
    if holds("runAsNonRoot") == true && holds("runAsUser").is_null() {
        let mut context = own;
        context["runAsUser"] = json!(NOBODY);
        container.insert("securityContext".into(), context);
    }
}

/// As `sleep` takes it.
fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => duration.as_secs().to_string(),
        millis => format!("{}.{millis:03}", duration.as_secs()),
    }
}

#[cfg(test)]
#[path = "dress_tests.rs"]
mod tests;
