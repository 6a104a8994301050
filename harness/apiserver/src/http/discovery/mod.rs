//! Discovery: which groups, versions and resources there are, in both forms in which clients ask for them.

mod aggregated;
mod legacy;
mod version;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::ACCEPT;
use serde_json::{Value, json};

pub(super) use aggregated::Edition;
pub(super) use version::version;

use crate::registry::Registry;
use crate::resource::Resource;
use crate::review;
use crate::status::ApiError;

/// The served resources by group and version; the core group is the one without a name.
pub(super) struct Discovery {
    groups: BTreeMap<String, Vec<Version>>,
}

struct Version {
    name: String,
    resources: Vec<Entry>,
}

/// One resource of one version.
#[derive(Clone)]
struct Entry {
    plural: String,
    singular: String,
    kind: String,
    namespaced: bool,
    verbs: &'static [&'static str],
    short_names: Vec<String>,
    categories: Vec<String>,
    subresources: Vec<Subresource>,
    custom: bool,
    /// Of objects that are stored (`discovery.StorageVersionHash`).
    storage_hash: Option<String>,
}

#[derive(Clone)]
struct Subresource {
    name: &'static str,
    /// Of another group and version than the resource, where there is one.
    group_version: Option<(&'static str, &'static str)>,
    kind: String,
    verbs: &'static [&'static str],
}

const ALL: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

const EACH: &[&str] = &[
    "create", "delete", "get", "list", "patch", "update", "watch",
];

impl Discovery {
    pub(super) fn of(registry: &Registry) -> Self {
        let mut groups: BTreeMap<String, BTreeMap<String, Vec<Entry>>> = BTreeMap::new();
        let mut add = |group: &str, version: &str, entry| {
            let versions = groups.entry(group.to_owned()).or_default();
            let entries = versions.entry(version.to_owned()).or_default();
            entries.push(entry);
        };
        for resource in registry.all() {
            for version in resource.versions.iter().filter(|version| version.served) {
                let entry = Entry::of(&resource, version.status);
                add(resource.group(), &version.name, entry);
            }
        }
        for kind in review::KINDS {
            add(kind.group, "v1", Entry::of_review(kind));
        }
        let groups = groups.into_iter().map(|(group, versions)| {
            let mut versions: Vec<Version> = versions
                .into_iter()
                .map(|(name, resources)| Version { name, resources })
                .collect();
            versions.sort_by_key(|version| Reverse(priority(&version.name)));
            (group, versions)
        });
        Self {
            groups: groups.collect(),
        }
    }

    /// The named groups, in the order of their names.
    fn named(&self) -> impl Iterator<Item = (&String, &Vec<Version>)> {
        self.groups.iter().filter(|(name, _)| !name.is_empty())
    }

    fn versions(&self, group: &str) -> Result<&[Version], ApiError> {
        let versions = self.groups.get(group);
        versions
            .map(Vec::as_slice)
            .ok_or_else(ApiError::no_such_path)
    }

    /// What `GET /` lists.
    pub(super) fn paths(&self) -> Value {
        let mut paths: Vec<String> = [
            "/.well-known/openid-configuration",
            "/api",
            "/api/v1",
            "/apis",
            "/apis/",
            "/healthz",
            "/healthz/ping",
            "/livez",
            "/livez/ping",
            "/openapi/v2",
            "/openapi/v3",
            "/openapi/v3/",
            "/openid/v1/jwks",
            "/readyz",
            "/readyz/ping",
            "/version",
        ]
        .map(str::to_owned)
        .to_vec();
        for (group, versions) in self.named() {
            paths.push(format!("/apis/{group}"));
            let below = versions
                .iter()
                .map(|it| format!("/apis/{group}/{}", it.name));
            paths.extend(below);
        }
        paths.sort();
        json!({"paths": paths})
    }
}

impl Entry {
    fn of(resource: &Resource, status: bool) -> Self {
        let (singular, short_names, categories) = resource.names();
        let mut subresources = Vec::new();
        if status {
            subresources.push(Subresource {
                name: "status",
                group_version: None,
                kind: resource.kind().to_owned(),
                verbs: &["get", "patch", "update"],
            });
        }
        for &name in &resource.extra_subresources {
            subresources.push(match name {
                "token" => Subresource {
                    name,
                    group_version: Some((review::AUTHENTICATION, "v1")),
                    kind: "TokenRequest".to_owned(),
                    verbs: &["create"],
                },
                "finalize" => Subresource {
                    name,
                    group_version: None,
                    kind: resource.kind().to_owned(),
                    verbs: &["update"],
                },
                _ => Subresource {
                    name,
                    group_version: None,
                    kind: resource.kind().to_owned(),
                    verbs: &["get"],
                },
            });
        }
        subresources.sort_by_key(|subresource| subresource.name);
        Self {
            plural: resource.plural().to_owned(),
            singular: singular.to_owned(),
            kind: resource.kind().to_owned(),
            namespaced: resource.is_namespaced(),
            // A namespace is emptied by its controller, one at a time.
            verbs: match resource.qualified() {
                "namespaces" => EACH,
                _ => ALL,
            },
            custom: resource.is_custom(),
            short_names: short_names.to_vec(),
            categories: categories.to_vec(),
            subresources,
            storage_hash: Some(storage_hash(resource)),
        }
    }

    fn of_review(kind: &review::Kind) -> Self {
        Self {
            plural: kind.plural.to_owned(),
            singular: kind.kind.to_lowercase(),
            kind: kind.kind.to_owned(),
            namespaced: kind.namespaced,
            verbs: &["create"],
            custom: false,
            short_names: Vec::new(),
            categories: Vec::new(),
            subresources: Vec::new(),
            storage_hash: None,
        }
    }
}

fn storage_hash(resource: &Resource) -> String {
    use base64::Engine;
    use sha2::Digest;
    let (group, mut version) = (resource.group(), resource.storage_version());
    if resource.qualified() == crate::crd::RESOURCE {
        // In etcd they are older than they look.
        version = "v1beta1";
    }
    let name = format!("{group}/{version}/{}", resource.kind());
    let hash = sha2::Sha256::digest(name.as_bytes());
    base64::prelude::BASE64_STANDARD.encode(&hash[..8])
}

/// Whether a request for `/api` or `/apis` asks for everything at once; the first of the accepted types decides.
pub(super) fn edition(headers: &HeaderMap) -> Option<Edition> {
    let accepted = headers.get_all(ACCEPT);
    let clauses = accepted.iter().filter_map(|value| value.to_str().ok());
    for clause in clauses.flat_map(|value| value.split(',')) {
        let mut parts = clause.split(';').map(str::trim);
        let media_type = parts.next();
        let parameters: Vec<&str> = parts.collect();
        if media_type == Some("application/json")
            && parameters.contains(&"g=apidiscovery.k8s.io")
            && parameters.contains(&"as=APIGroupDiscoveryList")
        {
            match parameters.iter().find_map(|it| it.strip_prefix("v=")) {
                Some("v2") => return Some(Edition::V2),
                Some("v2beta1") => return Some(Edition::V2Beta1),
                _ => {}
            }
        } else if matches!(
            media_type,
            Some("application/json" | "application/*" | "*/*")
        ) {
            return None;
        }
    }
    None
}

/// The order of `k8s.io/apimachinery/pkg/version.CompareKubeAwareVersionStrings`: stable before beta before alpha, the
/// newer first; what is no such version comes last, by name.
fn priority(version: &str) -> (u8, u64, u64, Reverse<String>) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        for (stability, word) in [(3, ""), (2, "beta"), (1, "alpha")] {
            let (major, minor) = match word {
                "" => (rest, "0"),
                word => match rest.split_once(word) {
                    Some(parts) => parts,
                    None => continue,
                },
            };
            if let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) {
                return Some((stability, major, minor));
            }
        }
        None
    };
    let (stability, major, minor) = parse().unwrap_or_default();
    (stability, major, minor, Reverse(version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_kubernetes_orders_them() {
        let mut versions = [
            "foo1",
            "v1beta1",
            "v10",
            "v2",
            "v11alpha2",
            "v3beta1",
            "foo10",
            "v1",
            "v12alpha1",
            "v11beta2",
            "v10beta3",
        ];
        versions.sort_by_key(|version| Reverse(priority(version)));
        assert_eq!(
            versions,
            [
                "v10",
                "v2",
                "v1",
                "v11beta2",
                "v10beta3",
                "v3beta1",
                "v1beta1",
                "v12alpha1",
                "v11alpha2",
                "foo1",
                "foo10",
            ]
        );
    }
}
