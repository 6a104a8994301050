//! The columns of `kubectl get`: what kube-apiserver 1.34 prints of each kind (`pkg/printers/internalversion`), and
//! what a CustomResourceDefinition's `additionalPrinterColumns` ask for.

mod age;
mod batch;
mod core;
mod custom;
mod json_path;
mod pod;
mod unattended;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use batch::{cron_job, job};
pub(crate) use core::{config_map, event, namespace, secret, service_account};
pub(crate) use custom::from_definition;
pub(crate) use pod::pod;
pub(crate) use unattended::{
    deployment, lease, replica_set, resource_quota, role_binding, service,
};

use crate::object;

/// One column. Those of a priority above 0 are for `-o wide`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    name: String,
    kind: String,
    format: String,
    description: String,
    priority: i64,
}

impl Column {
    fn new(name: &str, kind: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            format: String::new(),
            description: description.to_owned(),
            priority: 0,
        }
    }

    fn text(name: &str, description: &str) -> Self {
        Self::new(name, "string", description)
    }

    fn name() -> Self {
        let mut column = Self::text("Name", "The object's name, unique within its namespace.");
        "name".clone_into(&mut column.format);
        column
    }

    fn age() -> Self {
        Self::text("Age", "How long ago the object was created.")
    }

    fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }

    /// As `meta.k8s.io/v1` TableColumnDefinition.
    fn definition(&self) -> Value {
        json!({
            "name": self.name, "type": self.kind, "format": self.format,
            "description": self.description, "priority": self.priority,
        })
    }
}

enum Cells {
    Function(fn(&Value, Timestamp) -> Vec<Value>),
    Paths(custom::Paths),
}

/// Prints the objects of one version of a resource as rows.
pub(crate) struct Printer {
    columns: Vec<Column>,
    cells: Cells,
}

impl Printer {
    fn new(columns: Vec<Column>, cells: fn(&Value, Timestamp) -> Vec<Value>) -> Self {
        Self {
            columns,
            cells: Cells::Function(cells),
        }
    }

    /// What a resource without columns of its own has (`k8s.io/apiserver/pkg/registry/rest/table.go`).
    pub(crate) fn plain() -> Self {
        let created = Column::new("Created At", "date", "When the object was created.");
        Self::new(vec![Column::name(), created], |object, _| {
            vec![
                text(object, "/metadata/name").into(),
                text(object, "/metadata/creationTimestamp").into(),
            ]
        })
    }

    /// As a list of TableColumnDefinitions.
    pub(crate) fn definitions(&self) -> Value {
        self.columns.iter().map(Column::definition).collect()
    }

    /// One cell per column; ages are as of `now`.
    pub(crate) fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        match &self.cells {
            Cells::Function(cells) => cells(object, now),
            Cells::Paths(paths) => paths.cells(object, now),
        }
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default()
}

fn number(object: &Value, pointer: &str) -> i64 {
    let number = object.pointer(pointer).and_then(Value::as_i64);
    number.unwrap_or_default()
}

fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    let list = object.pointer(pointer).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn length(object: &Value, member: &str) -> usize {
    match object.get(member) {
        Some(Value::Object(map)) => map.len(),
        Some(Value::Array(list)) => list.len(),
        _ => 0,
    }
}

fn or_none(text: &str) -> Value {
    match text {
        "" => "<none>".into(),
        text => text.into(),
    }
}

/// The age since a moment that an object states; `<unknown>` where it states none.
fn since(text: &str, now: Timestamp) -> String {
    match text.parse::<Timestamp>() {
        Ok(at) => age::human(now.duration_since(at)),
        Err(_) => "<unknown>".to_owned(),
    }
}

fn created(object: &Value, now: Timestamp) -> Value {
    since(object::meta_text(object, "creationTimestamp"), now).into()
}

/// Names and images of the containers of a pod template, for `-o wide`.
fn containers(template: Option<&Value>) -> [Value; 2] {
    let containers = template.map_or(&[][..], |template| list(template, "/spec/containers"));
    ["/name", "/image"].map(|field| {
        let texts: Vec<&str> = containers.iter().map(|it| text(it, field)).collect();
        texts.join(",").into()
    })
}

/// A LabelSelector as kubectl writes it (`metav1.FormatLabelSelector`).
fn label_selector(selector: Option<&Value>) -> Value {
    let Some(selector) = selector.filter(|selector| selector.is_object()) else {
        return "<none>".into();
    };
    let mut terms: Vec<(String, String)> = Vec::new();
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    for (key, value) in labels.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        terms.push((key.clone(), format!("{key}={value}")));
    }
    for rule in list(selector, "/matchExpressions") {
        let key = text(rule, "/key");
        let values: Vec<&str> = list(rule, "/values")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let values = values.join(",");
        let term = match text(rule, "/operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        terms.push((key.to_owned(), term));
    }
    terms.sort();
    let terms: Vec<String> = terms.into_iter().map(|(_, term)| term).collect();
    or_none(&terms.join(","))
}
