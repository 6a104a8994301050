//! The operator's pods and the API while a scenario runs: what the one prints, and that neither is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ContainerStatus, Namespace, Pod};
use kube::api::{LogParams, WatchEvent, WatchParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, ResourceExt};
use rotaproof_base::TaskHandle;
use tokio::sync::watch;

use super::operator::{LABEL, Operator};
use crate::Error;
use crate::operator_log::OperatorLog;

/// How often an API that has gone away is asked whether it is back, and how many times: a node that is restarted takes 13 s.
const ASKED_EVERY: Duration = Duration::from_secs(2);
const ASKED: usize = 20;

/// Follows the operator's pods: their logs from now on, and the first of them that ends.
pub(super) async fn follow_operator(
    client: Client,
    operator: Operator,
    log: OperatorLog,
    died: watch::Sender<Option<String>>,
    tasks: TaskHandle,
) {
    let pods: Api<Pod> = Api::namespaced(client, &operator.namespace);
    let events = watcher(pods.clone(), watcher::Config::default().labels(LABEL));
    let mut events = events.default_backoff().applied_objects().boxed();
    let mut followed = BTreeSet::new();
    // How often each container had been restarted when it was first seen: a kept cluster has a past.
    let mut restarts: BTreeMap<String, i32> = BTreeMap::new();
    while let Some(event) = events.next().await {
        let Ok(pod) = event else { continue };
        let uid = pod.uid().unwrap_or_default();
        let statuses = pod
            .status
            .as_ref()
            .and_then(|s| s.container_statuses.clone());
        for status in statuses.iter().flatten() {
            let before = *restarts.entry(uid.clone()).or_insert(status.restart_count);
            if status.restart_count > before || waits_in_vain(status) {
                died.send_replace(Some(format!("{}: {}", pod.name_any(), how(status))));
            }
            if status.started == Some(true) && followed.insert((uid.clone(), status.restart_count))
            {
                tasks.spawn(follow(pods.clone(), pod.name_any(), log.clone()));
            }
        }
    }
}

async fn follow(pods: Api<Pod>, name: String, log: OperatorLog) {
    let params = LogParams {
        follow: true,
        tail_lines: Some(0),
        ..LogParams::default()
    };
    let Ok(stream) = pods.log_stream(&name, &params).await else {
        return;
    };
    let mut lines = stream.lines();
    while let Ok(Some(line)) = lines.try_next().await {
        log.take(line);
    }
}

/// Whether nothing will come of a container unless somebody does something.
fn waits_in_vain(status: &ContainerStatus) -> bool {
    let waiting = status
        .state
        .as_ref()
        .and_then(|state| state.waiting.as_ref());
    let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
    matches!(
        reason,
        Some("CrashLoopBackOff" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName")
    )
}

/// How a container ended, or what it waits for.
fn how(status: &ContainerStatus) -> String {
    let waiting = status
        .state
        .as_ref()
        .and_then(|state| state.waiting.as_ref());
    let ended = status
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    match (ended, waiting) {
        (Some(ended), _) => format!(
            "its container ended with exit code {} ({})",
            ended.exit_code,
            ended.reason.as_deref().unwrap_or("no reason given")
        ),
        (None, Some(waiting)) => format!(
            "its container waits: {} {}",
            waiting.reason.as_deref().unwrap_or_default(),
            waiting.message.as_deref().unwrap_or_default()
        ),
        (None, None) => "its container was restarted".into(),
    }
}

/// How a cluster is told of that is gone.
#[derive(Clone, Copy)]
pub(crate) struct Gone {
    /// `the kind cluster`
    pub(crate) part: &'static str,
    /// What to do about it.
    pub(crate) next: &'static str,
}

/// Waits until the API is gone for good.
pub(super) async fn api_gone(client: &Client, told: Gone) -> Error {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let params = WatchParams::default().fields("metadata.name=kube-system");
    loop {
        // A watch ends by itself after some minutes, or with the API.
        if let Ok(events) = namespaces.watch(&params, "0").await {
            let mut events = events.boxed();
            while let Ok(Some(event)) = events.try_next().await {
                if let WatchEvent::Error(_) = event {
                    break;
                }
            }
        }
        if let Err(reason) = is_back(client, told).await {
            let seconds = ASKED_EVERY.as_secs() * ASKED as u64;
            return gone(told, format!("for {seconds}s {reason}"));
        }
    }
}

fn gone(told: Gone, reason: String) -> Error {
    Error {
        action: "go on",
        next: Some(told.next.into()),
        ..Error::starting(told.part)(reason)
    }
}

/// Whether the API answers now.
pub(super) async fn answers(client: &Client, told: Gone) -> Result<(), Error> {
    match tokio::time::timeout(ASKED_EVERY, client.apiserver_version()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(gone(told, format!("its API does not answer: {error}"))),
        Err(_) => Err(gone(told, "its API does not answer".into())),
    }
}

async fn is_back(client: &Client, told: Gone) -> Result<(), String> {
    let mut reason = String::new();
    let mut asked = tokio::time::interval(ASKED_EVERY);
    for _ in 0..ASKED {
        asked.tick().await;
        match answers(client, told).await {
            Ok(()) => return Ok(()),
            Err(error) => reason = error.reason,
        }
    }
    Err(reason)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(
        json!({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}}}),
        true,
        "its container ended with exit code 2 (Error)"
    )]
    #[case(
        json!({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x\""}}}),
        true,
        "its container waits: ImagePullBackOff Back-off pulling image \"x\""
    )]
    #[case(
        json!({"state": {"waiting": {"reason": "ContainerCreating"}}}),
        false,
        "its container waits: ContainerCreating "
    )]
    fn a_container_that_waits_in_vain_is_told_from_one_that_begins(
        #[case] status: Value,
        #[case] in_vain: bool,
        #[case] told: &str,
    ) {
        let whole =
            json!({"name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0});
        let mut whole = whole.as_object().unwrap().clone();
        whole.extend(status.as_object().unwrap().clone());
        let status: ContainerStatus = serde_json::from_value(whole.into()).unwrap();
        assert_eq!(waits_in_vain(&status), in_vain);
        assert_eq!(how(&status), told);
    }
}
