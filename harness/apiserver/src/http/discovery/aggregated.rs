//! All groups in one document (`apidiscovery.k8s.io`).

use serde_json::{Value, json};

use super::{Discovery, Entry, Version};

/// The version of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Edition {
    V2,
    V2Beta1,
}

impl Edition {
    /// Also the sign by which a client knows that it got the form that it asked for.
    pub(in crate::http) fn media_type(self) -> &'static str {
        match self {
            Self::V2 => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            Self::V2Beta1 => {
                "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
            }
        }
    }

    fn api_version(self) -> &'static str {
        match self {
            Self::V2 => "apidiscovery.k8s.io/v2",
            Self::V2Beta1 => "apidiscovery.k8s.io/v2beta1",
        }
    }
}

impl Discovery {
    /// `/api`
    pub(in crate::http) fn aggregated_core(&self, edition: Edition) -> Value {
        let core = self.groups.iter().filter(|(name, _)| name.is_empty());
        list(edition, core)
    }

    /// `/apis`
    pub(in crate::http) fn aggregated_groups(&self, edition: Edition) -> Value {
        list(edition, self.named())
    }
}

fn list<'a>(
    edition: Edition,
    groups: impl Iterator<Item = (&'a String, &'a Vec<Version>)>,
) -> Value {
    let items: Vec<Value> = groups
        .map(|(name, versions)| {
            let metadata = match name.as_str() {
                "" => json!({}),
                name => json!({"name": name}),
            };
            let versions: Vec<Value> = versions.iter().map(|it| version(name, it)).collect();
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": edition.api_version(), "metadata": {}, "items": items,
    })
}

fn version(group: &str, version: &Version) -> Value {
    let resources: Vec<Value> = version
        .resources
        .iter()
        .map(|it| resource(group, &version.name, it))
        .collect();
    json!({"version": version.name, "resources": resources, "freshness": "Current"})
}

fn resource(group: &str, version: &str, entry: &Entry) -> Value {
    let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    // A built-in kind is of the group and version that it is listed in, and does not say so.
    let (own_group, own_version) = match entry.custom {
        true => (group, version),
        false => ("", ""),
    };
    let mut resource = json!({
        "resource": entry.plural,
        "responseKind": kind(own_group, own_version, &entry.kind),
        "scope": match entry.namespaced { true => "Namespaced", false => "Cluster" },
        "singularResource": entry.singular,
        "verbs": entry.verbs,
    });
    if !entry.short_names.is_empty() {
        resource["shortNames"] = json!(entry.short_names);
    }
    if !entry.categories.is_empty() {
        resource["categories"] = json!(entry.categories);
    }
    let subresources: Vec<Value> = entry
        .subresources
        .iter()
        .map(|it| {
            let (group, version) = it.group_version.unwrap_or((own_group, own_version));
            json!({"subresource": it.name, "responseKind": kind(group, version, &it.kind), "verbs": it.verbs})
        })
        .collect();
    if !subresources.is_empty() {
        resource["subresources"] = subresources.into();
    }
    resource
}
