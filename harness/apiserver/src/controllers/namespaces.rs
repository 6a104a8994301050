//! Namespaces: emptied when they are deleted, and given a ServiceAccount named `default` while they live.

use serde_json::{Value, json};

use super::delete;
use crate::object;
use crate::server::Inner;
use crate::store::{Change, Key, ObjectRef, Refused};

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
pub(super) fn empty(api: &Inner, namespace: &str) {
    let key = Key::cluster(namespace);
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
        let snapshot = api.store.list(id, Some(namespace));
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
    if namespaced().any(|resource| !contents(resource.id()).is_empty()) {
        // Finalizers or grace periods hold something; its removal brings us back.
        return;
    }
    while let Some(current) = terminating(api) {
        let mut value = current.value.clone();
        object::set_at(&mut value, &["spec"], json!({}));
        let change = match object::finalizers(&value).is_empty() {
            true => Change::Remove(current.revision, value),
            false if value == current.value => return,
            false => Change::Update(current.revision, value),
        };
        match api.store.commit(&"namespaces".into(), &key, change) {
            Err(Refused::Raced) => {}
            _ => return,
        }
    }
}
