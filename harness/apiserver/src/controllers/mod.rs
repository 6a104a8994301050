//! The background controllers that a Kubernetes API cannot do without. They take their work from the store, which
//! notes it with the change that causes it; without work they wait, and no timer ever wakes them.

mod definitions;
mod garbage;
mod namespaces;

use std::sync::Arc;

use crate::server::Inner;
use crate::status::ApiError;
use crate::store::ObjectRef;
use crate::write::{DeleteOptions, Propagation, Target};

/// Works until it is dropped.
pub(crate) async fn run(api: Arc<Inner>) {
    loop {
        let work = api.store.take_work();
        if work.is_empty() {
            api.store.work_added().await;
            continue;
        }
        for namespace in &work.accounts {
            namespaces::ensure_account(&api, namespace);
        }
        for object in &work.collect {
            garbage::collect(&api, object);
        }
        for namespace in &work.terminating {
            namespaces::empty(&api, namespace);
        }
        for name in &work.definitions {
            definitions::empty(&api, name);
        }
        // Others get their turn between two rounds of a large deletion.
        tokio::task::yield_now().await;
    }
}

fn target(api: &Inner, at: &ObjectRef) -> Option<Target> {
    api.stored_target(&api.registry.by_id(&at.resource)?)
}

/// Deletes if this very object still exists; tells whether it had to.
fn delete(api: &Inner, at: &ObjectRef, uid: &str, propagation: Option<Propagation>) {
    let Some(target) = target(api, at) else {
        return;
    };
    let options = DeleteOptions {
        uid: Some(uid.to_owned()),
        propagation,
        ..DeleteOptions::default()
    };
    match api.delete(&target, &at.key, &options) {
        Ok(_) => {}
        Err(error) => gone_or_changed(&error, at),
    }
}

/// An object that is gone, or another one by now, needs no further work: its own change noted what follows.
fn gone_or_changed(error: &ApiError, at: &ObjectRef) {
    if !matches!(error.reason(), "NotFound" | "Conflict") {
        tracing::warn!(resource = %at.resource, namespace = %at.key.namespace, name = %at.key.name, %error, "a background controller was refused");
    }
}
