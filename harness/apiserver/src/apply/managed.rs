//! `metadata.managedFields`: who owns which fields.

use serde_json::{Map, Value, json};

use super::field_set::FieldSet;

/// How a manager writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// One entry.
#[derive(Debug, Clone)]
struct Entry {
    manager: String,
    operation: Operation,
    subresource: Option<String>,
    version: String,
    time: String,
    fields: FieldSet,
}

impl Entry {
    fn is(&self, manager: &str, operation: Operation, subresource: Option<&str>) -> bool {
        self.manager == manager
            && self.operation == operation
            && self.subresource.as_deref() == subresource
    }

    /// As the apiserver names a manager in a conflict.
    fn printed(&self) -> String {
        let subresource = match &self.subresource {
            Some(subresource) => format!(" with subresource {subresource:?}"),
            None => String::new(),
        };
        match self.operation {
            Operation::Apply => format!("{:?}{subresource}", self.manager),
            Operation::Update => format!("{:?}{subresource} using {}", self.manager, self.version),
        }
    }
}

/// The fields of another manager that an apply would change.
#[derive(Debug)]
pub(super) struct Contested {
    /// The manager's place among the entries.
    pub(super) at: usize,
    pub(super) manager: String,
    pub(super) fields: FieldSet,
}

/// All entries of an object.
#[derive(Debug, Default)]
pub(super) struct Managers(Vec<Entry>);

impl Managers {
    pub(super) fn of(object: &Value) -> Self {
        let entries = object
            .pointer("/metadata/managedFields")
            .and_then(Value::as_array);
        Self(entries.into_iter().flatten().filter_map(read).collect())
    }

    pub(super) fn fields_of(
        &self,
        manager: &str,
        operation: Operation,
        subresource: Option<&str>,
    ) -> FieldSet {
        self.0
            .iter()
            .find(|entry| entry.is(manager, operation, subresource))
            .map(|entry| entry.fields.clone())
            .unwrap_or_default()
    }

    /// What anyone but this applier owns.
    pub(super) fn owned_by_others(&self, applier: &str, subresource: Option<&str>) -> FieldSet {
        let mut owned = FieldSet::default();
        for entry in self
            .0
            .iter()
            .filter(|entry| !entry.is(applier, Operation::Apply, subresource))
        {
            owned.add(&entry.fields);
        }
        owned
    }

    pub(super) fn conflicts(
        &self,
        applier: &str,
        subresource: Option<&str>,
        changed: &FieldSet,
    ) -> Vec<Contested> {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.is(applier, Operation::Apply, subresource))
            .map(|(at, entry)| Contested {
                at,
                manager: entry.printed(),
                fields: entry.fields.intersection(changed),
            })
            .filter(|contested| !contested.fields.is_empty())
            .collect()
    }

    pub(super) fn disown(&mut self, at: usize, fields: &FieldSet) {
        if let Some(entry) = self.0.get_mut(at) {
            entry.fields = entry.fields.difference(fields);
        }
    }

    /// Nobody keeps what was removed, nor what someone else has just changed.
    pub(super) fn disown_everywhere(&mut self, removed: &FieldSet, changed: &FieldSet) {
        for entry in &mut self.0 {
            entry.fields = entry
                .fields
                .without_subtrees(removed)
                .without_subtrees(changed);
        }
    }

    pub(super) fn set(
        &mut self,
        manager: &str,
        operation: Operation,
        subresource: Option<&str>,
        version: &str,
        fields: FieldSet,
        now: &str,
    ) {
        self.0
            .retain(|entry| !entry.is(manager, operation, subresource));
        self.0.push(Entry {
            manager: manager.to_owned(),
            operation,
            subresource: subresource.map(str::to_owned),
            version: version.to_owned(),
            time: now.to_owned(),
            fields,
        });
    }

    /// Writes the entries that own something, in the apiserver's order.
    pub(super) fn write_to(mut self, object: &mut Value) {
        self.0.retain(|entry| !entry.fields.is_empty());
        if self.0.is_empty() {
            clear(object);
            return;
        }
        self.0.sort_by(|a, b| {
            (a.operation, &a.time, &a.manager, &a.version, &a.subresource).cmp(&(
                b.operation,
                &b.time,
                &b.manager,
                &b.version,
                &b.subresource,
            ))
        });
        let Value::Object(object) = object else {
            return;
        };
        let metadata = object
            .entry("metadata")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(metadata) = metadata {
            metadata.insert(
                "managedFields".to_owned(),
                self.0.iter().map(written).collect(),
            );
        }
    }
}

fn written(entry: &Entry) -> Value {
    let mut json = json!({
        "manager": entry.manager,
        "operation": entry.operation.as_str(),
        "apiVersion": entry.version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": entry.fields.to_json(),
    });
    if let Some(subresource) = &entry.subresource {
        json["subresource"] = Value::from(subresource.as_str());
    }
    json
}

fn read(entry: &Value) -> Option<Entry> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    Some(Entry {
        manager: text("manager")?.to_owned(),
        operation: match text("operation")? {
            "Apply" => Operation::Apply,
            _ => Operation::Update,
        },
        subresource: text("subresource")
            .filter(|subresource| !subresource.is_empty())
            .map(str::to_owned),
        version: text("apiVersion").unwrap_or_default().to_owned(),
        time: text("time").unwrap_or_default().to_owned(),
        fields: FieldSet::from_json(entry.get("fieldsV1")?),
    })
}

/// `managedFields: [{}]` asks for a reset.
pub(super) fn is_reset(object: &Value) -> bool {
    let entries = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    entries.is_some_and(|entries| {
        entries.len() == 1 && entries[0].as_object().is_some_and(Map::is_empty)
    })
}

pub(super) fn has_entries(object: &Value) -> bool {
    let entries = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    entries.is_some_and(|entries| !entries.is_empty())
}

pub(super) fn clear(object: &mut Value) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.shift_remove("managedFields");
    }
}
