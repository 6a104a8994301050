//! The garbage collector of owner references (`pkg/controller/garbagecollector`).

use serde_json::{Value, json};

use super::{delete, gone_or_changed, target};
use crate::object;
use crate::server::Inner;
use crate::store::{Object, ObjectRef};
use crate::write::{Edit, FOREGROUND, ORPHAN, Part, PatchType, Propagation};

pub(super) fn collect(api: &Inner, at: &ObjectRef) {
    let Some(object) = api.store.get(&at.resource, &at.key) else {
        return;
    };
    if object::is_deleting(&object.value) {
        let finalizers = object::finalizers(&object.value);
        if finalizers.contains(&ORPHAN) {
            orphan_dependents(api, at, &object);
        } else if finalizers.contains(&FOREGROUND) {
            delete_dependents(api, at, &object);
        }
        return;
    }
    judge_owners(api, at, &object);
}

/// Deletes an object none of whose owners exists (or all of whose owners wait for it), and drops dangling references otherwise.
fn judge_owners(api: &Inner, at: &ObjectRef, object: &Object) {
    let owners: Vec<(&str, bool)> = object::owners(&object.value).collect();
    if owners.is_empty() {
        return;
    }
    let uid = object::meta_text(&object.value, "uid");
    let exists = |owner: &str| {
        api.store.by_uid(owner).is_some_and(|owner| {
            // A reference across namespaces refers to nothing.
            owner.key.namespace.is_empty() || owner.key.namespace == at.key.namespace
        })
    };
    let (solid, dangling): (Vec<&str>, Vec<&str>) = owners
        .iter()
        .map(|(owner, _)| *owner)
        .partition(|owner| exists(owner));
    if solid.is_empty() {
        delete(api, at, uid, Some(Propagation::Background));
    } else if !dangling.is_empty() {
        remove_owners(api, at, object, &dangling);
    }
}

fn orphan_dependents(api: &Inner, at: &ObjectRef, owner: &Object) {
    let uid = object::meta_text(&owner.value, "uid");
    for dependent in api.store.dependents(uid) {
        if let Some(object) = api.store.get(&dependent.resource, &dependent.key) {
            remove_owners(api, &dependent, &object, &[uid]);
        }
    }
    remove_finalizer(api, at, owner, ORPHAN);
}

/// Deletes the dependents; the owner goes when the last one that blocks it has gone.
fn delete_dependents(api: &Inner, at: &ObjectRef, owner: &Object) {
    let uid = object::meta_text(&owner.value, "uid");
    for dependent in api.store.dependents(uid) {
        let Some(object) = api.store.get(&dependent.resource, &dependent.key) else {
            continue;
        };
        // Another owner, which stays, keeps it.
        let kept = object::owners(&object.value)
            .any(|(other, _)| other != uid && api.store.by_uid(other).is_some());
        if kept {
            remove_owners(api, &dependent, &object, &[uid]);
        } else if !object::is_deleting(&object.value) {
            let uid = object::meta_text(&object.value, "uid");
            delete(api, &dependent, uid, Some(Propagation::Foreground));
        }
    }
    let blocked = api.store.dependents(uid).iter().any(|dependent| {
        api.store
            .get(&dependent.resource, &dependent.key)
            .is_some_and(|object| {
                object::owners(&object.value).any(|(owner, blocks)| owner == uid && blocks)
            })
    });
    if !blocked {
        remove_finalizer(api, at, owner, FOREGROUND);
    }
}

fn remove_owners(api: &Inner, at: &ObjectRef, object: &Object, uids: &[&str]) {
    let mut references = object::meta(&object.value, "ownerReferences")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    references.retain(|reference| {
        let uid = reference
            .get("uid")
            .and_then(Value::as_str)
            .unwrap_or_default();
        !uids.contains(&uid)
    });
    patch_metadata(api, at, object, "ownerReferences", references);
}

pub(super) fn remove_finalizer(api: &Inner, at: &ObjectRef, object: &Object, finalizer: &str) {
    let finalizers: Vec<Value> = object::finalizers(&object.value)
        .into_iter()
        .filter(|name| *name != finalizer)
        .map(Value::from)
        .collect();
    patch_metadata(api, at, object, "finalizers", finalizers);
}

/// Replaces a list of `metadata` if this very object still exists.
fn patch_metadata(api: &Inner, at: &ObjectRef, object: &Object, field: &str, list: Vec<Value>) {
    let Some(target) = target(api, at) else {
        return;
    };
    let list = match list.is_empty() {
        true => Value::Null,
        false => list.into(),
    };
    let patch = json!({"metadata": {"uid": object::meta_text(&object.value, "uid"), field: list}});
    let edit = Edit {
        target: &target,
        key: &at.key,
        part: Part::Main,
        options: &Inner::own_options(),
    };
    if let Err(error) = api.patch(&edit, PatchType::Merge, &patch) {
        gone_or_changed(&error, at);
    }
}
