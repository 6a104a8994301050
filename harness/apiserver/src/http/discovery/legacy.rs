//! A document per group and version, as all clients understand it.

use serde_json::{Value, json};

use super::{Discovery, Entry, Version};
use crate::status::ApiError;

impl Discovery {
    /// `/api`
    pub(in crate::http) fn core_versions(&self) -> Value {
        json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })
    }

    /// `/apis`
    pub(in crate::http) fn group_list(&self) -> Value {
        let groups: Vec<Value> = self
            .named()
            .map(|(name, versions)| api_group(name, versions))
            .collect();
        json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
    }

    /// `/apis/{group}`
    pub(in crate::http) fn group(&self, name: &str) -> Result<Value, ApiError> {
        let mut group = api_group(name, self.versions(name)?);
        group["kind"] = "APIGroup".into();
        group["apiVersion"] = "v1".into();
        Ok(group)
    }

    /// `/api/v1` and `/apis/{group}/{version}`
    pub(in crate::http) fn resource_list(
        &self,
        group: &str,
        version: &str,
    ) -> Result<Value, ApiError> {
        let unknown = || match group {
            "" => ApiError::unknown_resource(),
            _ => ApiError::no_such_path(),
        };
        let versions = self.versions(group)?;
        let version = versions
            .iter()
            .find(|known| known.name == version)
            .ok_or_else(unknown)?;
        let resources: Vec<Value> = version.resources.iter().flat_map(entries).collect();
        let mut list = json!({"kind": "APIResourceList"});
        // The core group's has none.
        if !group.is_empty() {
            list["apiVersion"] = "v1".into();
        }
        list["groupVersion"] = group_version(group, version).into();
        list["resources"] = resources.into();
        Ok(list)
    }
}

fn group_version(group: &str, version: &Version) -> String {
    match group {
        "" => version.name.clone(),
        group => format!("{group}/{}", version.name),
    }
}

fn api_group(name: &str, versions: &[Version]) -> Value {
    let entry = |version: &Version| json!({"groupVersion": group_version(name, version), "version": version.name});
    json!({
        "name": name,
        "versions": versions.iter().map(entry).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(entry),
    })
}

fn entries(entry: &Entry) -> Vec<Value> {
    let mut main = json!({
        "name": entry.plural, "singularName": entry.singular, "namespaced": entry.namespaced,
        "kind": entry.kind, "verbs": entry.verbs,
    });
    if !entry.short_names.is_empty() {
        main["shortNames"] = json!(entry.short_names);
    }
    if !entry.categories.is_empty() {
        main["categories"] = json!(entry.categories);
    }
    if let Some(hash) = &entry.storage_hash {
        main["storageVersionHash"] = hash.as_str().into();
    }
    let mut list = vec![main];
    for subresource in &entry.subresources {
        let mut below = json!({
            "name": format!("{}/{}", entry.plural, subresource.name), "singularName": "",
            "namespaced": entry.namespaced,
        });
        if let Some((group, version)) = subresource.group_version {
            below["group"] = group.into();
            below["version"] = version.into();
        }
        below["kind"] = subresource.kind.as_str().into();
        below["verbs"] = json!(subresource.verbs);
        list.push(below);
    }
    list
}
