//! PATCH, in its four formats.

use serde_json::Value;

use super::update::{Attempt, Edit, Part, Tracking};
use super::{Target, WriteOptions, Written, check_type, validate};
use crate::apply::server_side_apply;
use crate::object;
use crate::patch::{MergeKeys, PatchError, json_patch, merge_patch, strategic_merge_patch};
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
            let new = self.patched(target, &current, format, patch)?;
            let attempt = self.replace(edit, &current, new, Tracking::Update);
            if let Attempt::Done(written) = attempt.map_err(ApiError::of_patch)? {
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
            PatchError::Failed(message) => ApiError::unprocessable(message),
        };
        let new = match format {
            PatchType::Json => json_patch(&old, patch).map_err(wrong)?,
            PatchType::Strategic => {
                strategic_merge_patch(&old, patch, &MergeKeys::for_kind(resource.kind()))
                    .map_err(wrong)?
            }
            PatchType::Merge | PatchType::Apply { .. } => {
                if !patch.is_object() {
                    return Err(ApiError::bad_request("the patch is not a JSON object"));
                }
                merge_patch(&old, patch)
            }
        };
        check_type(target, &new)?;
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
        let schema = target.version.schema.as_deref();
        check_declared(edit, config)?;
        let manager = options.manager.as_str();
        loop {
            let now = self.now();
            let Some(current) = self.store.get(resource.id(), key) else {
                if part == Part::Status {
                    return Err(ApiError::not_found(resource, &key.name));
                }
                let mut config = config.clone();
                object::set_meta(&mut config, "name", key.name.as_str());
                let new = server_side_apply(None, &config, manager, force, &now, schema)
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
            let new = server_side_apply(Some(&live), config, manager, force, &now, schema)
                .map_err(ApiError::apply_conflict)?;
            if let Attempt::Done(written) = self.replace(edit, &current, new, Tracking::Applied)? {
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
        let warnings = self.prepare_create(target, &key.namespace, &mut new, options)?;
        validate(target, &new, None)?;
        self.commit_create(target, &key.namespace, new, options, warnings)
    }
}

/// An apply takes no field that the kind does not have, whatever `fieldValidation` says (structured-merge-diff).
fn check_declared(edit: &Edit<'_>, config: &Value) -> Result<(), ApiError> {
    let Edit { target, key, .. } = *edit;
    let (resource, mut copy) = (&target.resource, config.clone());
    let mut unknown = match resource.typed {
        true => typed::prune(resource.kind(), &mut copy).unwrap_or_default(),
        false => typed::prune_metadata(&mut copy).unwrap_or_default(),
    };
    if let Some(schema) = &target.version.schema {
        unknown.extend(schema.unknown_paths(config));
    }
    let errors: Vec<String> = unknown
        .iter()
        .map(|path| format!(".{path}: field not declared in schema"))
        .collect();
    let why = match errors.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        several => format!("errors:\n  {}", several.join("\n  ")),
    };
    let at = match key.namespace.as_str() {
        "" => format!("/{}", key.name),
        namespace => format!("{namespace}/{}", key.name),
    };
    let (version, kind) = (target.api_version(), resource.kind());
    Err(ApiError::unknown(format!(
        "failed to create typed patch object ({at}; {version}, Kind={kind}): {why}"
    )))
}

fn check_configuration(edit: &Edit<'_>, config: &Value) -> Result<(), ApiError> {
    let Edit {
        target,
        key,
        options,
        ..
    } = *edit;
    if options.manager.is_empty() {
        return Err(ApiError::unprocessable(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
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
            let message = format!("invalid object type: {field} must be set in an applied object");
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
