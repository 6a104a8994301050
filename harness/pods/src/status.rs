//! A pod's status, as the kubelet derives it from its containers (`pkg/kubelet/kubelet_pods.go`, `pkg/kubelet/status/generate.go`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

/// What a container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Waiting {
        reason: String,
        message: Option<String>,
    },
    Running {
        since: String,
    },
    Terminated(Ended),
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) started: String,
    pub(crate) finished: String,
}

impl State {
    pub(crate) fn waiting(reason: &str, message: Option<&str>) -> Self {
        Self::Waiting {
            reason: reason.to_owned(),
            message: message.map(str::to_owned),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Waiting {
                reason,
                message: None,
            } => json!({"waiting": {"reason": reason}}),
            Self::Waiting { reason, message } => {
                json!({"waiting": {"reason": reason, "message": message}})
            }
            Self::Running { since } => json!({"running": {"startedAt": since}}),
            Self::Terminated(ended) => json!({"terminated": ended.to_json()}),
        }
    }
}

impl Ended {
    fn to_json(&self) -> Value {
        json!({
            "exitCode": self.code,
            "reason": if self.code == 0 { "Completed" } else { "Error" },
            "startedAt": self.started,
            "finishedAt": self.finished,
        })
    }
}

/// A container as far as the status shows it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) state: State,
    pub(crate) last: Option<Ended>,
    pub(crate) restarts: u32,
    /// A sidecar counts as initialised once it runs.
    pub(crate) sidecar: bool,
}

impl Shown {
    fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    fn is_initialised(&self) -> bool {
        matches!(&self.state, State::Terminated(ended) if ended.code == 0)
            || (self.sidecar && self.is_running())
    }

    fn to_json(&self, init: bool) -> Value {
        json!({
            "name": self.name,
            "image": self.image,
            "imageID": "",
            "ready": if init { self.is_initialised() } else { self.is_running() },
            "started": self.is_running(),
            "restartCount": self.restarts,
            "state": self.state.to_json(),
            "lastState": self.last.as_ref().map_or(json!({}), |last| json!({"terminated": last.to_json()})),
        })
    }
}

/// The pod's phase.
pub(crate) fn phase(restart_policy: &str, init: &[Shown], main: &[Shown]) -> &'static str {
    let failed_init = |c: &Shown| matches!(&c.state, State::Terminated(e) if e.code != 0);
    if restart_policy == "Never" && init.iter().any(failed_init) {
        return "Failed";
    }
    if !init.iter().all(Shown::is_initialised)
        && !main.iter().any(|c| matches!(c.state, State::Terminated(_)))
    {
        return "Pending";
    }
    let never_ran = |c: &Shown| matches!(c.state, State::Waiting { .. }) && c.last.is_none();
    if main.iter().any(never_ran) {
        return "Pending";
    }
    if main.iter().any(Shown::is_running) || restart_policy == "Always" {
        return "Running";
    }
    let ended = |c: &Shown| match &c.state {
        State::Terminated(ended) => Some(ended.code),
        _ => c.last.as_ref().map(|last| last.code),
    };
    if main.iter().all(|c| ended(c) == Some(0)) {
        "Succeeded"
    } else if restart_policy == "Never" {
        "Failed"
    } else {
        "Running"
    }
}

/// When each condition last changed; kept by the pod's worker.
pub(crate) type Transitions = BTreeMap<&'static str, (bool, String)>;

/// What the status says besides the containers.
pub(crate) struct Frame<'a> {
    pub(crate) phase: &'a str,
    pub(crate) pod_ip: &'a str,
    pub(crate) host_ip: &'a str,
    pub(crate) started: &'a str,
    pub(crate) now: &'a str,
}

/// The whole `status`, for a merge patch.
pub(crate) fn status(
    frame: &Frame<'_>,
    init: &[Shown],
    main: &[Shown],
    transitions: &mut Transitions,
) -> Value {
    let finished = matches!(frame.phase, "Succeeded" | "Failed");
    let initialised = init.iter().all(Shown::is_initialised);
    let unready: Vec<&str> = main
        .iter()
        .filter(|c| !c.is_running())
        .map(|c| c.name.as_str())
        .collect();
    let ready = unready.is_empty() && !finished;
    let not_ready = (!ready).then(|| {
        if frame.phase == "Succeeded" {
            ("PodCompleted", None)
        } else if frame.phase == "Failed" {
            ("PodFailed", None)
        } else {
            (
                "ContainersNotReady",
                Some(format!(
                    "containers with unready status: [{}]",
                    unready.join(" ")
                )),
            )
        }
    });
    let waiting: Vec<&str> = init
        .iter()
        .filter(|c| !c.is_initialised())
        .map(|c| c.name.as_str())
        .collect();
    let not_initialised = (!initialised).then(|| {
        (
            "ContainersNotInitialized",
            Some(format!(
                "containers with incomplete status: [{}]",
                waiting.join(" ")
            )),
        )
    });
    let mut condition = |name: &'static str, holds: bool, why: Option<&(&str, Option<String>)>| {
        let entry = transitions
            .entry(name)
            .or_insert_with(|| (holds, frame.now.to_owned()));
        if entry.0 != holds {
            *entry = (holds, frame.now.to_owned());
        }
        let mut value = json!({
            "type": name,
            "status": if holds { "True" } else { "False" },
            "lastProbeTime": null,
            "lastTransitionTime": entry.1,
        });
        if let Some((reason, message)) = why {
            value["reason"] = json!(reason);
            if let Some(message) = message {
                value["message"] = json!(message);
            }
        }
        value
    };
    let conditions = vec![
        condition("PodReadyToStartContainers", !finished, None),
        condition("Initialized", initialised, not_initialised.as_ref()),
        condition("Ready", ready, not_ready.as_ref()),
        condition("ContainersReady", ready, not_ready.as_ref()),
        condition("PodScheduled", true, None),
    ];
    json!({
        "phase": frame.phase,
        "conditions": conditions,
        "hostIP": frame.host_ip,
        "hostIPs": [{"ip": frame.host_ip}],
        "podIP": frame.pod_ip,
        "podIPs": [{"ip": frame.pod_ip}],
        "startTime": frame.started,
        "initContainerStatuses": init.iter().map(|c| c.to_json(true)).collect::<Vec<_>>(),
        "containerStatuses": main.iter().map(|c| c.to_json(false)).collect::<Vec<_>>(),
    })
}

/// Whether a pod's status says that it will never run again.
pub(crate) fn is_finished(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(state: State, last: Option<i32>) -> Shown {
        let ended = |code| Ended {
            code,
            started: "s".into(),
            finished: "f".into(),
        };
        let (name, image) = ("app".into(), "image".into());
        Shown {
            name,
            image,
            state,
            last: last.map(ended),
            restarts: 0,
            sidecar: false,
        }
    }

    fn running() -> Shown {
        container(State::Running { since: "s".into() }, None)
    }

    fn ended(code: i32) -> Shown {
        container(
            State::Terminated(Ended {
                code,
                started: "s".into(),
                finished: "f".into(),
            }),
            None,
        )
    }

    fn waiting(last: Option<i32>) -> Shown {
        container(State::waiting("X", None), last)
    }

    #[rstest::rstest]
    #[case("Never", vec![], vec![waiting(None)], "Pending")]
    #[case("Never", vec![], vec![running(), waiting(None)], "Pending")]
    #[case("Never", vec![waiting(None)], vec![waiting(None)], "Pending")]
    #[case("Never", vec![ended(1)], vec![waiting(None)], "Failed")]
    #[case("Never", vec![ended(0)], vec![running()], "Running")]
    #[case("Never", vec![], vec![ended(0), running()], "Running")]
    #[case("Never", vec![], vec![ended(0)], "Succeeded")]
    #[case("Never", vec![], vec![ended(0), ended(1)], "Failed")]
    #[case("OnFailure", vec![], vec![ended(0)], "Succeeded")]
    #[case("OnFailure", vec![], vec![waiting(Some(1))], "Running")]
    #[case("Always", vec![], vec![ended(0)], "Running")]
    fn the_phase_follows_from_the_containers(
        #[case] policy: &str,
        #[case] init: Vec<Shown>,
        #[case] main: Vec<Shown>,
        #[case] expected: &str,
    ) {
        assert_eq!(phase(policy, &init, &main), expected);
    }

    #[test]
    fn a_condition_keeps_the_time_of_its_last_change() {
        let mut transitions = Transitions::new();
        let mut at = |now: &str, container| {
            let frame = Frame {
                phase: "Running",
                pod_ip: "",
                host_ip: "",
                started: "0",
                now,
            };
            status(&frame, &[], &[container], &mut transitions)["conditions"].clone()
        };
        assert_eq!(at("1", waiting(None))[2]["status"], "False");
        assert_eq!(at("2", running())[2]["lastTransitionTime"], "2");
        let later = at("3", running());
        assert_eq!(
            (
                &later[2]["lastTransitionTime"],
                &later[1]["lastTransitionTime"]
            ),
            (&json!("2"), &json!("1"))
        );
    }
}
