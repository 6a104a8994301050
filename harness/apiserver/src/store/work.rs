//! What the background controllers still have to look at. Noted under the store's lock with the change that causes it,
//! so that an ordinary write costs them nothing and none is missed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{EventType, ObjectRef, State};
use crate::object;

/// Bounded by what exists: each is a set of names.
#[derive(Default)]
pub(crate) struct Work {
    /// Objects whose owners or own deletion the garbage collector has to judge.
    pub(crate) collect: BTreeSet<ObjectRef>,
    /// Terminating namespaces that may be empty by now, or were just marked.
    pub(crate) terminating: BTreeSet<String>,
    /// Namespaces that may lack their default ServiceAccount.
    pub(crate) accounts: BTreeSet<String>,
    /// Terminating CustomResourceDefinitions, by name.
    pub(crate) definitions: BTreeSet<String>,
}

impl Work {
    pub(crate) fn is_empty(&self) -> bool {
        self.collect.is_empty()
            && self.terminating.is_empty()
            && self.accounts.is_empty()
            && self.definitions.is_empty()
    }
}

const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

impl State {
    /// Notes what follows from a change that was just made; tells whether there is any.
    pub(super) fn note_work(&mut self, at: &ObjectRef, event: EventType, value: &Value) -> bool {
        let deleted = event == EventType::Deleted;
        if deleted {
            self.work.collect.remove(at);
            if let Some(dependents) = self.dependents.get(object::meta_text(value, "uid")) {
                self.work.collect.extend(dependents.iter().cloned());
            }
            // A foreground deletion may have waited for this one.
            for (owner, _) in object::owners(value) {
                self.work.collect.extend(self.uids.get(owner).cloned());
            }
            if self.namespace_takes(&at.key.namespace).is_err() {
                self.work.terminating.insert(at.key.namespace.clone());
            }
        } else {
            let orphan = object::owners(value).any(|(owner, _)| !self.uids.contains_key(owner));
            if orphan || object::is_deleting(value) {
                self.work.collect.insert(at.clone());
            }
        }
        match at.resource.as_ref() {
            "namespaces" if !deleted => {
                let set = match object::is_deleting(value) {
                    true => &mut self.work.terminating,
                    false => &mut self.work.accounts,
                };
                set.insert(at.key.name.clone());
            }
            "serviceaccounts" if deleted => {
                self.work.accounts.insert(at.key.namespace.clone());
            }
            DEFINITIONS if object::is_deleting(value) => {
                self.work.definitions.insert(at.key.name.clone());
            }
            // The last instance of a definition that is going away.
            resource if deleted => {
                let definition = super::Key::cluster(resource);
                let definitions = self.tables.get(DEFINITIONS);
                if definitions.is_some_and(|table| table.get(&definition).is_some()) {
                    self.work.definitions.insert(definition.name);
                }
            }
            _ => {}
        }
        !self.work.is_empty()
    }
}
