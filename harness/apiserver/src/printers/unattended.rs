//! The kinds that are stored and nothing acts upon.

use serde_json::Value;

use super::{Column, Printer, containers, created, label_selector, list, number, or_none, text};

pub(crate) fn resource_quota() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Request", "Requests: used of allowed."),
        Column::text("Limit", "Limits: used of allowed."),
        Column::age(),
    ];
    Printer::new(columns, |object, now| {
        let hard = object.pointer("/status/hard").and_then(Value::as_object);
        let used = |resource: &str| {
            let used = object
                .pointer("/status/used")
                .and_then(|it| it.get(resource));
            used.and_then(Value::as_str).unwrap_or("0").to_owned()
        };
        let (mut requests, mut limits) = (Vec::new(), Vec::new());
        for (resource, allowed) in hard.into_iter().flatten() {
            let allowed = allowed.as_str().unwrap_or_default();
            let side = match resource.starts_with("limits") {
                true => &mut limits,
                false => &mut requests,
            };
            side.push(format!("{resource}: {}/{allowed}", used(resource)));
        }
        vec![
            text(object, "/metadata/name").into(),
            requests.join(", ").into(),
            limits.join(", ").into(),
            created(object, now),
        ]
    })
}

pub(crate) fn service() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Type", "How the service is reached."),
        Column::text("Cluster-IP", "Its address in the cluster."),
        Column::text("External-IP", "Its addresses outside."),
        Column::text("Port(s)", "Its ports."),
        Column::age(),
        Column::text("Selector", "The selector of its pods.").wide(),
    ];
    Printer::new(columns, |object, now| {
        let ports = list(object, "/spec/ports").iter().map(|port| {
            let protocol = match text(port, "/protocol") {
                "" => "TCP",
                protocol => protocol,
            };
            match number(port, "/nodePort") {
                0 => format!("{}/{protocol}", number(port, "/port")),
                node => format!("{}:{node}/{protocol}", number(port, "/port")),
            }
        });
        let ports: Vec<String> = ports.collect();
        let selector = object.pointer("/spec/selector").and_then(Value::as_object);
        let selector: Vec<String> = selector
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect();
        let kind = match text(object, "/spec/type") {
            "" => "ClusterIP",
            kind => kind,
        };
        vec![
            text(object, "/metadata/name").into(),
            kind.into(),
            or_none(text(object, "/spec/clusterIP")),
            "<none>".into(),
            or_none(&ports.join(",")),
            created(object, now),
            or_none(&selector.join(",")),
        ]
    })
}

fn template() -> [Column; 3] {
    [
        Column::text("Containers", "The names of the template's containers.").wide(),
        Column::text("Images", "The images of the template's containers.").wide(),
        Column::text("Selector", "The selector of the pods.").wide(),
    ]
}

/// Of a Deployment and a ReplicaSet: where nothing is said, one is wanted.
fn wanted(object: &Value) -> i64 {
    let replicas = object.pointer("/spec/replicas").and_then(Value::as_i64);
    replicas.unwrap_or(1)
}

pub(crate) fn deployment() -> Printer {
    let mut columns = vec![
        Column::name(),
        Column::text("Ready", "How many pods are ready, of how many."),
        Column::text("Up-to-date", "How many pods are of the present template."),
        Column::text("Available", "How many pods are available."),
        Column::age(),
    ];
    columns.extend(template());
    Printer::new(columns, |object, now| {
        let [names, images] = containers(object.pointer("/spec/template"));
        let ready = number(object, "/status/readyReplicas");
        vec![
            text(object, "/metadata/name").into(),
            format!("{ready}/{}", wanted(object)).into(),
            number(object, "/status/updatedReplicas").into(),
            number(object, "/status/availableReplicas").into(),
            created(object, now),
            names,
            images,
            label_selector(object.pointer("/spec/selector")),
        ]
    })
}

pub(crate) fn replica_set() -> Printer {
    let mut columns = vec![
        Column::name(),
        Column::new("Desired", "integer", "How many pods are wanted."),
        Column::new("Current", "integer", "How many pods there are."),
        Column::new("Ready", "integer", "How many pods are ready."),
        Column::age(),
    ];
    columns.extend(template());
    Printer::new(columns, |object, now| {
        let [names, images] = containers(object.pointer("/spec/template"));
        vec![
            text(object, "/metadata/name").into(),
            wanted(object).into(),
            number(object, "/status/replicas").into(),
            number(object, "/status/readyReplicas").into(),
            created(object, now),
            names,
            images,
            label_selector(object.pointer("/spec/selector")),
        ]
    })
}

pub(crate) fn lease() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Holder", "Who holds the lease."),
        Column::age(),
    ];
    Printer::new(columns, |object, now| {
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/spec/holderIdentity").into(),
            created(object, now),
        ]
    })
}

/// Of a RoleBinding and a ClusterRoleBinding.
pub(crate) fn role_binding() -> Printer {
    let columns = vec![
        Column::name(),
        Column::text("Role", "The role that is bound."),
        Column::age(),
        Column::text("Users", "The users among its subjects.").wide(),
        Column::text("Groups", "The groups among its subjects.").wide(),
        Column::text(
            "ServiceAccounts",
            "The service accounts among its subjects.",
        )
        .wide(),
    ];
    Printer::new(columns, |object, now| {
        let subjects = |kind: &str| -> Value {
            let subjects = list(object, "/subjects").iter();
            let names: Vec<String> = subjects
                .filter(|subject| text(subject, "/kind") == kind)
                .map(|subject| match text(subject, "/namespace") {
                    "" => text(subject, "/name").to_owned(),
                    namespace => format!("{namespace}/{}", text(subject, "/name")),
                })
                .collect();
            names.join(", ").into()
        };
        let (kind, name) = (text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
        vec![
            text(object, "/metadata/name").into(),
            format!("{kind}/{name}").into(),
            created(object, now),
            subjects("User"),
            subjects("Group"),
            subjects("ServiceAccount"),
        ]
    })
}
