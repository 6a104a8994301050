//! The controller of batch/v1 Jobs (`pkg/controller/job`): makes pods from the template, counts how they end.
//!
//! Not here: indexed completion, `podFailurePolicy` and `successPolicy`.

mod judgement;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::annotations;
use crate::context::{Context, EventKind, TRY_AGAIN, rfc3339, write_status};
use crate::ownership::{controller_of, controller_reference, is_controlled_by, pod_of};
use crate::requeue::Requeue;
use crate::watch::{Change, Watch};

use judgement::{Verdict, deadline, judge, seconds_after, tally, wanted};

/// What `generateName` draws from.
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

type Key = (String, String);

pub(crate) async fn run(context: Arc<Context>) {
    let mut jobs = Watch::over(Api::<Job>::all(context.client.clone()));
    let mut pods = Watch::over(Api::<Pod>::all(context.client.clone()));
    let mut due = Requeue::<Key>::new();
    loop {
        let key = tokio::select! {
            biased;
            change = jobs.next() => match change {
                Change::Applied(job) => key_of(&job),
                // The API's garbage collector takes its pods.
                Change::Deleted(job) => {
                    due.set(key_of(&job), None);
                    continue;
                }
                Change::Listed(_) => continue,
            },
            change = pods.next() => match change {
                Change::Applied(pod) | Change::Deleted(pod) => match controller_of(&pod, "Job") {
                    Some(owner) => (pod.namespace().unwrap_or_default(), owner.name.clone()),
                    None => continue,
                },
                Change::Listed(_) => continue,
            },
            key = due.next() => key,
        };
        let next = reconcile(&context, &key).await.unwrap_or_else(|error| {
            tracing::debug!(job = key.1, %error, "cannot reconcile the job");
            Some(Instant::now() + TRY_AGAIN)
        });
        due.set(key, next);
    }
}

fn key_of(job: &Job) -> Key {
    (job.namespace().unwrap_or_default(), job.name_any())
}

async fn pods_of(context: &Context, job: &Job) -> kube::Result<Vec<Pod>> {
    let api = Api::<Pod>::namespaced(context.client.clone(), &job.namespace().unwrap_or_default());
    let mut pods = api.list(&ListParams::default()).await?.items;
    let uid = job.uid().unwrap_or_default();
    pods.retain(|pod| is_controlled_by(pod, &uid));
    Ok(pods)
}

async fn delete(context: &Context, pod: &Pod) {
    if pod.metadata.deletion_timestamp.is_some() {
        return;
    }
    let api = Api::<Pod>::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
    if let Err(error) = api.delete(&pod.name_any(), &DeleteParams::default()).await {
        tracing::debug!(pod = pod.name_any(), %error, "cannot delete the pod");
    }
}

async fn reconcile(context: &Context, (namespace, name): &Key) -> kube::Result<Option<Instant>> {
    let api = Api::<Job>::namespaced(context.client.clone(), namespace);
    let Some(job) = api
        .get_opt(name)
        .await?
        .filter(|job| job.metadata.deletion_timestamp.is_none())
    else {
        return Ok(None);
    };
    let spec = job.spec.clone().unwrap_or_default();
    if let Some(finished) = finished_at(&job) {
        return expire(context, &api, &job, &spec, finished).await;
    }
    let pods = pods_of(context, &job).await?;
    let tally = tally(&pods);
    if spec.suspend == Some(true) {
        for pod in &tally.active {
            delete(context, pod).await;
        }
        let suspended = json!({
            "conditions": [suspended(context, &job, "True", "JobSuspended", "Job suspended")],
            "active": null,
            "ready": 0,
            "startTime": null,
        });
        write_status(&api, &job, suspended).await?;
        return Ok(None);
    }
    let now = context.clock.now();
    let started = job
        .status
        .as_ref()
        .and_then(|status| status.start_time.as_ref())
        .map_or(now, |time| time.0);
    let verdict = judge(&spec, &tally, now, started);
    let mut next = deadline(&spec, started).map(|at| instant(context, at));
    let mut active = i32::try_from(tally.active.len()).unwrap_or(i32::MAX);
    match verdict {
        Verdict::Continue => {
            let (wanted, not_before) = wanted(&spec, &tally, active);
            if let Some(at) = not_before.filter(|at| wanted > 0 && *at > now) {
                let at = instant(context, at);
                next = Some(next.map_or(at, |next| next.min(at)));
            } else {
                for _ in 0..wanted {
                    make_pod(context, &job, &spec).await?;
                    active += 1;
                }
            }
        }
        Verdict::Complete | Verdict::Failed(..) => {
            next = None;
            for pod in &tally.active {
                delete(context, pod).await;
            }
            active = 0;
        }
    }
    let mut status = json!({
        "active": positive(active),
        "ready": if active == 0 { 0 } else { tally.ready },
        "succeeded": positive(tally.succeeded),
        "failed": positive(tally.failed),
        "startTime": rfc3339(started),
        "terminating": 0,
        "uncountedTerminatedPods": {},
    });
    match verdict {
        Verdict::Continue if was_suspended(&job) => {
            let resumed = suspended(context, &job, "False", "JobResumed", "Job resumed");
            status["conditions"] = json!([resumed]);
        }
        Verdict::Continue => {}
        Verdict::Complete => {
            let (reason, message) = (
                "CompletionsReached",
                "Reached expected number of succeeded pods",
            );
            let types = ["SuccessCriteriaMet", "Complete"];
            status["conditions"] =
                json!(types.map(|type_| condition(context, type_, reason, message)));
            status["completionTime"] = json!(rfc3339(now));
        }
        Verdict::Failed(reason, message) => {
            let types = ["FailureTarget", "Failed"];
            status["conditions"] =
                json!(types.map(|type_| condition(context, type_, reason, message)));
        }
    }
    write_status(&api, &job, status).await?;
    match verdict {
        Verdict::Continue => {}
        Verdict::Complete => {
            record(
                context,
                &job,
                EventKind::Normal,
                "Completed",
                "Job completed",
            )
            .await
        }
        Verdict::Failed(reason, message) => {
            record(context, &job, EventKind::Warning, reason, message).await
        }
    }
    Ok(next)
}

fn positive(count: i32) -> Value {
    if count > 0 { json!(count) } else { Value::Null }
}

fn instant(context: &Context, at: Timestamp) -> Instant {
    let ahead = Duration::try_from(at.duration_since(context.clock.now())).unwrap_or_default();
    Instant::now() + ahead
}

async fn make_pod(context: &Context, job: &Job, spec: &JobSpec) -> kube::Result<()> {
    let (namespace, name) = (job.namespace().unwrap_or_default(), job.name_any());
    let uid = job.uid().unwrap_or_default();
    let labels =
        ["batch.kubernetes.io/controller-uid", "controller-uid"].map(|label| (label, &uid));
    let names = ["batch.kubernetes.io/job-name", "job-name"].map(|label| (label, &name));
    let labels: BTreeMap<String, String> = labels
        .into_iter()
        .chain(names)
        .map(|(label, value)| (label.to_owned(), value.clone()))
        .collect();
    let of_template = spec
        .template
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.annotations.as_ref());
    let annotations = annotations::inherit(of_template, &[job.metadata.annotations.as_ref()]);
    let pod_name = format!("{name}-{}", context.entropy.text(SUFFIX, 5));
    let owner = controller_reference(job, &());
    let pod = pod_of(
        &spec.template,
        &namespace,
        pod_name.clone(),
        labels,
        annotations,
        owner,
    );
    let api = Api::<Pod>::namespaced(context.client.clone(), &namespace);
    match api.create(&PostParams::default(), &pod).await {
        Ok(_) => {
            let message = format!("Created pod: {pod_name}");
            record(
                context,
                job,
                EventKind::Normal,
                "SuccessfulCreate",
                &message,
            )
            .await;
            Ok(())
        }
        Err(error) => {
            record(
                context,
                job,
                EventKind::Warning,
                "FailedCreate",
                &format!("Error creating: {error}"),
            )
            .await;
            Err(error)
        }
    }
}

async fn record(context: &Context, job: &Job, kind: EventKind, reason: &str, message: &str) {
    context
        .record(job, "job-controller", kind, reason, message)
        .await;
}

fn condition(context: &Context, type_: &str, reason: &str, message: &str) -> Value {
    let now = context.now();
    json!({
        "type": type_, "status": "True", "reason": reason, "message": message,
        "lastProbeTime": now, "lastTransitionTime": now,
    })
}

fn was_suspended(job: &Job) -> bool {
    let mut conditions = job
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|c| c.type_ == "Suspended")
}

/// The condition `Suspended`, with the time of its last change.
fn suspended(context: &Context, job: &Job, status: &str, reason: &str, message: &str) -> Value {
    let mut new = condition(context, "Suspended", reason, message);
    new["status"] = json!(status);
    let mut present = job
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let present = present.find(|c| c.type_ == "Suspended" && c.status == status);
    present
        .and_then(|c| serde_json::to_value(c).ok())
        .unwrap_or(new)
}

/// When a job completed or failed.
pub(crate) fn finished_at(job: &Job) -> Option<Timestamp> {
    let conditions = job.status.as_ref()?.conditions.iter().flatten();
    let end = conditions
        .into_iter()
        .find(|c| matches!(c.type_.as_str(), "Complete" | "Failed") && c.status == "True")?;
    Some(
        end.last_transition_time
            .as_ref()
            .map_or(Timestamp::MIN, |time| time.0),
    )
}

/// Deletes a finished job when its `ttlSecondsAfterFinished` is over.
async fn expire(
    context: &Context,
    api: &Api<Job>,
    job: &Job,
    spec: &JobSpec,
    finished: Timestamp,
) -> kube::Result<Option<Instant>> {
    let Some(ttl) = spec.ttl_seconds_after_finished else {
        return Ok(None);
    };
    let end = seconds_after(finished, i64::from(ttl));
    if end > context.clock.now() {
        return Ok(Some(instant(context, end)));
    }
    api.delete(&job.name_any(), &DeleteParams::background())
        .await?;
    Ok(None)
}
