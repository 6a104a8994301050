//! The write path: decode, default, prepare, validate, own, commit. One file per verb.

mod create;
mod delete;
mod metadata;
mod patch;
mod update;

use std::sync::Arc;

use serde_json::Value;

pub(crate) use delete::{DeleteOptions, Deleted, FOREGROUND, ORPHAN, Propagation};
pub(crate) use metadata::key_errors;
pub(crate) use patch::PatchType;
pub(crate) use update::{Edit, Part};

use crate::object;
use crate::resource::{Resource, Version};
use crate::schema::{FieldError, FieldErrorReason};
use crate::status::ApiError;
use crate::store::{Key, Object, Refused};
use crate::typed;

/// The resource and version that a request names.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    pub(crate) version: Version,
}

impl Target {
    pub(crate) fn api_version(&self) -> String {
        self.resource.api_version(&self.version.name)
    }
}

/// What `fieldValidation` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// The options of a write, as the query carries them.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteOptions {
    pub(crate) manager: String,
    pub(crate) dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    /// What the reader of the body found that `fieldValidation` is about: duplicate fields.
    pub(crate) strict_errors: Vec<String>,
    /// A server-side apply, in which a null is a value.
    pub(crate) applies: bool,
}

/// What a write came to.
pub(crate) struct Written {
    pub(crate) object: Object,
    pub(crate) created: bool,
    /// For `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

/// The error of a refused commit that a retry cannot mend.
fn refusal(refused: Refused, target: &Target, key: &Key) -> ApiError {
    let resource = &target.resource;
    match refused {
        Refused::Exists => ApiError::already_exists(resource, &key.name),
        Refused::Raced => ApiError::modified(resource, &key.name),
        Refused::NoTable => ApiError::unknown_resource(),
        Refused::NoNamespace => ApiError::namespace_not_found(&key.namespace),
        Refused::NamespaceTerminating => {
            ApiError::namespace_terminating(resource, &key.name, &key.namespace)
        }
    }
}

/// Checks that a body is an object of the target's kind and version.
fn check_type(target: &Target, object: &Value) -> Result<(), ApiError> {
    if !object.is_object() {
        return Err(ApiError::bad_request(
            "the request body is not a JSON object",
        ));
    }
    if object.get("metadata").is_some_and(|meta| !meta.is_object()) {
        return Err(ApiError::bad_request("metadata must be an object"));
    }
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (kind, version) = (text("kind"), text("apiVersion"));
    let resource = &target.resource;
    if resource.is_custom() && (kind.is_empty() || version.is_empty()) {
        let field = if kind.is_empty() {
            "Kind"
        } else {
            "apiVersion"
        };
        return Err(ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): Object '{field}' is missing",
            resource.kind(),
        )));
    }
    if resource.is_custom() && kind != resource.kind() && version == target.api_version() {
        let error = FieldError {
            field: "kind".to_owned(),
            reason: FieldErrorReason::Invalid,
            detail: format!("Invalid value: \"{kind}\": must be {}", resource.kind()),
        };
        let name = object::meta_text(object, "name");
        return Err(ApiError::invalid_kind(
            resource.group(),
            kind,
            name,
            &[error],
        ));
    }
    if !kind.is_empty() && kind != target.resource.kind() {
        return Err(ApiError::bad_request(format!(
            "{kind} in version \"{}\" cannot be handled as a {}: the kind in the data ({kind}) does not match the expected kind ({})",
            target.version.name,
            target.resource.kind(),
            target.resource.kind(),
        )));
    }
    let expected = target.api_version();
    if !version.is_empty() && version != expected {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({expected})"
        )));
    }
    Ok(())
}

/// Sets kind and stored version, and runs what decoding into the kind would do: hooks, pruning, defaults.
fn decode(
    target: &Target,
    object: &mut Value,
    options: &WriteOptions,
) -> Result<Vec<String>, ApiError> {
    let resource = &target.resource;
    if let Some(map) = object.as_object_mut() {
        // In front, where readers expect them.
        map.shift_remove("apiVersion");
        map.shift_remove("kind");
        let version = resource.api_version(resource.storage_version());
        map.shift_insert(0, "apiVersion".to_owned(), version.into());
        map.shift_insert(1, "kind".to_owned(), resource.kind().into());
    }
    let unfit = |why: String| {
        let (kind, version) = (resource.kind(), &target.version.name);
        ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
        ))
    };
    metadata::decode(object).map_err(unfit)?;
    object::drop_null_metadata(object);
    let mut found = options.strict_errors.clone();
    let unknown = match resource.typed {
        true => typed::prune(resource.kind(), object),
        false => typed::prune_metadata(object),
    };
    found.extend(unknown.map_err(unfit)?.iter().map(unknown_field));
    resource.strategy.decode(object).map_err(unfit)?;
    if let Some(schema) = &target.version.schema {
        if options.field_validation != FieldValidation::Ignore {
            found.extend(schema.unknown_fields(object));
        }
        schema.prune(object);
        schema.apply_defaults(object);
        if !options.applies {
            schema.drop_nulls(object);
        }
    }
    let warnings = match options.field_validation {
        FieldValidation::Ignore => Vec::new(),
        FieldValidation::Warn => found,
        FieldValidation::Strict if found.is_empty() => found,
        FieldValidation::Strict => {
            return Err(unfit(format!(
                "strict decoding error: {}",
                found.join(", ")
            )));
        }
    };
    resource.strategy.default(object);
    Ok(warnings)
}

/// Keeps `managedFields` of an update that was sent in the target's version, whatever the stored one is.
fn track(
    target: &Target,
    old: Option<&Value>,
    new: &mut Value,
    manager: &str,
    subresource: Option<&str>,
    now: &str,
) {
    let stored = new.get("apiVersion").cloned().unwrap_or_default();
    object::set_at(new, &["apiVersion"], target.api_version());
    let schema = target.version.schema.as_deref();
    crate::apply::track_update(old, new, manager, subresource, now, schema);
    object::set_at(new, &["apiVersion"], stored);
}

fn unknown_field(path: &String) -> String {
    format!("unknown field {path:?}")
}

/// What is wrong with the object, by its schema and its strategy.
fn validate(target: &Target, new: &Value, old: Option<&Value>) -> Result<(), ApiError> {
    let mut errors = match old {
        None => metadata::validate(&target.resource, new),
        Some(old) => metadata::validate_update(&target.resource, new, old),
    };
    if let Some(schema) = &target.version.schema {
        errors.extend(schema.validate(new, old));
    }
    errors.extend(target.resource.strategy.validate(new, old));
    match errors.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid(
            &target.resource,
            object::meta_text(new, "name"),
            &errors,
        )),
    }
}
