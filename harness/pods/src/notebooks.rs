//! The operator of `NotebookValidationJob` (`jupyter-notebook-validator-operator`, its controller and webhook), as far as
//! Secrets concern it: a bare pod `<job>-validation`, judged by how it ends. It does not watch Secrets.
//!
//! A pod that failed, and a pending pod that waits with `CreateContainerConfigError` or a like reason, count as a
//! failure as soon as they are seen. The first failure is retried with a new pod after 1 minute, the second after
//! 2 minutes, the third is final. A Secret named by `git.credentialsSecret` has to exist when the pod is made.
//!
//! Not here: image builds, golden notebooks, model validation, results read from the log.

mod pod;
mod status;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, PostParams};
use kube::{Client, ResourceExt};
use rotaproof_base::Clock;
use serde_json::json;
use tokio::time::Instant;

use crate::context::{TRY_AGAIN, rfc3339, write_status};
use crate::ownership::controller_of;
use crate::real_cluster::Probe;
use crate::requeue::Requeue;
use crate::watch::{Change, Watch};

use pod::{pod, pod_name};
use status::{condition, ended, running};

const KIND: &str = "NotebookValidationJob";
const CRD: &str = "notebookvalidationjobs.mlops.mlops.dev";
/// `MaxRetries` of the operator.
const RETRIES: i64 = 3;

type Key = (String, String);

/// What the operator works with.
pub(crate) struct Operator {
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    /// What its pods run, where the kubelet does not see to that.
    pub(crate) probe: Option<Probe>,
}

impl Operator {
    fn now(&self) -> String {
        rfc3339(self.clock.now())
    }

    /// The pod of a job, as it is sent to the API.
    fn pod(&self, resource: &ApiResource, job: &DynamicObject) -> Result<Pod, String> {
        let mut pod = pod(resource, job);
        if let Some(probe) = &self.probe {
            probe.dress(&mut pod).map_err(|error| error.to_string())?;
        }
        serde_json::from_value(pod).map_err(|error| error.to_string())
    }
}

/// Waits until the kind exists, and works for as long as it does.
pub(crate) async fn run(operator: Operator) {
    let mut crds = Watch::named(
        Api::<CustomResourceDefinition>::all(operator.client.clone()),
        CRD,
    );
    loop {
        wait_for(&mut crds, is_established).await;
        tokio::select! {
            biased;
            () = wait_for(&mut crds, |crd| crd.is_none()) => {}
            () = control(&operator) => {}
        }
    }
}

fn is_established(crd: Option<&CustomResourceDefinition>) -> bool {
    let conditions = crd.and_then(|crd| crd.status.as_ref()?.conditions.as_ref());
    conditions.is_some_and(|all| {
        all.iter()
            .any(|c| c.type_ == "Established" && c.status == "True")
    })
}

async fn wait_for(
    crds: &mut Watch<CustomResourceDefinition>,
    holds: impl Fn(Option<&CustomResourceDefinition>) -> bool,
) {
    loop {
        let now = match crds.next().await {
            Change::Applied(crd) if crd.name_any() == CRD => Some(crd),
            Change::Deleted(crd) if crd.name_any() == CRD => None,
            _ => continue,
        };
        if holds(now.as_ref()) {
            return;
        }
    }
}

fn resource() -> ApiResource {
    ApiResource {
        group: "mlops.mlops.dev".into(),
        version: "v1alpha1".into(),
        api_version: "mlops.mlops.dev/v1alpha1".into(),
        kind: KIND.into(),
        plural: "notebookvalidationjobs".into(),
    }
}

async fn control(operator: &Operator) {
    let resource = resource();
    let mut jobs = Watch::over(Api::<DynamicObject>::all_with(
        operator.client.clone(),
        &resource,
    ));
    let mut pods = Watch::over(Api::<Pod>::all(operator.client.clone()));
    let mut due = Requeue::<Key>::new();
    loop {
        let key = tokio::select! {
            biased;
            change = jobs.next() => match change {
                Change::Applied(job) => (job.namespace().unwrap_or_default(), job.name_any()),
                // The API's garbage collector takes its pod.
                Change::Deleted(job) => {
                    due.set((job.namespace().unwrap_or_default(), job.name_any()), None);
                    continue;
                }
                Change::Listed(_) => continue,
            },
            change = pods.next() => match change {
                Change::Applied(pod) | Change::Deleted(pod) => match controller_of(&pod, KIND) {
                    Some(owner) => (pod.namespace().unwrap_or_default(), owner.name.clone()),
                    None => continue,
                },
                Change::Listed(_) => continue,
            },
            key = due.next() => key,
        };
        let next = reconcile(operator, &resource, &key).await.unwrap_or_else(|error| {
            tracing::debug!(job = key.1, %error, "cannot reconcile the notebook validation job");
            Some(Instant::now() + TRY_AGAIN)
        });
        due.set(key, next);
    }
}

async fn reconcile(
    operator: &Operator,
    resource: &ApiResource,
    (namespace, name): &Key,
) -> kube::Result<Option<Instant>> {
    let jobs = Api::<DynamicObject>::namespaced_with(operator.client.clone(), namespace, resource);
    let Some(job) = jobs
        .get_opt(name)
        .await?
        .filter(|job| job.metadata.deletion_timestamp.is_none())
    else {
        return Ok(None);
    };
    let status = &job.data["status"];
    let phase = status["phase"].as_str().unwrap_or_default();
    match phase {
        "Succeeded" | "Failed" => return Ok(None),
        "" => {
            let started = json!({
                "phase": "Initializing",
                "retryCount": 0,
                "startTime": operator.now(),
                "message": "NotebookValidationJob initialized",
                "conditions": [condition(operator, "Ready", "False", "Initializing", "NotebookValidationJob initialized")],
            });
            // Its own change brings us back.
            write_status(&jobs, &job, started).await?;
            return Ok(None);
        }
        "Initializing" => {
            let message = "No build required, starting validation";
            write_status(
                &jobs,
                &job,
                running(operator, &job, "ValidationRunning", message),
            )
            .await?;
            return Ok(None);
        }
        _ => {}
    }
    let pods = Api::<Pod>::namespaced(operator.client.clone(), namespace);
    let Some(pod) = pods.get_opt(&pod_name(name)).await? else {
        return start(operator, resource, &jobs, &job).await;
    };
    if pod.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    match verdict(&pod) {
        Verdict::Wait => Ok(None),
        Verdict::Succeeded => {
            let end = ended(
                operator,
                &job,
                "Succeeded",
                "Validation completed successfully",
            );
            write_status(&jobs, &job, end).await?;
            Ok(None)
        }
        Verdict::Failed(why) => {
            let count = status["retryCount"].as_i64().unwrap_or_default() + 1;
            if count >= RETRIES {
                let message = format!(
                    "Validation failed after {count} retries: Validation pod failed: {why}"
                );
                let mut end = ended(operator, &job, "Failed", &message);
                end["retryCount"] = json!(count);
                end["lastRetryTime"] = json!(operator.now());
                write_status(&jobs, &job, end).await?;
                return Ok(None);
            }
            let counted = json!({"retryCount": count, "lastRetryTime": operator.now()});
            write_status(&jobs, &job, counted).await?;
            pods.delete(&pod_name(name), &DeleteParams::default())
                .await?;
            Ok(Some(Instant::now() + backoff(count)))
        }
    }
}

/// 1 minute after the first failure, 2 after the second.
fn backoff(failures: i64) -> Duration {
    let doublings = u32::try_from(failures - 1).unwrap_or_default().min(8);
    Duration::from_secs(60) * 2_u32.pow(doublings)
}

/// Makes the pod, where the wait after the last failure is over.
async fn start(
    operator: &Operator,
    resource: &ApiResource,
    jobs: &Api<DynamicObject>,
    job: &DynamicObject,
) -> kube::Result<Option<Instant>> {
    let status = &job.data["status"];
    let failures = status["retryCount"].as_i64().unwrap_or_default();
    let last = status["lastRetryTime"]
        .as_str()
        .and_then(|time| time.parse::<Timestamp>().ok());
    if let (Some(last), true) = (last, failures > 0) {
        let since =
            Duration::try_from(operator.clock.now().duration_since(last)).unwrap_or_default();
        let left = backoff(failures).saturating_sub(since);
        if !left.is_zero() {
            return Ok(Some(Instant::now() + left));
        }
    }
    let namespace = job.namespace().unwrap_or_default();
    if let Some(name) = job.data["spec"]["notebook"]["git"]["credentialsSecret"].as_str()
        && Api::<Secret>::namespaced(operator.client.clone(), &namespace)
            .get_opt(name)
            .await?
            .is_none()
    {
        let message = format!(
            "Failed to create validation pod: failed to resolve Git credentials: secrets {name:?} not found"
        );
        write_status(jobs, job, ended(operator, job, "Failed", &message)).await?;
        return Ok(None);
    }
    let made = match operator.pod(resource, job) {
        Ok(pod) => {
            let pods = Api::<Pod>::namespaced(operator.client.clone(), &namespace);
            let made = pods.create(&PostParams::default(), &pod).await;
            made.map_err(|error| error.to_string())
        }
        Err(message) => Err(message),
    };
    if let Err(error) = made {
        let message = format!("Failed to create validation pod: {error}");
        write_status(jobs, job, ended(operator, job, "Failed", &message)).await?;
        return Ok(None);
    }
    let mut status = running(operator, job, "ValidationRunning", "Starting validation");
    status["validationPodName"] = json!(pod_name(&job.name_any()));
    write_status(jobs, job, status).await?;
    Ok(None)
}

/// How a pod stands, in the operator's eyes.
enum Verdict {
    Wait,
    Succeeded,
    Failed(String),
}

fn verdict(pod: &Pod) -> Verdict {
    let status = pod.status.clone().unwrap_or_default();
    let init = status.init_container_statuses.unwrap_or_default();
    let all: Vec<_> = init
        .into_iter()
        .chain(status.container_statuses.unwrap_or_default())
        .collect();
    match status.phase.as_deref() {
        Some("Succeeded") => Verdict::Succeeded,
        Some("Failed") => {
            let failed = all.iter().find_map(|container| {
                let ended = container.state.as_ref()?.terminated.as_ref()?;
                (ended.exit_code != 0).then(|| {
                    format!(
                        "container {} exited with code {}",
                        container.name, ended.exit_code
                    )
                })
            });
            Verdict::Failed(failed.unwrap_or_else(|| "Unknown".into()))
        }
        Some("Pending") => {
            let stuck = all
                .iter()
                .filter_map(|container| container.state.as_ref()?.waiting.as_ref())
                .find(|waiting| {
                    let reason = waiting.reason.as_deref();
                    matches!(
                        reason,
                        Some(
                            "CreateContainerConfigError" | "RunContainerError" | "CrashLoopBackOff"
                        )
                    )
                });
            stuck.map_or(Verdict::Wait, |waiting| {
                let (reason, message) = (waiting.reason.as_deref(), waiting.message.as_deref());
                Verdict::Failed(format!(
                    "{} - {}",
                    reason.unwrap_or_default(),
                    message.unwrap_or_default()
                ))
            })
        }
        _ => Verdict::Wait,
    }
}
