//! DELETE of one object; what becomes of its dependents is the garbage collector's work.

use std::sync::Arc;

use serde_json::Value;

use super::update::may_go;
use super::{Target, refusal};
use crate::crd;
use crate::object;
use crate::server::Inner;
use crate::status::ApiError;
use crate::store::{Change, Key, Object, Refused, Stored};

pub(crate) const ORPHAN: &str = "orphan";
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// `k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle`.
const PROTECTED: [&str; 3] = ["default", "kube-system", "kube-public"];

/// What becomes of the dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// The body of a DELETE, or its query.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_period: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) dry_run: bool,
}

/// A deletion that was taken on.
pub(crate) enum Deleted {
    /// The object is gone.
    Gone(Object),
    /// Marked; finalizers or a grace period keep it.
    Marked(Object),
}

impl Inner {
    pub(crate) fn delete(
        &self,
        target: &Target,
        key: &Key,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        let resource = &target.resource;
        if resource.qualified() == "namespaces" && PROTECTED.contains(&key.name.as_str()) {
            return Err(ApiError::forbidden(
                resource,
                &key.name,
                "this namespace may not be deleted",
            ));
        }
        loop {
            let current = self
                .store
                .get(resource.id(), key)
                .ok_or_else(|| ApiError::not_found(resource, &key.name))?;
            check_preconditions(target, key, &current, options)?;
            let mut next = current.value.clone();
            self.mark(target, &mut next, options);
            let gone = may_go(resource, &next);
            if options.dry_run {
                let object = Arc::new(Stored::new(next, current.revision));
                return Ok(if gone {
                    Deleted::Gone(object)
                } else {
                    Deleted::Marked(object)
                });
            }
            if !gone && next == current.value {
                return Ok(Deleted::Marked(current));
            }
            let change = match gone {
                // Nothing had to wait, so that nobody ever saw a mark.
                true => Change::Remove(current.revision, current.value.clone()),
                false => Change::Update(current.revision, next),
            };
            match self.store.commit(resource.id(), key, change) {
                Ok(object) if gone => {
                    self.removed(resource, &object);
                    return Ok(Deleted::Gone(object));
                }
                Ok(object) => return Ok(Deleted::Marked(object)),
                Err(Refused::Raced) => {}
                Err(refused) => return Err(refusal(refused, target, key)),
            }
        }
    }

    /// Sets the marks of a deletion: finalizers of the propagation, time, grace period.
    fn mark(&self, target: &Target, object: &mut Value, options: &DeleteOptions) {
        let resource = &target.resource;
        let wanted = options.propagation;
        let mut finalizers: Vec<String> = object::finalizers(object)
            .into_iter()
            .filter(|name| wanted.is_none() || (*name != ORPHAN && *name != FOREGROUND))
            .map(str::to_owned)
            .collect();
        match wanted {
            Some(Propagation::Orphan) => finalizers.push(ORPHAN.to_owned()),
            Some(Propagation::Foreground) => finalizers.push(FOREGROUND.to_owned()),
            Some(Propagation::Background) | None => {}
        }
        if resource.qualified() == crd::RESOURCE && !finalizers.iter().any(|it| it == crd::CLEANUP)
        {
            finalizers.push(crd::CLEANUP.to_owned());
        }
        match finalizers.is_empty() {
            true => object::remove_meta(object, "finalizers"),
            false => object::set_meta(object, "finalizers", finalizers),
        }
        let grace = resource
            .strategy
            .grace_period(object, options.grace_period)
            .unwrap_or(0);
        if !object::is_deleting(object) {
            let now = self.clock.now();
            let ends = now
                .checked_add(jiff::SignedDuration::from_secs(grace))
                .unwrap_or(now);
            object::set_meta(object, "deletionTimestamp", crate::server::seconds(ends));
            // Those two have a deletion of their own, which sets no period.
            if !matches!(resource.qualified(), "namespaces" | crd::RESOURCE) {
                object::set_meta(object, "deletionGracePeriodSeconds", grace);
            }
            if resource.generation {
                let generation = object::meta(object, "generation").and_then(Value::as_i64);
                object::set_meta(object, "generation", generation.unwrap_or(0) + 1);
            }
            if resource.qualified() == "namespaces" {
                object::set_at(object, &["status", "phase"], "Terminating");
            }
        } else {
            // A further deletion may only shorten the wait.
            let before = object::meta(object, "deletionGracePeriodSeconds")
                .and_then(Value::as_i64)
                .unwrap_or(0);
            if grace < before && (options.grace_period.is_some() || grace == 0) {
                object::set_meta(object, "deletionGracePeriodSeconds", grace);
            }
        }
    }
}

fn check_preconditions(
    target: &Target,
    key: &Key,
    current: &Object,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    let record = |field: &str| object::meta_text(&current.value, field);
    if let Some(uid) = options.uid.as_deref()
        && uid != record("uid")
    {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            record("uid")
        );
        return Err(ApiError::precondition_failed(
            &target.resource,
            &key.name,
            &why,
        ));
    }
    if let Some(revision) = options.revision.as_deref()
        && revision != record("resourceVersion")
    {
        let why = format!(
            "the ResourceVersion in the precondition ({revision}) does not match the ResourceVersion in record ({}). The object might have been modified",
            record("resourceVersion")
        );
        return Err(ApiError::precondition_failed(
            &target.resource,
            &key.name,
            &why,
        ));
    }
    Ok(())
}
