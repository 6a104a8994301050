//! The controller of CronJobs (`pkg/controller/cronjob`): makes a Job at each scheduled time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use rotaproof_kinds::Schedule;
use serde_json::json;
use tokio::time::Instant;

use crate::annotations::{self, EXIT_CODE, RUNS_FOR};
use crate::context::{Context, EventKind, TRY_AGAIN, rfc3339, write_status};
use crate::jobs::finished_at;
use crate::ownership::{controller_of, controller_reference, is_controlled_by};
use crate::requeue::Requeue;
use crate::watch::{Change, Watch};

/// How long the pods of a CronJob run that says nothing.
pub(crate) const RUNS: &str = "30s";

type Key = (String, String);

pub(crate) async fn run(context: Arc<Context>) {
    let mut cron_jobs = Watch::over(Api::<CronJob>::all(context.client.clone()));
    let mut jobs = Watch::over(Api::<Job>::all(context.client.clone()));
    let mut due = Requeue::<Key>::new();
    loop {
        let key = tokio::select! {
            biased;
            change = cron_jobs.next() => match change {
                Change::Applied(cron_job) => key_of(&cron_job),
                // The API's garbage collector takes its jobs.
                Change::Deleted(cron_job) => {
                    due.set(key_of(&cron_job), None);
                    continue;
                }
                Change::Listed(_) => continue,
            },
            change = jobs.next() => match change {
                Change::Applied(job) | Change::Deleted(job) => match controller_of(&job, "CronJob") {
                    Some(owner) => (job.namespace().unwrap_or_default(), owner.name.clone()),
                    None => continue,
                },
                Change::Listed(_) => continue,
            },
            key = due.next() => key,
        };
        let next = reconcile(&context, &key).await.unwrap_or_else(|error| {
            tracing::debug!(cron_job = key.1, %error, "cannot reconcile the cron job");
            Some(Instant::now() + TRY_AGAIN)
        });
        due.set(key, next);
    }
}

fn key_of(cron_job: &CronJob) -> Key {
    (
        cron_job.namespace().unwrap_or_default(),
        cron_job.name_any(),
    )
}

async fn jobs_of(context: &Context, cron_job: &CronJob) -> kube::Result<Vec<Job>> {
    let api = Api::<Job>::namespaced(
        context.client.clone(),
        &cron_job.namespace().unwrap_or_default(),
    );
    let mut jobs = api.list(&ListParams::default()).await?.items;
    let uid = cron_job.uid().unwrap_or_default();
    jobs.retain(|job| is_controlled_by(job, &uid));
    Ok(jobs)
}

async fn delete(context: &Context, job: &Job) {
    let api = Api::<Job>::namespaced(context.client.clone(), &job.namespace().unwrap_or_default());
    if let Err(error) = api
        .delete(&job.name_any(), &DeleteParams::background())
        .await
    {
        tracing::debug!(job = job.name_any(), %error, "cannot delete the job");
    }
}

async fn reconcile(context: &Context, (namespace, name): &Key) -> kube::Result<Option<Instant>> {
    let api = Api::<CronJob>::namespaced(context.client.clone(), namespace);
    let found = api
        .get_opt(name)
        .await?
        .filter(|cron_job| cron_job.metadata.deletion_timestamp.is_none());
    let Some(cron_job) = found else {
        return Ok(None);
    };
    let spec = cron_job.spec.clone();
    let jobs = jobs_of(context, &cron_job).await?;
    let jobs = forget_old(context, &spec, jobs).await;
    let mut active: Vec<Job> = jobs
        .iter()
        .filter(|job| finished_at(job).is_none())
        .cloned()
        .collect();
    let mut last = cron_job
        .status
        .as_ref()
        .and_then(|status| status.last_schedule_time.as_ref())
        .map(|t| t.0);
    let mut next = None;
    if spec.suspend != Some(true) {
        let zone = TimeZone::get(spec.time_zone.as_deref().unwrap_or("UTC"));
        match (spec.schedule.parse::<Schedule>(), zone) {
            (Ok(schedule), Ok(zone)) => {
                let now = context.clock.now();
                if let Some(time) = missed(&cron_job, &spec, &schedule, &zone, now)
                    && let Some(job) = fire(context, &cron_job, &spec, &mut active, time).await?
                {
                    active.push(job);
                    last = Some(time);
                }
                next = schedule.next(now, &zone).map(|at| {
                    Instant::now() + Duration::try_from(at.duration_since(now)).unwrap_or_default()
                });
            }
            (schedule, zone) => {
                let why = schedule
                    .err()
                    .map(|error| format!("unparseable schedule: {:?} : {error}", spec.schedule))
                    .or(zone.err().map(|error| error.to_string()))
                    .unwrap_or_default();
                record(
                    context,
                    &cron_job,
                    EventKind::Warning,
                    "UnparseableSchedule",
                    &why,
                )
                .await;
            }
        }
    }
    let reference = |job: &Job| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "namespace": namespace,
            "name": job.name_any(), "uid": job.uid(), "resourceVersion": job.resource_version(),
        })
    };
    let succeeded = jobs
        .iter()
        .filter_map(|job| job.status.as_ref()?.completion_time.as_ref())
        .map(|t| t.0)
        .max();
    let active: Vec<_> = active.iter().map(reference).collect();
    let status = json!({
        "active": if active.is_empty() { json!(null) } else { json!(active) },
        "lastScheduleTime": last.map(rfc3339),
        "lastSuccessfulTime": succeeded.map(rfc3339),
    });
    write_status(&api, &cron_job, status).await?;
    Ok(next)
}

/// The latest scheduled time that has come and was not served, within `startingDeadlineSeconds`.
fn missed(
    cron_job: &CronJob,
    spec: &CronJobSpec,
    schedule: &Schedule,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Timestamp> {
    let last = cron_job
        .status
        .as_ref()
        .and_then(|status| status.last_schedule_time.as_ref());
    let made = cron_job.metadata.creation_timestamp.as_ref();
    let mut since = last.or(made).map_or(now, |time| time.0);
    if let Some(seconds) = spec.starting_deadline_seconds {
        let earliest = now
            .saturating_sub(jiff::SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MIN);
        since = since.max(earliest);
    }
    let mut latest = None;
    while let Some(time) = schedule.next(since, zone).filter(|time| *time <= now) {
        latest = Some(time);
        since = time;
    }
    latest
}

/// Makes the Job of a scheduled time, as `concurrencyPolicy` allows it.
async fn fire(
    context: &Context,
    cron_job: &CronJob,
    spec: &CronJobSpec,
    active: &mut Vec<Job>,
    time: Timestamp,
) -> kube::Result<Option<Job>> {
    match spec.concurrency_policy.as_deref() {
        Some("Forbid") if !active.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            record(
                context,
                cron_job,
                EventKind::Normal,
                "JobAlreadyActive",
                message,
            )
            .await;
            return Ok(None);
        }
        Some("Replace") => {
            for job in active.drain(..) {
                delete(context, &job).await;
                let message = format!("Deleted job {}", job.name_any());
                record(
                    context,
                    cron_job,
                    EventKind::Normal,
                    "SuccessfulDelete",
                    &message,
                )
                .await;
            }
        }
        _ => {}
    }
    let job = job_of(cron_job, spec, time);
    let api = Api::<Job>::namespaced(
        context.client.clone(),
        &cron_job.namespace().unwrap_or_default(),
    );
    match api.create(&PostParams::default(), &job).await {
        Ok(job) => {
            let message = format!("Created job {}", job.name_any());
            record(
                context,
                cron_job,
                EventKind::Normal,
                "SuccessfulCreate",
                &message,
            )
            .await;
            Ok(Some(job))
        }
        // It was made before; its time only has to be noted.
        Err(kube::Error::Api(status)) if status.code == 409 => api.get_opt(&job.name_any()).await,
        Err(error) => Err(error),
    }
}

fn job_of(cron_job: &CronJob, spec: &CronJobSpec, time: Timestamp) -> Job {
    let template = spec.job_template.clone();
    let metadata = template.metadata.unwrap_or_default();
    let of_pod = template
        .spec
        .as_ref()
        .and_then(|job| job.template.metadata.as_ref()?.annotations.as_ref());
    let pod_decides =
        of_pod.is_some_and(|all| all.contains_key(RUNS_FOR) || all.contains_key(EXIT_CODE));
    let owners = [cron_job.metadata.annotations.as_ref()];
    let mut annotations = annotations::inherit(metadata.annotations.as_ref(), &owners);
    if !pod_decides && !annotations.contains_key(EXIT_CODE) {
        annotations
            .entry(RUNS_FOR.to_owned())
            .or_insert_with(|| RUNS.to_owned());
    }
    annotations.insert(
        "batch.kubernetes.io/cronjob-scheduled-timestamp".to_owned(),
        rfc3339(time),
    );
    Job {
        metadata: ObjectMeta {
            name: Some(format!("{}-{}", cron_job.name_any(), time.as_second() / 60)),
            namespace: cron_job.namespace(),
            labels: metadata.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![controller_reference(cron_job, &())]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

/// Deletes finished jobs beyond the history limits, the oldest first; returns the rest.
async fn forget_old(context: &Context, spec: &CronJobSpec, jobs: Vec<Job>) -> Vec<Job> {
    let is_complete = |job: &Job| {
        job.status
            .as_ref()
            .is_some_and(|status| status.completion_time.is_some())
    };
    let (active, mut finished): (Vec<Job>, Vec<Job>) =
        jobs.into_iter().partition(|job| finished_at(job).is_none());
    finished.sort_by_key(|job| (job.metadata.creation_timestamp.clone(), job.name_any()));
    let (complete, failed): (Vec<Job>, Vec<Job>) = finished.into_iter().partition(is_complete);
    let mut kept = active;
    let limits = [
        (complete, spec.successful_jobs_history_limit.unwrap_or(3)),
        (failed, spec.failed_jobs_history_limit.unwrap_or(1)),
    ];
    for (mut jobs, limit) in limits {
        let excess = jobs
            .len()
            .saturating_sub(usize::try_from(limit).unwrap_or_default());
        for job in jobs.drain(..excess) {
            delete(context, &job).await;
        }
        kept.extend(jobs);
    }
    kept
}

async fn record(
    context: &Context,
    cron_job: &CronJob,
    kind: EventKind,
    reason: &str,
    message: &str,
) {
    context
        .record(cron_job, "cronjob-controller", kind, reason, message)
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron_job(spec: serde_json::Value, last: Option<&str>) -> CronJob {
        let mut spec = spec;
        spec["schedule"] = json!("0 * * * *");
        if spec["jobTemplate"].is_null() {
            spec["jobTemplate"] = json!({"spec": {"template": {"spec": {"containers": []}}}});
        }
        serde_json::from_value(json!({
            "metadata": {"name": "nightly", "namespace": "ns", "creationTimestamp": "2025-11-08T00:30:00Z"},
            "spec": spec,
            "status": {"lastScheduleTime": last},
        }))
        .unwrap()
    }

    #[rstest::rstest]
    #[case(json!({}), None, "2025-11-08T00:59:59Z", None)]
    #[case(json!({}), None, "2025-11-08T01:00:00Z", Some("2025-11-08T01:00:00Z"))]
    #[case(json!({}), Some("2025-11-08T01:00:00Z"), "2025-11-08T01:30:00Z", None)]
    #[case(json!({}), None, "2025-11-08T05:10:00Z", Some("2025-11-08T05:00:00Z"))]
    #[case(json!({"startingDeadlineSeconds": 60}), None, "2025-11-08T05:10:00Z", None)]
    fn the_latest_time_that_was_not_served_is_served(
        #[case] spec: serde_json::Value,
        #[case] last: Option<&str>,
        #[case] now: &str,
        #[case] expected: Option<&str>,
    ) {
        let cron_job = cron_job(spec, last);
        let spec = cron_job.spec.clone();
        let schedule = spec.schedule.parse().unwrap();
        let found = missed(
            &cron_job,
            &spec,
            &schedule,
            &TimeZone::UTC,
            now.parse().unwrap(),
        );
        assert_eq!(found.map(|time| time.to_string()).as_deref(), expected);
    }

    #[test]
    fn the_job_is_named_by_the_minutes_and_runs_for_thirty_seconds_unless_told_otherwise() {
        let runs_for = |cron_job: &CronJob| {
            let job = job_of(
                cron_job,
                &cron_job.spec,
                "2025-11-08T01:00:00Z".parse().unwrap(),
            );
            assert_eq!(job.name_any(), "nightly-29376060");
            job.annotations().get(RUNS_FOR).cloned()
        };
        let mut silent = cron_job(json!({}), None);
        assert_eq!(runs_for(&silent).as_deref(), Some("30s"));
        silent
            .annotations_mut()
            .insert(RUNS_FOR.into(), "5m".into());
        assert_eq!(runs_for(&silent).as_deref(), Some("5m"));
        let template = json!({"template": {"metadata": {"annotations": {EXIT_CODE: "1"}}, "spec": {"containers": []}}});
        let told = cron_job(json!({"jobTemplate": {"spec": template}}), None);
        assert_eq!(runs_for(&told), None);
    }
}
