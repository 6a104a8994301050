//! Rules of `metadata` that hold for every kind (`k8s.io/apimachinery/pkg/api/validation`).

use serde_json::Value;

use crate::object;
use crate::resource::Resource;
use crate::schema::{FieldError, FieldErrorReason};

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Checks the types of what the server itself reads, as decoding into `ObjectMeta` would.
pub(super) fn decode(object: &Value) -> Result<(), String> {
    let Some(meta) = object.get("metadata").and_then(Value::as_object) else {
        return Ok(());
    };
    let texts = |value: &Value| match value {
        Value::Object(map) => map
            .values()
            .all(|value| value.is_string() || value.is_null()),
        _ => false,
    };
    for (field, value) in meta {
        let (fits, wanted) = match field.as_str() {
            "name" | "namespace" | "generateName" | "uid" | "resourceVersion" => {
                (value.is_string(), "string")
            }
            "labels" | "annotations" => (texts(value), "map[string]string"),
            "finalizers" => (
                value
                    .as_array()
                    .is_some_and(|list| list.iter().all(Value::is_string)),
                "[]string",
            ),
            "ownerReferences" | "managedFields" => (
                value
                    .as_array()
                    .is_some_and(|list| list.iter().all(Value::is_object)),
                "[]struct",
            ),
            _ => (true, ""),
        };
        if !fits && !value.is_null() {
            return Err(format!(
                "json: cannot unmarshal into Go struct field ObjectMeta.metadata.{field} of type {wanted}"
            ));
        }
    }
    Ok(())
}

pub(super) fn validate(resource: &Resource, new: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = object::meta_text(new, "name");
    if name.is_empty() {
        errors.push(FieldError {
            field: "metadata.name".to_owned(),
            reason: FieldErrorReason::Required,
            detail: "Required value: name or generateName is required".to_owned(),
        });
    } else if let Some(why) = name_error(resource, name) {
        errors.push(invalid("metadata.name", name, &why));
    }
    validate_maps(new, &mut errors);
    validate_owners(new, &mut errors);
    validate_finalizers(resource, new, &mut errors);
    errors
}

pub(super) fn validate_update(resource: &Resource, new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_maps(new, &mut errors);
    validate_owners(new, &mut errors);
    validate_finalizers(resource, new, &mut errors);
    if object::is_deleting(old) {
        let before = object::finalizers(old);
        let added: Vec<String> = object::finalizers(new)
            .into_iter()
            .filter(|name| !before.contains(name))
            .map(|name| format!("\"{name}\""))
            .collect();
        if !added.is_empty() {
            errors.push(FieldError {
                field: "metadata.finalizers".to_owned(),
                reason: FieldErrorReason::Forbidden,
                detail: format!(
                    "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    added.join(", ")
                ),
            });
        }
    }
    errors
}

fn invalid(field: &str, value: &str, why: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        reason: FieldErrorReason::Invalid,
        detail: format!("Invalid value: \"{value}\": {why}"),
    }
}

/// What is wrong with a name as a path segment and as a DNS name; `None` if nothing is.
fn name_error(resource: &Resource, name: &str) -> Option<String> {
    if resource.group() == "rbac.authorization.k8s.io" {
        // `path.ValidatePathSegmentName`: `system:basic-user` is one.
        return match name {
            "." | ".." => Some(format!("may not be '{name}'")),
            _ => ["/", "%"]
                .iter()
                .find(|character| name.contains(**character))
                .map(|character| format!("may not contain '{character}'")),
        };
    }
    // Names are subdomains, RBAC aside; a namespace is a label.
    if resource.qualified() == "namespaces" {
        if name.len() > 63 {
            return Some("must be no more than 63 characters".to_owned());
        }
        return (!is_label(name)).then(|| {
            format!("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL}')")
        });
    }
    subdomain_error(name)
}

fn subdomain_error(name: &str) -> Option<String> {
    if name.len() > 253 {
        return Some("must be no more than 253 characters".to_owned());
    }
    (!name.split('.').all(is_label)).then(|| {
        format!("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{LABEL}(\\.{LABEL})*')")
    })
}

fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|b| inner(*b))
        && bytes.last().is_some_and(|b| inner(*b))
        && bytes.iter().all(|b| inner(*b) || *b == b'-')
}

/// A name or label value: alphanumeric at both ends, `-_.` between.
fn is_qualified_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

/// What is wrong with a qualified name (`IsQualifiedName`); nothing where it is one.
pub(crate) fn key_errors(key: &str) -> Vec<String> {
    const RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if name.contains('/') {
        return vec![format!(
            "a qualified name {RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        )];
    }
    let mut errors = Vec::new();
    match prefix {
        Some("") => errors.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            errors.extend(subdomain_error(prefix).map(|why| format!("prefix part {why}")))
        }
        None => {}
    }
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push("name part must be no more than 63 characters".to_owned());
    }
    if !is_qualified_part(name) {
        errors.push(format!("name part {RULE}"));
    }
    errors
}

fn validate_maps(new: &Value, errors: &mut Vec<FieldError>) {
    if let Some(labels) = object::meta(new, "labels").and_then(Value::as_object) {
        for (key, value) in labels {
            errors.extend(
                key_errors(key)
                    .iter()
                    .map(|why| invalid("metadata.labels", key, why)),
            );
            let value = value.as_str().unwrap_or_default();
            if value.len() > 63 {
                errors.push(invalid(
                    "metadata.labels",
                    value,
                    "must be no more than 63 characters",
                ));
            }
            if !value.is_empty() && !is_qualified_part(value) {
                errors.push(invalid("metadata.labels", value, "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"));
            }
        }
    }
    if let Some(annotations) = object::meta(new, "annotations").and_then(Value::as_object) {
        let mut size = 0;
        for (key, value) in annotations {
            let wrong = key_errors(&key.to_lowercase());
            errors.extend(
                wrong
                    .iter()
                    .map(|why| invalid("metadata.annotations", key, why)),
            );
            size += key.len() + value.as_str().map_or(0, str::len);
        }
        if size > MAX_ANNOTATIONS {
            errors.push(FieldError {
                field: "metadata.annotations".to_owned(),
                reason: FieldErrorReason::TooLong,
                detail: format!("Too long: may not be more than {MAX_ANNOTATIONS} bytes"),
            });
        }
    }
}

fn validate_owners(new: &Value, errors: &mut Vec<FieldError>) {
    let owners = object::meta(new, "ownerReferences").and_then(Value::as_array);
    let mut controller = None;
    for owner in owners.into_iter().flatten() {
        for (field, empty) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if owner
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .is_empty()
            {
                errors.push(invalid(
                    &format!("metadata.ownerReferences.{field}"),
                    "",
                    empty,
                ));
            }
        }
        if owner.get("controller") == Some(&Value::Bool(true)) {
            let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
            let this = format!("{}/{}", text("kind"), text("name"));
            if let Some(other) = controller.replace(this.clone()) {
                let list = object::meta(new, "ownerReferences").unwrap_or(&Value::Null);
                errors.push(FieldError {
                    field: "metadata.ownerReferences".to_owned(),
                    reason: FieldErrorReason::Invalid,
                    detail: format!("Invalid value: {list}: Only one reference can have Controller set to true. Found \"true\" in references for {other} and {this}"),
                });
            }
        }
    }
}

/// Finalizers are qualified names; those of built-in kinds have a prefix, but for the standard ones.
fn validate_finalizers(resource: &Resource, new: &Value, errors: &mut Vec<FieldError>) {
    const STANDARD: [&str; 4] = [
        "kubernetes",
        "orphan",
        "foregroundDeletion",
        "metadata.k8s.io",
    ];
    let finalizers = object::finalizers(new);
    for name in &finalizers {
        let wrong = key_errors(name);
        errors.extend(
            wrong
                .iter()
                .map(|why| invalid("metadata.finalizers", name, why)),
        );
    }
    if !resource.typed {
        return;
    }
    for (at, name) in finalizers.iter().enumerate() {
        if !name.contains('/') && !STANDARD.contains(name) {
            let field = format!("metadata.finalizers[{at}]");
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(invalid(&field, name, why));
        }
    }
}
