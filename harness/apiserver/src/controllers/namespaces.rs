//! Namespaces: emptied when they are deleted, and given a ServiceAccount named `default` while they live.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::delete;
use crate::builtin::namespace;
use crate::object;
use crate::server::Inner;
use crate::store::{Change, Key, Object, ObjectRef, Refused};

pub(super) fn ensure_account(api: &Inner, namespace: &str) {
    let accounts = api.registry.get("", "serviceaccounts");
    let Some(target) = accounts.and_then(|resource| api.stored_target(&resource)) else {
        return;
    };
    let account: Value = json!({"metadata": {"name": "default"}});
    match api.create(&target, namespace, account, &Inner::own_options()) {
        Ok(_) => {}
        // It exists, or its namespace is going away.
        Err(error) if matches!(error.reason(), "AlreadyExists" | "Forbidden" | "NotFound") => {}
        Err(error) => tracing::warn!(namespace, %error, "no default ServiceAccount"),
    }
}

/// Deletes what is in a terminating namespace, and lets it go when nothing is left.
pub(super) fn empty(api: &Inner, name: &str) {
    let key = Key::cluster(name);
    let terminating = |api: &Inner| {
        api.store
            .get("namespaces", &key)
            .filter(|it| object::is_deleting(&it.value))
    };
    if terminating(api).is_none() {
        return;
    }
    let namespaced = || {
        api.registry
            .all()
            .into_iter()
            .filter(|resource| resource.is_namespaced())
    };
    let contents = |id: &str| {
        let snapshot = api.store.list(id, Some(name));
        snapshot
            .map(|snapshot| snapshot.objects)
            .unwrap_or_default()
    };
    for resource in namespaced() {
        for (key, object) in contents(resource.id()) {
            let at = ObjectRef {
                resource: resource.id().clone(),
                key,
            };
            if !object::is_deleting(&object.value) {
                delete(api, &at, object::meta_text(&object.value, "uid"), None);
            }
        }
    }
    let remaining: Vec<(String, Vec<Object>)> = namespaced()
        .map(|resource| {
            let objects = contents(resource.id()).into_iter();
            let objects = objects.map(|(_, object)| object).collect();
            (
                format!("{}.{}", resource.plural(), resource.group()),
                objects,
            )
        })
        .filter(|(_, objects): &(_, Vec<Object>)| !objects.is_empty())
        .collect();
    while let Some(current) = terminating(api) {
        let mut value = current.value.clone();
        set_conditions(&mut value, &remaining, &api.now());
        // Finalizers or grace periods hold what remains; its removal brings us back.
        if remaining.is_empty() {
            let mut kept = namespace::finalizers(&value);
            kept.retain(|name| name != namespace::FINALIZER);
            let spec = match kept.is_empty() {
                true => json!({}),
                false => json!({"finalizers": kept}),
            };
            object::set_at(&mut value, &["spec"], spec);
        }
        let held =
            !object::finalizers(&value).is_empty() || !namespace::finalizers(&value).is_empty();
        let change = match held {
            false => Change::Remove(current.revision, value),
            true if value == current.value => return,
            true => Change::Update(current.revision, value),
        };
        match api.store.commit(&"namespaces".into(), &key, change) {
            Err(Refused::Raced) => {}
            _ => return,
        }
    }
}

/// What is left and what holds it (`pkg/controller/namespace/deletion/status_condition_utils.go`).
fn set_conditions(namespace: &mut Value, remaining: &[(String, Vec<Object>)], now: &str) {
    let resources: Vec<String> = remaining
        .iter()
        .map(|(name, objects)| format!("{name} has {} resource instances", objects.len()))
        .collect();
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for object in remaining.iter().flat_map(|(_, objects)| objects) {
        for finalizer in object::finalizers(&object.value) {
            *holders.entry(finalizer).or_default() += 1;
        }
    }
    let holders: Vec<String> = holders
        .into_iter()
        .map(|(name, count)| format!("{name} in {count} resource instances"))
        .collect();
    let either =
        |list: &[String], some: &'static str, text: &str, none: (&'static str, &str)| match list
            .is_empty()
        {
            true => ("False", none.0, none.1.to_owned()),
            false => ("True", some, format!("{text}: {}", list.join(", "))),
        };
    let fine = |reason, message: &str| ("False", reason, message.to_owned());
    let conditions = [
        (
            "NamespaceDeletionDiscoveryFailure",
            fine(
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            fine(
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
        ),
        (
            "NamespaceDeletionContentFailure",
            fine(
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
        ),
        (
            "NamespaceContentRemaining",
            either(
                &resources,
                "SomeResourcesRemain",
                "Some resources are remaining",
                ("ContentRemoved", "All content successfully removed"),
            ),
        ),
        (
            "NamespaceFinalizersRemaining",
            either(
                &holders,
                "SomeFinalizersRemain",
                "Some content in the namespace has finalizers remaining",
                (
                    "ContentHasNoFinalizers",
                    "All content-preserving finalizers finished",
                ),
            ),
        ),
    ];
    let before = namespace.pointer("/status/conditions").cloned();
    let before = before.as_ref().and_then(Value::as_array);
    let conditions: Vec<Value> = conditions
        .into_iter()
        .map(|(kind, (status, reason, message))| {
            let known = before.into_iter().flatten();
            let known = known
                .into_iter()
                .find(|it| it["type"] == kind && it["status"] == status);
            let since = known.map_or_else(|| now.into(), |it| it["lastTransitionTime"].clone());
            json!({
                "type": kind, "status": status, "lastTransitionTime": since,
                "reason": reason, "message": message,
            })
        })
        .collect();
    object::set_at(namespace, &["status", "conditions"], conditions);
}
