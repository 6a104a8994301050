//! What a pod sees: its probe's reports, read from the pod's log as on any cluster.

use std::collections::{BTreeMap, BTreeSet};

use futures::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use rotaproof_base::{Fingerprint, TaskHandle};
use rotaproof_events::{Event, Held};
use serde::Deserialize;

use super::{Kind, State, World};

/// What a pod's probe reported last, by variable and by path.
#[derive(Clone, Default)]
pub(crate) struct Report {
    /// Environment variables.
    pub(crate) env: BTreeMap<String, Fingerprint>,
    /// Files.
    pub(crate) files: BTreeMap<String, Fingerprint>,
}

impl Report {
    /// Each place with its fingerprint: `env NAME`, `file PATH`.
    pub(crate) fn places(&self) -> impl Iterator<Item = (String, &Fingerprint)> {
        let env = self.env.iter().map(|(name, f)| (format!("env {name}"), f));
        let files = self
            .files
            .iter()
            .map(|(path, f)| (format!("file {path}"), f));
        env.chain(files)
    }
}

/// A report as the probe writes it into the log.
#[derive(Deserialize)]
struct Line {
    rotaproof: String,
    env: BTreeMap<String, String>,
    files: BTreeMap<String, File>,
}

#[derive(Deserialize)]
struct File {
    fingerprint: String,
}

/// Follows the log of each container of a pod that has started, once per container.
pub(super) fn follow_started(
    client: &Client,
    world: &World,
    pod: &str,
    followed: &mut BTreeSet<(String, String)>,
    tasks: &TaskHandle,
) {
    let Some((namespace, name)) = pod.split_once('/') else {
        return;
    };
    let Some((uid, started)) = started_containers(&world.state(), pod) else {
        return;
    };
    for container in started {
        if !followed.insert((uid.clone(), container.clone())) {
            continue;
        }
        let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
        tasks.spawn(follow(
            api,
            name.to_owned(),
            container,
            world.clone(),
            pod.to_owned(),
        ));
    }
}

fn started_containers(state: &State, pod: &str) -> Option<(String, Vec<String>)> {
    let seen = state.object(Kind::Pod, pod)?;
    let statuses = seen.at("/status/containerStatuses")?.as_array()?;
    let started = statuses
        .iter()
        .filter(|s| s["state"].get("running").is_some() || s["state"].get("terminated").is_some())
        .filter_map(|s| Some(s["name"].as_str()?.to_owned()))
        .collect();
    Some((seen.object.metadata.uid.clone()?, started))
}

async fn follow(api: Api<Pod>, name: String, container: String, world: World, pod: String) {
    let params = LogParams {
        follow: true,
        container: Some(container),
        ..LogParams::default()
    };
    let mut lines = match api.log_stream(&name, &params).await {
        Ok(stream) => stream.lines(),
        Err(error) => {
            tracing::debug!(pod, %error, "log");
            return;
        }
    };
    while let Ok(Some(line)) = lines.try_next().await {
        world.pod_said(&pod, line);
    }
}

impl World {
    fn pod_said(&self, pod: &str, line: String) {
        let at = self.clock.elapsed();
        let report = serde_json::from_str::<Line>(&line).ok();
        let mut state = self.state();
        state.logs.entry(pod.to_owned()).or_default().push(line);
        let mut events = Vec::new();
        if let Some(report) = report.filter(|line| line.rotaproof == "report") {
            let report = Report {
                env: fingerprints(report.env),
                files: fingerprints(report.files.into_iter().map(|(k, f)| (k, f.fingerprint))),
            };
            let holds = report
                .places()
                .filter(|(_, fingerprint)| state.ledger.find(fingerprint).is_some())
                .map(|(place, fingerprint)| Held {
                    place,
                    value: state.describe(fingerprint),
                })
                .collect();
            let name = state.pod_name(pod).to_owned();
            events.push(Event::PodReported {
                pod: name.clone(),
                holds,
            });
            let lags = state.pod_reported(&name, &report, at, &self.journal);
            events.extend(lags.into_iter().map(Event::Staleness));
            if let Some(history) = &mut state.history {
                history.reported(pod, &report);
            }
            state.reports.insert(pod.to_owned(), report);
        }
        drop(state);
        for event in events {
            self.emitter.emit(at, event);
        }
        self.touch();
    }
}

fn fingerprints(
    reported: impl IntoIterator<Item = (String, String)>,
) -> BTreeMap<String, Fingerprint> {
    let parse = |(place, text)| (place, Fingerprint::from_report(text));
    reported.into_iter().map(parse).collect()
}
