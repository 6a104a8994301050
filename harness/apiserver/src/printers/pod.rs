//! core/v1 Pod (`pkg/printers/internalversion`, printPod).

use jiff::Timestamp;
use serde_json::Value;

use super::{Column, Printer, created, list, number, or_none, since, text};
use crate::object;

pub(crate) fn pod() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Ready", "How many containers are ready, of how many."),
        Column::text("Status", "What the pod does, in one word."),
        Column::text("Restarts", "How often containers restarted, and when last."),
        Column::age(),
        Column::text("IP", "The address of the pod.").wide(),
        Column::text("Node", "The node of the pod.").wide(),
        Column::text("Nominated Node", "The node that is being made free for it.").wide(),
        Column::text("Readiness Gates", "How many gates are true, of how many.").wide(),
    ];
    Printer::new(columns, |object, now| {
        let seen = Seen::of(object);
        let ip = match text(object, "/status/podIPs/0/ip") {
            "" => text(object, "/status/podIP"),
            ip => ip,
        };
        vec![
            text(object, "/metadata/name").into(),
            format!("{}/{}", seen.ready, seen.containers).into(),
            seen.status.clone().into(),
            seen.restarts(now).into(),
            created(object, now),
            or_none(ip),
            or_none(text(object, "/spec/nodeName")),
            or_none(text(object, "/status/nominatedNodeName")),
            readiness_gates(object),
        ]
    })
}

/// What the statuses of the containers come to.
struct Seen {
    status: String,
    ready: usize,
    containers: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

impl Seen {
    fn of(pod: &Value) -> Self {
        let phase = text(pod, "/status/phase");
        let mut seen = Self {
            status: match text(pod, "/status/reason") {
                "" => phase.to_owned(),
                reason => reason.to_owned(),
            },
            ready: 0,
            containers: list(pod, "/spec/containers").len()
                + list(pod, "/spec/initContainers")
                    .iter()
                    .filter(|it| is_sidecar(it))
                    .count(),
            restarts: 0,
            last_restart: None,
        };
        let initializing = seen.look_at_init_containers(pod);
        if !initializing || has_condition(pod, "Initialized") {
            seen.look_at_containers(pod);
        }
        if object::is_deleting(pod) {
            if text(pod, "/status/reason") == "NodeLost" {
                "Unknown".clone_into(&mut seen.status);
            } else if !matches!(phase, "Succeeded" | "Failed") {
                "Terminating".clone_into(&mut seen.status);
            }
        }
        seen
    }

    /// Tells whether one of them still has to end.
    fn look_at_init_containers(&mut self, pod: &Value) -> bool {
        let declared = list(pod, "/spec/initContainers");
        let sidecar = |name: &str| {
            let mut declared = declared.iter();
            declared.any(|it| text(it, "/name") == name && is_sidecar(it))
        };
        let (mut kept, mut kept_last) = (0, None);
        let mut initializing = false;
        for (at, status) in list(pod, "/status/initContainerStatuses")
            .iter()
            .enumerate()
        {
            let is_sidecar = sidecar(text(status, "/name"));
            self.count_restarts(status);
            if is_sidecar {
                kept += number(status, "/restartCount");
                kept_last = kept_last.max(last_restart(status));
            }
            let ended = status.pointer("/state/terminated");
            if ended.is_some_and(|ended| number(ended, "/exitCode") == 0) {
                continue;
            }
            if is_sidecar && status.get("started") == Some(&Value::Bool(true)) {
                self.ready += usize::from(is_ready(status));
                continue;
            }
            let waits = text(status, "/state/waiting/reason");
            self.status = match ended {
                Some(ended) => format!("Init:{}", why_ended(ended)),
                None if !matches!(waits, "" | "PodInitializing") => format!("Init:{waits}"),
                None => format!("Init:{at}/{}", declared.len()),
            };
            initializing = true;
            break;
        }
        if !initializing || has_condition(pod, "Initialized") {
            // From here on only those that run beside the others count.
            (self.restarts, self.last_restart) = (kept, kept_last);
        }
        initializing
    }

    fn look_at_containers(&mut self, pod: &Value) {
        let mut runs = false;
        for status in list(pod, "/status/containerStatuses").iter().rev() {
            self.count_restarts(status);
            let waits = text(status, "/state/waiting/reason");
            if !waits.is_empty() {
                waits.clone_into(&mut self.status);
            } else if let Some(ended) = status.pointer("/state/terminated") {
                self.status = why_ended(ended);
            } else if is_ready(status) && status.pointer("/state/running").is_some() {
                runs = true;
                self.ready += 1;
            }
        }
        if self.status == "Completed" && runs {
            let ready = has_condition(pod, "Ready");
            let status = if ready { "Running" } else { "NotReady" };
            status.clone_into(&mut self.status);
        }
    }

    fn count_restarts(&mut self, status: &Value) {
        self.restarts += number(status, "/restartCount");
        self.last_restart = self.last_restart.max(last_restart(status));
    }

    fn restarts(&self, now: Timestamp) -> String {
        match self.last_restart.filter(|_| self.restarts != 0) {
            Some(at) => format!("{} ({} ago)", self.restarts, since(&at.to_string(), now)),
            None => self.restarts.to_string(),
        }
    }
}

fn is_ready(status: &Value) -> bool {
    status.get("ready") == Some(&Value::Bool(true))
}

/// An init container that runs beside the others.
fn is_sidecar(container: &Value) -> bool {
    text(container, "/restartPolicy") == "Always"
}

fn last_restart(status: &Value) -> Option<Timestamp> {
    let at = text(status, "/lastState/terminated/finishedAt");
    at.parse().ok()
}

fn why_ended(ended: &Value) -> String {
    match (text(ended, "/reason"), number(ended, "/signal")) {
        ("", 0) => format!("ExitCode:{}", number(ended, "/exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    let conditions = list(pod, "/status/conditions");
    conditions
        .iter()
        .any(|it| text(it, "/type") == kind && text(it, "/status") == "True")
}

fn readiness_gates(pod: &Value) -> Value {
    let gates = list(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let open = gates
        .iter()
        .filter(|gate| has_condition(pod, text(gate, "/conditionType")))
        .count();
    format!("{open}/{}", gates.len()).into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn container(state: Value, ready: bool, restarts: i64) -> Value {
        json!({"name": "c", "state": state, "ready": ready, "restartCount": restarts})
    }

    /// Rows of `printers_test.go`, TestPrintPod (Kubernetes 1.34): status, ready, restarts.
    #[rstest]
    #[case::pending(json!({"phase": "Pending"}), "Pending", "0/2", "0")]
    #[case::running(
        json!({"phase": "Running", "containerStatuses": [container(json!({"running": {}}), true, 3), container(json!({"running": {}}), true, 0)]}),
        "Running", "2/2", "3"
    )]
    #[case::waiting(
        json!({"phase": "Pending", "containerStatuses": [container(json!({"waiting": {"reason": "CreateContainerConfigError"}}), false, 0)]}),
        "CreateContainerConfigError", "0/2", "0"
    )]
    #[case::completed(
        json!({"phase": "Succeeded", "containerStatuses": [container(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), false, 0)]}),
        "Completed", "0/2", "0"
    )]
    #[case::killed(
        json!({"phase": "Failed", "containerStatuses": [container(json!({"terminated": {"signal": 9}}), false, 0)]}),
        "Signal:9", "0/2", "0"
    )]
    #[case::one_completed_one_runs_unready(
        json!({"phase": "Running", "containerStatuses": [container(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), false, 0), container(json!({"running": {}}), true, 0)]}),
        "NotReady", "1/2", "0"
    )]
    #[case::initializing(
        json!({"phase": "Pending", "initContainerStatuses": [container(json!({"running": {}}), false, 0)], "containerStatuses": [container(json!({"waiting": {"reason": "PodInitializing"}}), false, 0)]}),
        "Init:0/1", "0/2", "0"
    )]
    #[case::init_failed(
        json!({"phase": "Pending", "initContainerStatuses": [container(json!({"terminated": {"exitCode": 2}}), false, 2)]}),
        "Init:ExitCode:2", "0/2", "2"
    )]
    #[case::evicted(json!({"phase": "Failed", "reason": "Evicted"}), "Evicted", "0/2", "0")]
    #[case::restarted(
        json!({"phase": "Running", "containerStatuses": [{"name": "c", "ready": true, "restartCount": 2, "state": {"running": {}}, "lastState": {"terminated": {"finishedAt": "2025-11-08T00:00:00Z"}}}]}),
        "Running", "1/2", "2 (30s ago)"
    )]
    fn a_pod_is_printed_as_kubernetes_prints_it(
        #[case] status: Value,
        #[case] shown: &str,
        #[case] ready: &str,
        #[case] restarts: &str,
    ) {
        let spec = json!({
            "initContainers": [{"name": "i"}],
            "containers": [{"name": "c"}, {"name": "d"}],
        });
        let object = json!({
            "metadata": {"name": "p", "creationTimestamp": "2025-11-08T00:00:00Z"}, "spec": spec, "status": status,
        });
        let cells = pod().cells(&object, "2025-11-08T00:00:30Z".parse().unwrap());
        assert_eq!(cells[1..4], [json!(ready), json!(shown), json!(restarts)]);
    }

    #[test]
    fn a_deleted_pod_terminates_until_it_has_ended() {
        let object = |phase: &str| json!({"metadata": {"deletionTimestamp": "2025-11-08T00:00:00Z"}, "status": {"phase": phase}});
        let status = |phase: &str| Seen::of(&object(phase)).status;
        assert_eq!(status("Running"), "Terminating");
        assert_eq!(status("Succeeded"), "Succeeded");
    }
}
