//! PATCH, in its four formats.

use serde_json::Value;

use super::update::{Attempt, Edit, Part, Tracking};
use super::{Target, WriteOptions, Written, check_type, decode, validate};
use crate::apply::server_side_apply;
use crate::object;
use crate::patch::{MergeKeys, PatchError, json_patch, merge_patch, strategic_merge_patch};
use crate::schema::{FieldError, FieldErrorReason};
use crate::server::Inner;
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::typed;

/// The format of a patch, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchType {
    Json,
    Merge,
    Strategic,
    /// Server-side apply; `force` takes fields over from other managers.
    Apply {
        force: bool,
    },
}

impl Inner {
    pub(crate) fn patch(
        &self,
        edit: &Edit<'_>,
        format: PatchType,
        patch: &Value,
    ) -> Result<Written, ApiError> {
        let Edit { target, key, .. } = *edit;
        if let PatchType::Apply { force } = format {
            return self.apply(edit, force, patch);
        }
        loop {
            let current = self.current(target, key)?;
            let mut new = self.patched(target, &current, format, patch)?;
            let warnings = decode(target, &mut new, edit.options).map_err(ApiError::of_patch)?;
            let attempt = self.replace(edit, &current, new, warnings, Tracking::Update)?;
            if let Attempt::Done(written) = attempt {
                return Ok(written);
            }
        }
    }

    fn patched(
        &self,
        target: &Target,
        current: &Object,
        format: PatchType,
        patch: &Value,
    ) -> Result<Value, ApiError> {
        let resource = &target.resource;
        let mut old = current.value.clone();
        if let Some(map) = old.as_object_mut() {
            map.insert("apiVersion".to_owned(), target.api_version().into());
        }
        let wrong = |error: PatchError| match error {
            PatchError::Malformed(message) => ApiError::bad_request(message),
            PatchError::Unknown(message) => ApiError::unknown(message),
            PatchError::Failed(_) => ApiError::rejected(),
        };
        let new = match format {
            PatchType::Json => json_patch(&old, patch).map_err(wrong)?,
            PatchType::Strategic => {
                strategic_merge_patch(&old, patch, &MergeKeys::for_kind(resource.kind()))
                    .map_err(wrong)?
            }
            PatchType::Merge | PatchType::Apply { .. } => {
                if !patch.is_object() {
                    let why = "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}";
                    return Err(ApiError::bad_request(why));
                }
                merge_patch(&old, patch)
            }
        };
        check_type(target, &new)?;
        let uid = object::meta_text(&new, "uid");
        if uid != object::meta_text(&old, "uid") && !uid.is_empty() {
            let error = FieldError {
                field: "metadata.uid".to_owned(),
                reason: FieldErrorReason::Invalid,
                detail: format!("Invalid value: \"{uid}\": field is immutable"),
            };
            let name = object::meta_text(&current.value, "name");
            return Err(ApiError::invalid(resource, name, &[error]));
        }
        let name = object::meta_text(&current.value, "name");
        if object::meta_text(&new, "name") != name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({name})",
                object::meta_text(&new, "name")
            )));
        }
        Ok(new)
    }

    fn apply(&self, edit: &Edit<'_>, force: bool, config: &Value) -> Result<Written, ApiError> {
        let Edit {
            target,
            key,
            part,
            options,
        } = *edit;
        let resource = &target.resource;
        check_configuration(edit, config)?;
        let reset = without_reset(target, part, config);
        let config = &reset;
        let schema = target.version.schema.as_deref();
        check_declared(edit, config)?;
        let manager = options.manager.as_str();
        loop {
            let now = self.now();
            let Some(current) = self.store.get(resource.id(), key) else {
                if part == Part::Status {
                    return Err(ApiError::not_found(resource, &key.name));
                }
                if object::meta_text(config, "name").is_empty() {
                    return Err(ApiError::nameless(&key.name));
                }
                let new = server_side_apply(None, config, manager, force, &now, schema, None)
                    .map_err(ApiError::apply_conflict)?;
                match self.create_applied(target, key, new, options) {
                    Err(error) if error.reason() == "AlreadyExists" => continue,
                    done => return done,
                }
            };
            let mut live = current.value.clone();
            if let Some(map) = live.as_object_mut() {
                map.insert("apiVersion".to_owned(), target.api_version().into());
            }
            let applied = server_side_apply(
                Some(&live),
                config,
                manager,
                force,
                &now,
                schema,
                part.subresource(),
            );
            let mut new = applied.map_err(ApiError::apply_conflict)?;
            let warnings =
                decode(target, &mut new, options).map_err(|error| unconverted(edit, error))?;
            let attempt = self.replace(edit, &current, new, warnings, Tracking::Applied)?;
            if let Attempt::Done(written) = attempt {
                return Ok(written);
            }
        }
    }

    fn create_applied(
        &self,
        target: &Target,
        key: &Key,
        mut new: Value,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        super::create::check_namespace(target, &key.namespace, &new)?;
        let edit = Edit {
            target,
            key,
            part: Part::Main,
            options,
        };
        let prepared = self.prepare_create(target, &key.namespace, &mut new, options);
        let warnings = prepared.map_err(|error| unconverted(&edit, error))?;
        target
            .resource
            .strategy
            .prepare_create(&mut new, &self.now());
        validate(target, &new, None)?;
        self.commit_create(target, &key.namespace, new, options, warnings)
    }
}

/// An applied object that its kind's type does not take, as kube-apiserver reports it: no fault of a client's.
fn unconverted(edit: &Edit<'_>, error: ApiError) -> ApiError {
    let Edit { target, key, .. } = *edit;
    let message = error.to_string();
    let Some((_, why)) = message
        .split_once(" cannot be handled as a ")
        .and_then(|(_, it)| it.split_once(": "))
    else {
        return error;
    };
    let resource = &target.resource;
    let kind = format!(
        "{}/{}, Kind={}",
        resource.group(),
        target.version.name,
        resource.kind()
    );
    ApiError::unknown(format!(
        "failed to convert new object (/{}; {kind}) to proper version: unable to convert unstructured object to {kind}: error decoding from json: {why}",
        key.name
    ))
}

/// A configuration without what its endpoint does not write (`GetResetFields`).
fn without_reset(target: &Target, part: Part, config: &Value) -> Value {
    let mut config = config.clone();
    if let Some(meta) = config.get_mut("metadata").and_then(Value::as_object_mut) {
        // Go's types do not tell an empty list from none.
        meta.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    if let Some(map) = config.as_object_mut().filter(|_| target.version.status) {
        map.shift_remove(if part == Part::Status {
            "spec"
        } else {
            "status"
        });
    }
    config
}

/// An apply takes no field that the kind does not have, whatever `fieldValidation` says (structured-merge-diff).
fn check_declared(edit: &Edit<'_>, config: &Value) -> Result<(), ApiError> {
    let Edit { target, .. } = *edit;
    let (resource, mut copy) = (&target.resource, config.clone());
    let unknown = match resource.typed {
        true => typed::prune(resource.kind(), &mut copy),
        false => typed::prune_metadata(&mut copy),
    };
    let failed = |why: &str| {
        // As the configuration has them, whatever the URL says.
        let meta = |field| object::meta_text(config, field);
        let at = format!("{}/{}", meta("namespace"), meta("name"));
        let (group, version, kind) = (resource.group(), &target.version.name, resource.kind());
        ApiError::unknown(format!(
            "failed to create typed patch object ({at}; {group}/{version}, Kind={kind}): {why}"
        ))
    };
    let mut unknown = unknown.map_err(|why| failed(&why))?;
    if let Some(schema) = &target.version.schema {
        unknown.extend(schema.unknown_paths(config));
    }
    let errors: Vec<String> = unknown
        .iter()
        .map(|path| format!(".{path}: field not declared in schema"))
        .collect();
    let why = match errors.as_slice() {
        [] => {
            let schema = target.version.schema.as_ref();
            let errors = schema.map(|schema| schema.validate(config, None));
            let mistyped = errors
                .into_iter()
                .flatten()
                .find(FieldError::is_of_wrong_type);
            return match mistyped {
                Some(error) => Err(failed(&format!(".{error}"))),
                None => Ok(()),
            };
        }
        [one] => one.clone(),
        several => format!("errors:\n  {}", several.join("\n  ")),
    };
    Err(failed(&why))
}

fn check_configuration(edit: &Edit<'_>, config: &Value) -> Result<(), ApiError> {
    let Edit {
        target,
        key,
        options,
        ..
    } = *edit;
    if options.manager.is_empty() {
        return Err(ApiError::invalid_options(
            "PatchOptions",
            FieldError {
                field: "fieldManager".to_owned(),
                reason: FieldErrorReason::Required,
                detail: "Required value: is required for apply patch".to_owned(),
            },
        ));
    }
    check_type(target, config)?;
    for field in ["apiVersion", "kind"] {
        if config
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .is_empty()
        {
            let text = |field| {
                config
                    .get(field)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let (version, kind) = (text("apiVersion"), text("kind"));
            let at = match version.contains('/') {
                true => version.to_owned(),
                false => format!("/{version}"),
            };
            let message = format!("invalid object type: {at}, Kind={kind}");
            return Err(ApiError::bad_request(message));
        }
    }
    let stated = object::meta_text(config, "name");
    if !stated.is_empty() && stated != key.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({stated}) does not match the name on the URL ({})",
            key.name
        )));
    }
    if object::meta(config, "managedFields").is_some_and(|list| !list.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    Ok(())
}
