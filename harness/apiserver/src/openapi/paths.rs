//! The operations of a group and version, by path.

use serde_json::{Map, Value, json};

use super::GroupVersion;
use super::builtin::Machinery;
use super::document::{gvk, reference};
use crate::resource::{Resource, Version};
use crate::review;

const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
const APPLY: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE: &[&str] = &[
    "dryRun",
    "gracePeriodSeconds",
    "orphanDependents",
    "propagationPolicy",
];
const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
const LOG: &[&str] = &[
    "container",
    "follow",
    "limitBytes",
    "previous",
    "sinceSeconds",
    "sinceTime",
    "tailLines",
    "timestamps",
];
const JSON: &str = "application/json";

pub(super) struct Paths<'a> {
    at: &'a GroupVersion,
    machinery: &'a Machinery,
    paths: Map<String, Value>,
}

/// One operation, before it is written down.
struct Operation<'a> {
    /// As Kubernetes names it: `list`, `post`, `get`, `put`, `patch`, `delete`, `deletecollection`, `connect`.
    action: &'a str,
    kind: &'a str,
    /// The name of the body's schema.
    body: Option<&'a str>,
    /// The name of the answer's schema; plain text without one.
    answer: Option<&'a str>,
    query: &'a [&'a str],
}

impl<'a> Paths<'a> {
    pub(super) fn new(at: &'a GroupVersion, machinery: &'a Machinery) -> Self {
        Self {
            at,
            machinery,
            paths: Map::new(),
        }
    }

    pub(super) fn into_value(mut self) -> Value {
        self.paths.sort_keys();
        Value::Object(self.paths)
    }

    fn collection_path(&self, plural: &str, namespaced: bool) -> String {
        let root = self.at.path();
        match namespaced {
            true => format!("/{root}/namespaces/{{namespace}}/{plural}"),
            false => format!("/{root}/{plural}"),
        }
    }

    pub(super) fn resource(
        &mut self,
        resource: &Resource,
        version: &Version,
        object: &str,
        list: &str,
    ) {
        let kind = resource.kind();
        let status = self.machinery.status.as_str();
        let options = self.machinery.delete_options.as_str();
        let both = [LIST, DELETE].concat();
        let operation = |action, body, answer, query| Operation {
            action,
            kind,
            body,
            answer: Some(answer),
            query,
        };
        let collection = self.collection_path(resource.plural(), resource.is_namespaced());
        let reads = operation("list", None, list, LIST);
        if resource.is_namespaced() {
            self.add(
                &self.collection_path(resource.plural(), false),
                "get",
                &reads,
                resource,
            );
        }
        self.add(&collection, "get", &reads, resource);
        self.add(
            &collection,
            "post",
            &operation("post", Some(object), object, WRITE),
            resource,
        );
        let sweep = operation("deletecollection", Some(options), status, &both);
        self.add(&collection, "delete", &sweep, resource);
        let named = format!("{collection}/{{name}}");
        self.add(
            &named,
            "get",
            &operation("get", None, object, &[]),
            resource,
        );
        self.add(
            &named,
            "delete",
            &operation("delete", Some(options), status, DELETE),
            resource,
        );
        let mut below = vec![named.clone()];
        if version.status {
            below.push(format!("{named}/status"));
            self.add(
                &below[1],
                "get",
                &operation("get", None, object, &[]),
                resource,
            );
        }
        for path in below {
            self.add(
                &path,
                "put",
                &operation("put", Some(object), object, WRITE),
                resource,
            );
            self.add(
                &path,
                "patch",
                &operation("patch", None, object, APPLY),
                resource,
            );
        }
        if resource.extra_subresources.contains(&"log") {
            let mut log = operation("connect", None, object, LOG);
            log.answer = None;
            self.add(&format!("{named}/log"), "get", &log, resource);
        }
    }

    pub(super) fn token(&mut self, resource: &Resource, request: &str) {
        let collection = self.collection_path(resource.plural(), true);
        let operation = Operation {
            action: "post",
            kind: "TokenRequest",
            body: Some(request),
            answer: Some(request),
            query: WRITE,
        };
        self.add(
            &format!("{collection}/{{name}}/token"),
            "post",
            &operation,
            resource,
        );
    }

    pub(super) fn review(&mut self, kind: &review::Kind, name: &str) {
        let operation = Operation {
            action: "post",
            kind: kind.kind,
            body: Some(name),
            answer: Some(name),
            query: WRITE,
        };
        let path = self.collection_path(kind.plural, kind.namespaced);
        self.put(&path, "post", &operation, false);
    }

    fn add(&mut self, path: &str, method: &str, operation: &Operation<'_>, resource: &Resource) {
        self.put(path, method, operation, resource.is_custom());
    }

    fn put(&mut self, path: &str, method: &str, operation: &Operation<'_>, custom: bool) {
        let code = match operation.action {
            "post" => "201",
            _ => "200",
        };
        let answer = match operation.answer {
            Some(name) => json!({JSON: {"schema": reference(name)}}),
            None => json!({"text/plain": {"schema": {"type": "string"}}}),
        };
        let mut described = json!({
            "description": format!("{} {}", operation.action, operation.kind),
            "operationId": operation_id(path, operation),
            "tags": [self.at.api_version().replace(['/', '.'], "_")],
            "parameters": operation.query.iter().map(|name| query_parameter(name)).collect::<Vec<_>>(),
            "responses": {code: {"description": "OK", "content": answer}, "401": {"description": "Unauthorized"}},
            "x-kubernetes-action": operation.action,
            "x-kubernetes-group-version-kind": match operation.kind {
                "TokenRequest" => json!({"group": review::AUTHENTICATION, "kind": "TokenRequest", "version": "v1"}),
                kind => gvk(self.at, kind),
            },
        });
        if operation.action == "patch" {
            let mut content = json!({
                "application/apply-patch+yaml": {"schema": {"type": "object"}},
                "application/json-patch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
                "application/merge-patch+json": {"schema": {"type": "object"}},
            });
            // The sign by which kubectl knows which kinds take it.
            if !custom {
                content["application/strategic-merge-patch+json"] =
                    json!({"schema": {"type": "object"}});
            }
            described["requestBody"] = json!({"content": content, "required": true});
        } else if let Some(body) = operation.body {
            described["requestBody"] = json!({"content": {JSON: {"schema": reference(body)}}});
        }
        let item = self.paths.entry(path).or_insert_with(|| {
            let in_path = ["namespace", "name"].into_iter().filter(|name| path.contains(&format!("{{{name}}}")));
            let parameters: Vec<Value> = in_path
                .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "uniqueItems": true}}))
                .collect();
            match parameters.is_empty() {
                true => json!({}),
                false => json!({"parameters": parameters}),
            }
        });
        item[method] = described;
    }
}

/// Unique in its document, as the specification asks.
fn operation_id(path: &str, operation: &Operation<'_>) -> String {
    let words = path
        .split('/')
        .filter(|word| !word.is_empty() && !word.starts_with('{'));
    let mut id = operation.action.to_owned();
    for word in words.flat_map(|word| word.split(['.', '-'])) {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    if path.ends_with("{name}") {
        id.push_str("Name");
    }
    if path.contains("{namespace}") {
        id.push_str("Namespaced");
    }
    id
}

fn query_parameter(name: &str) -> Value {
    let kind = match name {
        "allowWatchBookmarks"
        | "force"
        | "follow"
        | "orphanDependents"
        | "previous"
        | "sendInitialEvents"
        | "timestamps"
        | "watch" => "boolean",
        "gracePeriodSeconds" | "limit" | "limitBytes" | "sinceSeconds" | "tailLines"
        | "timeoutSeconds" => "integer",
        _ => "string",
    };
    json!({"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": true}})
}
