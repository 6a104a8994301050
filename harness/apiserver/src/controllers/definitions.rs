//! Terminating CustomResourceDefinitions: their instances go first.

use super::delete;
use super::garbage::remove_finalizer;
use crate::crd::{CLEANUP, RESOURCE};
use crate::object;
use crate::server::Inner;
use crate::store::{Key, ObjectRef};

pub(super) fn empty(api: &Inner, name: &str) {
    let at = ObjectRef {
        resource: RESOURCE.into(),
        key: Key::cluster(name),
    };
    let definition = api.store.get(&at.resource, &at.key);
    let Some(definition) = definition.filter(|it| object::is_deleting(&it.value)) else {
        return;
    };
    if !object::finalizers(&definition.value).contains(&CLEANUP) {
        return;
    }
    let instances = || {
        let snapshot = api.store.list(name, None);
        snapshot
            .map(|snapshot| snapshot.objects)
            .unwrap_or_default()
    };
    for (key, object) in instances() {
        let instance = ObjectRef {
            resource: name.into(),
            key,
        };
        if !object::is_deleting(&object.value) {
            delete(
                api,
                &instance,
                object::meta_text(&object.value, "uid"),
                None,
            );
        }
    }
    if instances().is_empty() {
        remove_finalizer(api, &at, &definition, CLEANUP);
    }
}
