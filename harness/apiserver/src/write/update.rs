//! PUT, and the half of PATCH that comes after the patch was applied.

use std::sync::Arc;

use serde_json::Value;

use super::create::check_namespace;
use super::{Target, WriteOptions, Written, check_type, decode, refusal, track, validate};
use crate::object;
use crate::schema::{FieldError, FieldErrorReason};
use crate::server::Inner;
use crate::status::ApiError;
use crate::store::{Change, Key, Object, Refused, Stored};

/// Which part of an object an endpoint writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
    /// `/finalize` of a namespace: `spec.finalizers`.
    Finalize,
}

impl Part {
    pub(super) fn subresource(self) -> Option<&'static str> {
        match self {
            Self::Main => None,
            Self::Status => Some("status"),
            Self::Finalize => Some("finalize"),
        }
    }
}

/// An edit of an object that exists: where it goes, and how.
pub(crate) struct Edit<'a> {
    pub(crate) target: &'a Target,
    pub(crate) key: &'a Key,
    pub(crate) part: Part,
    pub(crate) options: &'a WriteOptions,
}

/// Members of `metadata` that only the server sets.
const SERVER_OWNED: [&str; 7] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
    "resourceVersion",
];

/// Who keeps `managedFields` of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tracking {
    /// The edit is an Update operation of its manager.
    Update,
    /// A server-side apply has done so.
    Applied,
}

/// The result of one attempt; a raced one is tried again on the new revision.
pub(super) enum Attempt {
    Done(Written),
    Raced,
}

impl Inner {
    pub(crate) fn update(&self, edit: &Edit<'_>, mut new: Value) -> Result<Written, ApiError> {
        let Edit {
            target,
            key,
            options,
            ..
        } = *edit;
        let resource = &target.resource;
        check_type(target, &new)?;
        // A body that cannot be read is refused whether its object exists or not.
        let warnings = decode(target, &mut new, options)?;
        let stated = object::meta_text(&new, "name");
        if stated.is_empty() {
            return Err(ApiError::nameless(&key.name));
        }
        if stated != key.name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({stated}) does not match the name on the URL ({})",
                key.name
            )));
        }
        check_namespace(target, &key.namespace, &new)?;
        let version = object::meta_text(&new, "resourceVersion");
        if !version.is_empty() && version.parse::<u64>().is_err() {
            self.current(target, key)?;
            let why = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
            return Err(ApiError::unknown(why));
        }
        if version.is_empty() && !resource.unconditional_update {
            let error = FieldError {
                field: "metadata.resourceVersion".to_owned(),
                reason: FieldErrorReason::Invalid,
                detail: "Invalid value: 0: must be specified for an update".to_owned(),
            };
            // The object has to exist before its update can be wrong.
            self.current(target, key)?;
            let (group, plural) = (resource.group(), resource.plural());
            let refused = ApiError::invalid_kind(group, plural, &key.name, &[error]);
            return Err(refused.warned(&warnings));
        }
        loop {
            let current = self.current(target, key);
            let current = current.map_err(|error| error.warned(&warnings))?;
            let kept = warnings.clone();
            let attempt = self.replace(edit, &current, new.clone(), kept, Tracking::Update);
            if let Attempt::Done(written) = attempt? {
                return Ok(written);
            }
        }
    }

    pub(super) fn current(&self, target: &Target, key: &Key) -> Result<Object, ApiError> {
        self.store
            .get(target.resource.id(), key)
            .ok_or_else(|| ApiError::not_found(&target.resource, &key.name))
    }

    /// Makes `new` the next revision of `current`, as far as the endpoint and the rules of updates let it.
    pub(super) fn replace(
        &self,
        edit: &Edit<'_>,
        current: &Object,
        new: Value,
        warnings: Vec<String>,
        tracking: Tracking,
    ) -> Result<Attempt, ApiError> {
        let known = warnings.clone();
        self.replace_unwarned(edit, current, new, warnings, tracking)
            .map_err(|error| error.warned(&known))
    }

    fn replace_unwarned(
        &self,
        edit: &Edit<'_>,
        current: &Object,
        mut new: Value,
        warnings: Vec<String>,
        tracking: Tracking,
    ) -> Result<Attempt, ApiError> {
        let Edit {
            target,
            key,
            part,
            options,
        } = *edit;
        let resource = &target.resource;
        let old = &current.value;
        let version = object::meta_text(&new, "resourceVersion");
        if !version.is_empty() && version != object::meta_text(old, "resourceVersion") {
            return Err(ApiError::modified(resource, &key.name));
        }
        let uid = object::meta_text(&new, "uid");
        if !uid.is_empty() && uid != object::meta_text(old, "uid") {
            let why = format!(
                "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                storage_key(resource, key),
                object::meta_text(old, "uid")
            );
            return Err(ApiError::conflict(resource, &key.name, &why));
        }
        keep_parts(target, part, &mut new, old);
        for field in SERVER_OWNED {
            object::copy_meta(&mut new, old, field);
        }
        if !key.namespace.is_empty() {
            object::set_meta(&mut new, "namespace", key.namespace.as_str());
        }
        let now = self.now();
        if part != Part::Finalize {
            resource.strategy.prepare_update(&mut new, old, &now);
        }
        if resource.generation && specification_changed(&new, old) {
            let generation = object::meta(old, "generation").and_then(Value::as_i64);
            object::set_meta(&mut new, "generation", generation.unwrap_or(0) + 1);
        }
        validate(target, &new, Some(old))?;
        if tracking == Tracking::Update {
            if object::meta(&new, "managedFields").is_none() {
                object::copy_meta(&mut new, old, "managedFields");
            }
            let (manager, subresource) = (&options.manager, part.subresource());
            track(target, Some(old), &mut new, manager, subresource, &now);
        }
        let done = |object: Object| {
            Ok(Attempt::Done(Written {
                object,
                created: false,
                warnings,
            }))
        };
        if same_but_for_managers(&new, old) {
            return done(current.clone());
        }
        if options.dry_run {
            return done(Arc::new(Stored::new(new, current.revision)));
        }
        let removed = may_go(resource, &new);
        let (change, answer) = match removed {
            // What goes is what was stored; the answer is what was sent, which nobody stores any more.
            true => (
                Change::Remove(current.revision, old.clone()),
                Some(Arc::new(Stored::new(new, current.revision))),
            ),
            false => (Change::Update(current.revision, new), None),
        };
        match self.store.commit(resource.id(), key, change) {
            Ok(object) => {
                match removed {
                    true => self.removed(resource, &object),
                    false => self.committed(resource, &object),
                }
                done(answer.unwrap_or(object))
            }
            Err(Refused::Raced) => Ok(Attempt::Raced),
            Err(refused) => Err(refusal(refused, target, key)),
        }
    }
}

/// Where etcd has an object of a kube-apiserver: its errors tell.
fn storage_key(resource: &crate::Resource, key: &Key) -> String {
    let mut path = "/registry".to_owned();
    let group = if resource.is_custom() {
        resource.group()
    } else {
        ""
    };
    for part in [group, resource.plural(), &key.namespace, &key.name] {
        if !part.is_empty() {
            path.push('/');
            path.push_str(part);
        }
    }
    path
}

/// Whether nothing keeps a deleted object any longer.
pub(super) fn may_go(resource: &crate::Resource, object: &Value) -> bool {
    let waits = object::meta(object, "deletionGracePeriodSeconds")
        .and_then(Value::as_i64)
        .unwrap_or(0)
        > 0;
    let namespace_content = resource.qualified() == "namespaces"
        && object
            .pointer("/spec/finalizers")
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty());
    object::is_deleting(object)
        && object::finalizers(object).is_empty()
        && !waits
        && !namespace_content
}

/// The main endpoint leaves `status` alone, `/status` everything else.
fn keep_parts(target: &Target, part: Part, new: &mut Value, old: &Value) {
    match part {
        Part::Main if target.version.status => object::copy_member(new, old, "status"),
        Part::Main => {}
        Part::Status | Part::Finalize => {
            let mut kept = old.clone();
            let member = if part == Part::Status {
                "status"
            } else {
                "spec"
            };
            object::copy_member(&mut kept, new, member);
            object::copy_meta(&mut kept, new, "managedFields");
            *new = kept;
        }
    }
}

fn specification_changed(new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else {
        return false;
    };
    let differs = |name: &String| {
        !matches!(name.as_str(), "metadata" | "status" | "apiVersion" | "kind")
            && new.get(name) != old.get(name)
    };
    new.keys().chain(old.keys()).any(differs) || object_deletion_began(new, old)
}

/// Marking an object as deleting counts as a change (`rest.BeforeDelete`).
fn object_deletion_began(
    new: &serde_json::Map<String, Value>,
    old: &serde_json::Map<String, Value>,
) -> bool {
    let mark = |object: &serde_json::Map<String, Value>| {
        object
            .get("metadata")
            .and_then(|meta| meta.get("deletionTimestamp"))
            .is_some()
    };
    mark(new) && !mark(old)
}

fn same_but_for_managers(new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else {
        return new == old;
    };
    if new.len() != old.len() {
        return false;
    }
    new.iter().all(|(name, value)| {
        let Some(before) = old.get(name) else {
            return false;
        };
        if name != "metadata" {
            return value == before;
        }
        let (Some(value), Some(before)) = (value.as_object(), before.as_object()) else {
            return value == before;
        };
        let fields = value.keys().chain(before.keys());
        let mut compared = fields.filter(|field| *field != "managedFields");
        compared.all(|field| value.get(field) == before.get(field))
            && owned(value.get("managedFields")) == owned(before.get("managedFields"))
    })
}

/// What managers own, without the times at which they wrote.
fn owned(managers: Option<&Value>) -> Vec<(&Value, &Value, &Value, &Value)> {
    const NONE: &Value = &Value::Null;
    let list = managers.and_then(Value::as_array).into_iter().flatten();
    let mut owned: Vec<_> = list
        .map(|entry| {
            let of = |field: &str| entry.get(field).unwrap_or(NONE);
            (
                of("manager"),
                of("operation"),
                of("subresource"),
                of("fieldsV1"),
            )
        })
        .collect();
    owned.sort_by_key(|(manager, operation, subresource, _)| {
        (
            manager.to_string(),
            operation.to_string(),
            subresource.to_string(),
        )
    });
    owned
}
