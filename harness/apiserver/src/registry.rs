//! Which resources the API serves.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::resource::Resource;

#[derive(Default)]
pub(crate) struct Registry {
    // By group, then by plural: the order in which discovery and namespace deletion walk.
    resources: RwLock<BTreeMap<(String, String), Arc<Resource>>>,
}

impl Registry {
    pub(crate) fn insert(&self, resource: Resource) -> Arc<Resource> {
        let resource = Arc::new(resource);
        let key = (resource.group().to_owned(), resource.plural().to_owned());
        self.resources
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, resource.clone());
        resource
    }

    pub(crate) fn remove(&self, group: &str, plural: &str) {
        self.resources
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(group.to_owned(), plural.to_owned()));
    }

    pub(crate) fn get(&self, group: &str, plural: &str) -> Option<Arc<Resource>> {
        self.resources
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(group.to_owned(), plural.to_owned()))
            .cloned()
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Resource>> {
        let (plural, group) = id.split_once('.').unwrap_or((id, ""));
        self.get(group, plural)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Resource>> {
        self.resources
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }
}
