//! The small kinds of core/v1.

use serde_json::Value;

use super::{Column, Printer, created, length, since, text};

pub(crate) fn namespace() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Status", "The status of the namespace"),
        Column::age(),
    ];
    Printer::new(columns, |object, now| {
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/status/phase").into(),
            created(object, now),
        ]
    })
}

pub(crate) fn secret() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Type", "What kind of data the secret holds."),
        Column::text("Data", "How many keys the secret has."),
        Column::age(),
    ];
    Printer::new(columns, |object, now| {
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/type").into(),
            length(object, "data").into(),
            created(object, now),
        ]
    })
}

pub(crate) fn config_map() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Data", "How many keys the configuration has."),
        Column::age(),
    ];
    Printer::new(columns, |object, now| {
        vec![
            text(object, "/metadata/name").into(),
            (length(object, "data") + length(object, "binaryData")).into(),
            created(object, now),
        ]
    })
}

pub(crate) fn service_account() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Secrets", "How many secrets the account lists."),
        Column::age(),
    ];
    Printer::new(columns, |object, now| {
        vec![
            text(object, "/metadata/name").into(),
            length(object, "secrets").into(),
            created(object, now),
        ]
    })
}

pub(crate) fn event() -> Printer {
    let columns = vec![
        Column::text("Last Seen", "How long ago it was last seen."),
        Column::text("Type", "Normal or Warning."),
        Column::text("Reason", "Why, in one word."),
        Column::text("Object", "The object that it is about."),
        Column::text("Subobject", "The part of the object.").wide(),
        Column::text("Source", "The component that reports it.").wide(),
        Column::text("Message", "What happened."),
        Column::text("First Seen", "How long ago it was first seen.").wide(),
        Column::text("Count", "How often it was seen.").wide(),
        Column {
            priority: 1,
            ..Column::name()
        },
    ];
    Printer::new(columns, |object, now| {
        let mut first = since(text(object, "/eventTime"), now);
        if !text(object, "/firstTimestamp").is_empty() {
            first = since(text(object, "/firstTimestamp"), now);
        }
        let last = ["/series/lastObservedTime", "/lastTimestamp"];
        let last = last.into_iter().map(|at| text(object, at));
        let last = last.into_iter().find(|at| !at.is_empty());
        let last = last.map_or_else(|| first.clone(), |at| since(at, now));
        let count = ["/series/count", "/count"]
            .into_iter()
            .find_map(|at| object.pointer(at).and_then(Value::as_i64))
            .filter(|count| *count > 0);
        vec![
            last.into(),
            text(object, "/type").into(),
            text(object, "/reason").into(),
            target(object).into(),
            text(object, "/involvedObject/fieldPath").into(),
            source(object).into(),
            text(object, "/message").trim().into(),
            first.into(),
            count.unwrap_or(1).into(),
            text(object, "/metadata/name").into(),
        ]
    })
}

fn target(event: &Value) -> String {
    let kind = text(event, "/involvedObject/kind").to_lowercase();
    match text(event, "/involvedObject/name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(event: &Value) -> String {
    let either = |one: &'static str, other: &'static str| match text(event, one) {
        "" => text(event, other),
        text => text,
    };
    let component = either("/source/component", "/reportingComponent");
    match either("/source/host", "/reportingInstance") {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    }
}
