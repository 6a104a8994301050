//! What becomes of a job, from how its pods ended.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::JobSpec;
use k8s_openapi::api::core::v1::Pod;

/// The first and the longest wait after a failed pod.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

/// How a job's pods stand.
pub(super) struct Tally<'a> {
    pub(super) active: Vec<&'a Pod>,
    pub(super) ready: usize,
    pub(super) succeeded: i32,
    pub(super) failed: i32,
    /// Failures as `backoffLimit` counts them: failed pods and restarts.
    tries: i32,
    last_failure: Option<Timestamp>,
}

pub(super) fn tally(pods: &[Pod]) -> Tally<'_> {
    let mut all = Tally {
        active: Vec::new(),
        ready: 0,
        succeeded: 0,
        failed: 0,
        tries: 0,
        last_failure: None,
    };
    for pod in pods {
        let status = pod.status.clone().unwrap_or_default();
        let containers = status.container_statuses.unwrap_or_default();
        match status.phase.as_deref() {
            Some("Succeeded") => all.succeeded += 1,
            Some("Failed") => {
                all.failed += 1;
                all.tries += 1;
                let ended = containers
                    .iter()
                    .filter_map(|c| c.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref());
                all.last_failure = all.last_failure.max(ended.map(|time| time.0).max());
            }
            _ if pod.metadata.deletion_timestamp.is_some() => {}
            _ => {
                let conditions = status.conditions.unwrap_or_default();
                all.ready += usize::from(
                    conditions
                        .iter()
                        .any(|c| c.type_ == "Ready" && c.status == "True"),
                );
                all.tries += containers.iter().map(|c| c.restart_count).sum::<i32>();
                all.active.push(pod);
            }
        }
    }
    all
}

/// What becomes of a job now.
pub(super) enum Verdict {
    Continue,
    Complete,
    Failed(&'static str, &'static str),
}

pub(super) fn seconds_after(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(jiff::SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

pub(super) fn deadline(spec: &JobSpec, started: Timestamp) -> Option<Timestamp> {
    spec.active_deadline_seconds
        .map(|seconds| seconds_after(started, seconds))
}

pub(super) fn judge(
    spec: &JobSpec,
    tally: &Tally<'_>,
    now: Timestamp,
    started: Timestamp,
) -> Verdict {
    // Without `completions` but with `parallelism` the pods share a queue: one success and the end of all is enough.
    let complete = match (spec.completions, spec.parallelism) {
        (None, Some(_)) => tally.succeeded > 0 && tally.active.is_empty(),
        (completions, _) => tally.succeeded >= completions.unwrap_or(1),
    };
    let limit = spec.backoff_limit.unwrap_or(6);
    let on_failure = spec
        .template
        .spec
        .as_ref()
        .and_then(|pod| pod.restart_policy.as_deref())
        == Some("OnFailure");
    // Restarts within a pod may reach the limit, failed pods have to exceed it.
    let restarts = tally.tries - tally.failed;
    if tally.failed > limit || (on_failure && restarts > 0 && restarts >= limit) {
        Verdict::Failed(
            "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        )
    } else if complete {
        Verdict::Complete
    } else if deadline(spec, started).is_some_and(|deadline| now >= deadline) {
        Verdict::Failed(
            "DeadlineExceeded",
            "Job was active longer than specified deadline",
        )
    } else {
        Verdict::Continue
    }
}

/// How many pods to make, and the moment before which none may be made.
pub(super) fn wanted(spec: &JobSpec, tally: &Tally<'_>, active: i32) -> (i32, Option<Timestamp>) {
    let parallelism = spec.parallelism.unwrap_or(1);
    let target = match (spec.completions, spec.parallelism) {
        (None, Some(_)) if tally.succeeded > 0 => active,
        (None, Some(_)) => parallelism,
        (completions, _) => {
            parallelism.min(completions.unwrap_or(1).saturating_sub(tally.succeeded))
        }
    };
    let not_before = tally.last_failure.map(|at| {
        let doublings = u32::try_from(tally.failed - 1).unwrap_or_default().min(16);
        let wait = (BACKOFF.0 * 2_u32.pow(doublings)).min(BACKOFF.1);
        seconds_after(at, i64::try_from(wait.as_secs()).unwrap_or(i64::MAX))
    });
    (target.saturating_sub(active).max(0), not_before)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(value: Value) -> JobSpec {
        let mut value = value;
        value["template"] = json!({"spec": {"containers": [], "restartPolicy": "Never"}});
        serde_json::from_value(value).unwrap()
    }

    fn counts(succeeded: i32, failed: i32) -> Tally<'static> {
        let last_failure = (failed > 0).then_some(Timestamp::UNIX_EPOCH);
        Tally {
            active: Vec::new(),
            ready: 0,
            succeeded,
            failed,
            tries: failed,
            last_failure,
        }
    }

    #[rstest::rstest]
    #[case(json!({}), 0, 0, "continue")]
    #[case(json!({}), 1, 0, "complete")]
    #[case(json!({"completions": 3, "parallelism": 2}), 2, 0, "continue")]
    #[case(json!({"parallelism": 2}), 1, 0, "complete")]
    #[case(json!({"backoffLimit": 0}), 0, 1, "BackoffLimitExceeded")]
    #[case(json!({"backoffLimit": 2}), 0, 2, "continue")]
    #[case(json!({"activeDeadlineSeconds": 60}), 0, 0, "DeadlineExceeded")]
    fn a_job_is_judged_by_its_pods(
        #[case] job: Value,
        #[case] succeeded: i32,
        #[case] failed: i32,
        #[case] expected: &str,
    ) {
        let later = seconds_after(Timestamp::UNIX_EPOCH, 60);
        let verdict = match judge(
            &spec(job),
            &counts(succeeded, failed),
            later,
            Timestamp::UNIX_EPOCH,
        ) {
            Verdict::Continue => "continue",
            Verdict::Complete => "complete",
            Verdict::Failed(reason, _) => reason,
        };
        assert_eq!(verdict, expected);
    }

    #[test]
    fn failed_pods_are_replaced_ever_more_slowly() {
        let wait = |failed| {
            let (count, at) = wanted(&spec(json!({})), &counts(0, failed), 0);
            assert_eq!(count, 1);
            at.map(Timestamp::as_second)
        };
        assert_eq!(
            [0, 1, 2, 3, 30].map(wait),
            [None, Some(10), Some(20), Some(40), Some(600)]
        );
    }
}
