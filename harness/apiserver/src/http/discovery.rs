//! Discovery in its legacy form, which every client falls back to, and `/version`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::registry::Registry;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::token::REVIEW_GROUP;

pub(super) fn version() -> Value {
    json!({
        "major": "1", "minor": "34", "gitVersion": "v1.34.0+rotaproof", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc", "platform": "in-process",
    })
}

pub(super) fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

/// The served versions of each group, the storage versions first, then the latest.
fn group_versions(registry: &Registry) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    groups.insert(REVIEW_GROUP.to_owned(), vec!["v1".to_owned()]);
    for resource in registry.all() {
        if resource.group().is_empty() {
            continue;
        }
        let versions = groups.entry(resource.group().to_owned()).or_default();
        let stored = resource.versions.iter().filter(|version| version.storage);
        let others = resource.versions.iter().filter(|version| !version.storage);
        for version in stored.chain(others).filter(|version| version.served) {
            if !versions.contains(&version.name) {
                versions.push(version.name.clone());
            }
        }
    }
    groups.retain(|_, versions| !versions.is_empty());
    groups
}

fn api_group(name: &str, versions: &[String]) -> Value {
    let entry =
        |version: &String| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({
        "name": name,
        "versions": versions.iter().map(entry).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(entry),
    })
}

pub(super) fn groups(registry: &Registry) -> Value {
    let groups: Vec<Value> = group_versions(registry)
        .iter()
        .map(|(name, versions)| api_group(name, versions))
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

pub(super) fn group(registry: &Registry, name: &str) -> Result<Value, ApiError> {
    let groups = group_versions(registry);
    let versions = groups.get(name).ok_or_else(ApiError::unknown_resource)?;
    let mut group = api_group(name, versions);
    group["kind"] = "APIGroup".into();
    group["apiVersion"] = "v1".into();
    Ok(group)
}

pub(super) fn resources(
    registry: &Registry,
    group: &str,
    version: &str,
) -> Result<Value, ApiError> {
    let mut list = Vec::new();
    if (group, version) == (REVIEW_GROUP, "v1") {
        list.push(json!({
            "name": "tokenreviews", "singularName": "tokenreview", "namespaced": false,
            "kind": "TokenReview", "verbs": ["create"],
        }));
    }
    for resource in registry.all() {
        if resource.group() == group {
            list.extend(entries(&resource, version));
        }
    }
    if list.is_empty() {
        return Err(ApiError::unknown_resource());
    }
    let group_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list,
    }))
}

fn entries(resource: &Resource, version: &str) -> Vec<Value> {
    let Some(served) = resource.served(version) else {
        return Vec::new();
    };
    let (singular, short_names, categories) = resource.names();
    let mut main = json!({
        "name": resource.plural(), "singularName": singular, "namespaced": resource.is_namespaced(),
        "kind": resource.kind(),
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    });
    if !short_names.is_empty() {
        main["shortNames"] = json!(short_names);
    }
    if !categories.is_empty() {
        main["categories"] = json!(categories);
    }
    let mut list = vec![main];
    let mut subresource = |name: &str, kind: &str, verbs: &[&str]| {
        list.push(json!({
            "name": format!("{}/{name}", resource.plural()), "singularName": "",
            "namespaced": resource.is_namespaced(), "kind": kind, "verbs": verbs,
        }));
    };
    if served.status {
        subresource("status", resource.kind(), &["get", "patch", "update"]);
    }
    for name in &resource.extra_subresources {
        match *name {
            "token" => subresource(name, "TokenRequest", &["create"]),
            _ => subresource(name, resource.kind(), &["get"]),
        }
    }
    list
}
