//! A batch Job and a NotebookValidationJob.

use rotaproof_scenario::model::expect::{JobExpectation, NotebookValidationJobExpectation};

use super::{Checked, Mismatch};
use crate::explain::About;
use crate::world::{Kind, State};

pub(super) fn check_job(state: &State, expected: &JobExpectation) -> Checked {
    let name = expected.job.value.to_string();
    let seen = state.object(Kind::Job, &name);
    let count = |field: &str| {
        let status = seen.and_then(|seen| seen.at(&format!("/status/{field}")));
        status.and_then(serde_json::Value::as_u64).unwrap_or(0)
    };
    let wanted = [
        ("succeeded", expected.succeeded),
        ("failed", expected.failed),
    ];
    for (field, want) in wanted {
        let Some(want) = want else { continue };
        if seen.is_none() || count(field) != u64::from(want) {
            return Err(Mismatch {
                what: format!("Job {name} has not {want} {field}"),
                expected: format!("{field}: {want}"),
                actual: match seen {
                    None => "it does not exist".into(),
                    Some(_) => format!("{field}: {}", count(field)),
                },
                about: About::Pod(name),
            });
        }
    }
    Ok(format!("Job {name} is as expected"))
}

pub(super) fn check_notebook(
    state: &State,
    expected: &NotebookValidationJobExpectation,
) -> Checked {
    let name = expected.notebookvalidationjob.value.to_string();
    let seen = state.object(Kind::NotebookValidationJob, &name);
    let pod = format!("{name}-validation");
    let mismatch = |expected: String, actual: String| Mismatch {
        what: format!("NotebookValidationJob {name} is not as expected"),
        expected,
        actual,
        about: About::Pod(pod.clone()),
    };
    let Some(seen) = seen else {
        return Err(mismatch("it exists".into(), "it does not exist".into()));
    };
    if let Some(phase) = &expected.phase {
        let actual = seen.text("/status/phase").unwrap_or("none yet");
        if actual != phase {
            return Err(mismatch(
                format!("phase {phase}"),
                format!("phase {actual}"),
            ));
        }
    }
    if let Some(wanted) = &expected.condition {
        let condition = seen.condition(&wanted.r#type);
        let holds = condition.as_ref().is_some_and(|c| {
            c.status == wanted.status
                && wanted
                    .reason
                    .as_ref()
                    .is_none_or(|reason| c.reason == *reason)
                && wanted
                    .message
                    .as_ref()
                    .is_none_or(|message| c.message.contains(message.as_str()))
        });
        if !holds {
            let reason = wanted.reason.as_deref().unwrap_or_default();
            return Err(mismatch(
                format!("{}={} {reason}", wanted.r#type, wanted.status),
                condition.map_or("no such condition yet".into(), |c| {
                    format!("{}={} {}: {}", wanted.r#type, c.status, c.reason, c.message)
                }),
            ));
        }
    }
    Ok(format!("NotebookValidationJob {name} is as expected"))
}
