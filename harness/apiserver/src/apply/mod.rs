//! Field ownership: server-side apply, and `metadata.managedFields` for every other write.
//!
//! The rules are those of sigs.k8s.io/structured-merge-diff v6 as kube-apiserver 1.34 uses it. Lists merge as the
//! CRD's schema says; for built-in kinds, as the table of [`MergeKeys`](crate::patch::MergeKeys) says.

mod conflict;
mod field_set;
mod managed;
mod shape;
mod typed;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::schema::Structural;
pub use conflict::Conflict;
use managed::{Managers, Operation};
use shape::Shape;

/// Who owns what nobody is known to own when an apply begins (`k8s.io/apimachinery` `managedfields/internal/skipnonapplied.go`).
const BEFORE: &str = "before-first-apply";

/// Applies `config` as `manager`, and returns the new object with its managedFields.
///
/// `live` is the stored object, `now` RFC 3339 in whole seconds. Values that the manager applied before and does
/// not any more are removed unless someone else owns them. The caller prunes, defaults and validates the result.
/// Applying the same configuration again returns `live` as it is. The fields that an apply to a subresource owns are
/// kept apart from those of an apply to the object.
///
/// # Errors
/// Without `force`, if a field that another manager owns would change.
pub fn server_side_apply(
    live: Option<&Value>,
    config: &Value,
    manager: &str,
    force: bool,
    now: &str,
    schema: Option<&Structural>,
    subresource: Option<&str>,
) -> Result<Value, Conflict> {
    let shape = Shape::new(schema, config);
    let config = without_managed_fields(config);
    let empty = Value::Object(serde_json::Map::new());
    let before = live.map_or_else(|| empty.clone(), without_managed_fields);
    let version = api_version(&config);
    let mut managers = live.map(Managers::of).unwrap_or_default();
    if let Some(live) = live.filter(|live| !managed::has_entries(live)) {
        let mut structures = empty.clone();
        if schema.is_none() {
            crate::typed::fill_structures(live, &mut structures);
        }
        let found = typed::compare(&structures, live, &shape).changed;
        managers.set(BEFORE, Operation::Update, None, &version, found, now);
    }

    let applied = typed::fields(&config, &shape);
    let mut merged = typed::merge(&before, &config, &shape);

    let changed = typed::compare(&before, &merged, &shape).changed;
    let conflicts = managers.conflicts(manager, subresource, &changed);
    if !conflicts.is_empty() {
        if !force {
            return Err(Conflict::new(&conflicts));
        }
        for (at, fields) in conflicts
            .into_iter()
            .map(|conflict| (conflict.at, conflict.fields))
        {
            managers.disown(at, &fields);
        }
    }

    let previous = managers.fields_of(manager, Operation::Apply, subresource);
    let mut kept = managers.owned_by_others(manager, subresource);
    kept.add(&applied);
    let given_up = previous.difference(&kept);
    typed::strip(&mut merged, &given_up, &kept);

    let unchanged =
        live.is_some_and(managed::has_entries) && previous == applied && merged == before;
    if let (true, Some(live)) = (unchanged, live) {
        return Ok(live.clone());
    }
    managers.set(
        manager,
        Operation::Apply,
        subresource,
        &version,
        applied,
        now,
    );
    managers.write_to(&mut merged);
    Ok(merged)
}

/// Keeps `metadata.managedFields` for an Update operation (POST, PUT, PATCH) of `manager`.
///
/// `old` is the stored object, none on a create. A client that sends managedFields of its own replaces the stored
/// ones; `[{}]` resets them.
pub fn track_update(
    old: Option<&Value>,
    new: &mut Value,
    manager: &str,
    subresource: Option<&str>,
    now: &str,
    schema: Option<&Structural>,
) {
    if managed::is_reset(new) {
        managed::clear(new);
        return;
    }
    // Once nobody is known to own anything, only an apply begins anew (`skipnonapplied.go`).
    if old.is_some_and(|old| !managed::has_entries(old)) && !managed::has_entries(new) {
        return;
    }
    let shape = Shape::new(schema, new);
    let mut before = old.map_or_else(|| Value::Object(serde_json::Map::new()), Clone::clone);
    if schema.is_none() {
        // Go compares with an object whose structures are there, if empty.
        crate::typed::fill_structures(new, &mut before);
    }
    let mut managers = if managed::has_entries(new) {
        Managers::of(new)
    } else {
        old.map(Managers::of).unwrap_or_default()
    };
    let difference = typed::compare(&before, new, &shape);
    if !difference.changed.is_empty() || !difference.removed.is_empty() {
        managers.disown_everywhere(&difference.removed, &difference.changed);
        let mut fields = managers.fields_of(manager, Operation::Update, subresource);
        fields.add(&difference.changed);
        let version = api_version(new);
        managers.set(
            manager,
            Operation::Update,
            subresource,
            &version,
            fields,
            now,
        );
    }
    managers.write_to(new);
}

fn api_version(object: &Value) -> String {
    object
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    managed::clear(&mut object);
    object
}
