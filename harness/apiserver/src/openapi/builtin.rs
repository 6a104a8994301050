//! The schemas of the built-in kinds, which k8s-openapi has from Kubernetes' own description, completed with what
//! clients look for beside the shape: the group, version and kind of each, and how lists merge.

use k8s_openapi::api::authentication::v1 as authentication;
use k8s_openapi::api::authorization::v1 as authorization;
use k8s_openapi::api::coordination::v1 as coordination;
use k8s_openapi::api::rbac::v1 as rbac;
use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::GroupVersion;
use super::document::{REFERENCE, gvk};
use crate::patch::{ListStrategy, MergeKeys};

type Schemas = Map<String, Value>;

/// Collects the schemas of kinds and of all that they refer to.
pub(super) struct Builtins {
    generator: SchemaGenerator,
    roots: Vec<(String, String)>,
}

impl Builtins {
    pub(super) fn new() -> Self {
        let mut settings = SchemaSettings::openapi3();
        // References keep the descriptions beside them, until `document` wraps them.
        settings.transforms.clear();
        Self {
            generator: settings.into_generator(),
            roots: Vec::new(),
        }
    }

    /// Adds a kind and gives the name of its schema; `None` for one that Kubernetes does not have.
    pub(super) fn kind(&mut self, group: &str, kind: &str) -> Option<String> {
        let name = match (group, kind) {
            ("", "ConfigMap") => self.add::<core::ConfigMap>(),
            ("", "Event") => self.add::<core::Event>(),
            ("", "Namespace") => self.add::<core::Namespace>(),
            ("", "Pod") => self.add::<core::Pod>(),
            ("", "Secret") => self.add::<core::Secret>(),
            ("", "ServiceAccount") => self.add::<core::ServiceAccount>(),
            ("", "LimitRange") => self.add::<core::LimitRange>(),
            ("", "ResourceQuota") => self.add::<core::ResourceQuota>(),
            ("", "Service") => self.add::<core::Service>(),
            ("apps", "Deployment") => self.add::<apps::Deployment>(),
            ("apps", "ReplicaSet") => self.add::<apps::ReplicaSet>(),
            ("coordination.k8s.io", "Lease") => self.add::<coordination::Lease>(),
            ("rbac.authorization.k8s.io", "ClusterRole") => self.add::<rbac::ClusterRole>(),
            ("rbac.authorization.k8s.io", "ClusterRoleBinding") => {
                self.add::<rbac::ClusterRoleBinding>()
            }
            ("rbac.authorization.k8s.io", "Role") => self.add::<rbac::Role>(),
            ("rbac.authorization.k8s.io", "RoleBinding") => self.add::<rbac::RoleBinding>(),
            ("batch", "CronJob") => self.add::<batch::CronJob>(),
            ("batch", "Job") => self.add::<batch::Job>(),
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                self.add::<apiextensions::CustomResourceDefinition>()
            }
            ("authentication.k8s.io", "SelfSubjectReview") => {
                self.add::<authentication::SelfSubjectReview>()
            }
            ("authentication.k8s.io", "TokenRequest") => self.add::<authentication::TokenRequest>(),
            ("authentication.k8s.io", "TokenReview") => self.add::<authentication::TokenReview>(),
            ("authorization.k8s.io", "LocalSubjectAccessReview") => {
                self.add::<authorization::LocalSubjectAccessReview>()
            }
            ("authorization.k8s.io", "SelfSubjectAccessReview") => {
                self.add::<authorization::SelfSubjectAccessReview>()
            }
            ("authorization.k8s.io", "SelfSubjectRulesReview") => {
                self.add::<authorization::SelfSubjectRulesReview>()
            }
            ("authorization.k8s.io", "SubjectAccessReview") => {
                self.add::<authorization::SubjectAccessReview>()
            }
            _ => return None,
        };
        self.roots.push((name.clone(), kind.to_owned()));
        Some(name)
    }

    /// The schemas that every document refers to: `metadata` of objects and lists, options, statuses.
    pub(super) fn machinery(&mut self) -> Machinery {
        Machinery {
            object_meta: self.add::<meta::ObjectMeta>(),
            list_meta: self.add::<meta::ListMeta>(),
            delete_options: self.add::<meta::DeleteOptions>(),
            status: self.add::<meta::Status>(),
        }
    }

    fn add<T: JsonSchema>(&mut self) -> String {
        self.generator.subschema_for::<T>();
        T::schema_name().into_owned()
    }

    /// All that was added, by name.
    pub(super) fn into_schemas(mut self, at: &GroupVersion) -> Schemas {
        let mut schemas = self.generator.take_definitions(false);
        // Any value; k8s-openapi calls it an object.
        let any = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON";
        if let Some(schema) = schemas.get_mut(any).and_then(Value::as_object_mut) {
            schema.shift_remove("type");
        }
        for (name, kind) in &self.roots {
            if let Some(schema) = schemas.get_mut(name).and_then(Value::as_object_mut) {
                // k8s-openapi asks for `metadata`, Kubernetes does not.
                schema.shift_remove("required");
                // TokenRequest is of its own group, whichever document it is in.
                let own = kind != "TokenRequest" || !at.group.is_empty();
                let at = match own {
                    true => at.clone(),
                    false => GroupVersion {
                        group: crate::review::AUTHENTICATION.to_owned(),
                        version: "v1".to_owned(),
                    },
                };
                schema.insert(
                    "x-kubernetes-group-version-kind".to_owned(),
                    json!([gvk(&at, kind)]),
                );
            }
            let mut found = Vec::new();
            let walk = Walk {
                schemas: &schemas,
                keys: MergeKeys::for_kind(kind),
            };
            walk.lists(name, &mut Vec::new(), &mut Vec::new(), &mut found);
            for (schema, field, strategy) in found {
                let property = schemas.get_mut(&schema).and_then(|schema| {
                    schema
                        .pointer_mut("/properties")?
                        .get_mut(&field)?
                        .as_object_mut()
                });
                if let Some(property) = property {
                    annotate(property, &field, strategy);
                }
            }
        }
        schemas
    }
}

/// The names of the schemas that every document refers to.
pub(super) struct Machinery {
    pub(super) object_meta: String,
    pub(super) list_meta: String,
    pub(super) delete_options: String,
    pub(super) status: String,
}

struct Walk<'a> {
    schemas: &'a Schemas,
    keys: MergeKeys,
}

impl<'a> Walk<'a> {
    /// Finds the lists that merge below a schema, as (schema, field, strategy).
    fn lists(
        &self,
        name: &'a str,
        path: &mut Vec<&'a str>,
        within: &mut Vec<&'a str>,
        found: &mut Vec<(String, String, ListStrategy)>,
    ) {
        // JSONSchemaProps contains itself.
        if within.contains(&name) {
            return;
        }
        let properties = self
            .schemas
            .get(name)
            .and_then(|schema| schema.get("properties")?.as_object());
        within.push(name);
        for (field, property) in properties.into_iter().flatten() {
            path.push(field);
            let items = property.get("items");
            if items.is_some() {
                let strategy = self.keys.list(path.iter().rev().copied());
                if strategy != ListStrategy::Atomic {
                    found.push((name.to_owned(), field.clone(), strategy));
                }
            }
            let inner = items
                .or_else(|| property.get("additionalProperties"))
                .unwrap_or(property);
            let reference = inner.get("$ref").and_then(Value::as_str);
            if let Some(name) = reference.and_then(|it| it.strip_prefix(REFERENCE)) {
                self.lists(name, path, within, found);
            }
            path.pop();
        }
        within.pop();
    }
}

fn annotate(property: &mut Map<String, Value>, field: &str, strategy: ListStrategy) {
    let mut set = |name: &str, value: Value| {
        property.insert(format!("x-kubernetes-{name}"), value);
    };
    match strategy {
        ListStrategy::Atomic => {}
        ListStrategy::Set => {
            set("list-type", "set".into());
            set("patch-strategy", "merge".into());
        }
        ListStrategy::Map(key, keys) => {
            set("list-map-keys", json!(keys));
            set("list-type", "map".into());
            set("patch-merge-key", key.into());
            // A volume has one source: a change of it drops the old one.
            let strategy = match field {
                "volumes" => "merge,retainKeys",
                _ => "merge",
            };
            set("patch-strategy", strategy.into());
        }
    }
}
