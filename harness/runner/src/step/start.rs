//! `start`: a workload of a manifest, under a name of its own.

use rotaproof_scenario::Span;
use rotaproof_scenario::model::step::Start;
use serde_json::{Value, json};

use super::documents;
use crate::stage::{Stage, Trouble};
use crate::submit::{Version, submit};
use crate::workload::Workload;

/// After this much time the kubelet of the embedded lane lets a pod succeed.
const RUNS_FOR: &str = "rotaproof.dev/runs-for";

pub(super) async fn run(stage: &Stage<'_>, start: &Start, span: Span) -> Result<String, Trouble> {
    let path = start.manifest.value.as_str();
    let mut started = None;
    for document in documents(stage, path) {
        let mut object = document.object.clone();
        if let Some(workload) = prepare(&mut object, start) {
            // Named before it exists, so that nothing that it does is missed.
            if let (Some(alias), None) = (&start.name, &started) {
                stage
                    .world
                    .state()
                    .started(alias.value.clone(), workload.clone());
            }
            started.get_or_insert(workload);
        }
        if let Err(error) = submit(stage, path, &object, Version::Served, span).await {
            let mut trouble =
                Trouble::failed(format!("the API refused {path}, line {}", document.line));
            trouble.actual = Some(error.to_string());
            return Err(trouble);
        }
    }
    match started {
        Some(workload) => Ok(format!("{workload:?}")),
        None => Err(Trouble::failed(format!(
            "{path} has no Pod, Job, CronJob or NotebookValidationJob to start"
        ))),
    }
}

/// Renames a workload `name-alias`, so that one manifest can be started twice, and limits how long it runs.
fn prepare(object: &mut Value, start: &Start) -> Option<Workload> {
    let kind = object["kind"].as_str()?.to_owned();
    if !["Pod", "Job", "CronJob", "NotebookValidationJob"].contains(&kind.as_str()) {
        return None;
    }
    let mut name = object["metadata"]["name"].as_str()?.to_owned();
    if let Some(alias) = &start.name {
        name = format!("{name}-{}", alias.value);
        object["metadata"]["name"] = json!(name);
    }
    if let Some(runs) = start.runs {
        let template = match kind.as_str() {
            "Job" => &mut object["spec"]["template"]["metadata"],
            "CronJob" => &mut object["spec"]["jobTemplate"]["spec"]["template"]["metadata"],
            _ => &mut object["metadata"],
        };
        if template.is_null() {
            *template = json!({});
        }
        if template["annotations"].is_null() {
            template["annotations"] = json!({});
        }
        template["annotations"][RUNS_FOR] = json!(runs.to_string());
    }
    let namespace = object["metadata"]["namespace"]
        .as_str()
        .unwrap_or("default");
    let full = format!("{namespace}/{name}");
    Some(match kind.as_str() {
        "Job" => Workload::Job(full),
        "CronJob" => Workload::CronJob(full),
        // Its operator makes a bare pod of this name.
        "NotebookValidationJob" => Workload::Pod(format!("{full}-validation")),
        _ => Workload::Pod(full),
    })
}
