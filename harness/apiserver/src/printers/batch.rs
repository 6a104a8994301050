//! batch/v1 Job and CronJob.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Column, Printer, age, containers, created, label_selector, length, list, number, or_none,
    since, text,
};
use crate::object;

fn wide() -> [Column; 3] {
    [
        Column::text("Containers", "The names of the template's containers.").wide(),
        Column::text("Images", "The images of the template's containers.").wide(),
        Column::text("Selector", "The selector of the pods.").wide(),
    ]
}

pub(crate) fn job() -> Printer {
    let mut columns = vec![
        Column::name(),
        Column::text("Status", "The status of the job."),
        Column::text("Completions", "How many pods succeeded, of how many."),
        Column::text("Duration", "How long the job took or takes."),
        Column::age(),
    ];
    columns.extend(wide());
    Printer::new(columns, |object, now| {
        let [names, images] = containers(object.pointer("/spec/template"));
        vec![
            text(object, "/metadata/name").into(),
            status(object).into(),
            completions(object).into(),
            duration(object, now).into(),
            created(object, now),
            names,
            images,
            label_selector(object.pointer("/spec/selector")),
        ]
    })
}

fn status(job: &Value) -> &'static str {
    let is = |kind: &str| {
        let conditions = list(job, "/status/conditions");
        conditions
            .iter()
            .any(|it| text(it, "/type") == kind && text(it, "/status") == "True")
    };
    if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if object::is_deleting(job) {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else if is("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn completions(job: &Value) -> String {
    let succeeded = number(job, "/status/succeeded");
    let wanted = job.pointer("/spec/completions").and_then(Value::as_i64);
    match (wanted, number(job, "/spec/parallelism")) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallel @ 2..) => format!("{succeeded}/1 of {parallel}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

fn duration(job: &Value, now: Timestamp) -> String {
    let at = |pointer: &str| text(job, pointer).parse::<Timestamp>().ok();
    at("/status/startTime").map_or_else(String::new, |started| {
        let ended = at("/status/completionTime").unwrap_or(now);
        age::human(ended.duration_since(started))
    })
}

pub(crate) fn cron_job() -> Printer {
    let mut columns = vec![
        Column::name(),
        Column::text("Schedule", "The schedule, as cron writes it."),
        Column::text("Timezone", "The time zone of the schedule."),
        Column::new("Suspend", "boolean", "Whether no further job starts."),
        Column::new("Active", "integer", "How many jobs run."),
        Column::text("Last Schedule", "How long ago the last job was due."),
        Column::age(),
    ];
    columns.extend(wide());
    Printer::new(columns, |object, now| {
        let [names, images] = containers(object.pointer("/spec/jobTemplate/spec/template"));
        let suspend = match object.pointer("/spec/suspend") {
            Some(Value::Bool(true)) => "True",
            Some(Value::Bool(false)) => "False",
            _ => "<unset>",
        };
        let last = match text(object, "/status/lastScheduleTime") {
            "" => "<none>".to_owned(),
            at => since(at, now),
        };
        let active = object.get("status").map_or(0, |it| length(it, "active"));
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/spec/schedule").into(),
            or_none(text(object, "/spec/timeZone")),
            suspend.into(),
            active.into(),
            last.into(),
            created(object, now),
            names,
            images,
            label_selector(object.pointer("/spec/jobTemplate/spec/selector")),
        ]
    })
}
