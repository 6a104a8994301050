//! POST.

use std::sync::Arc;

use serde_json::Value;

use super::{Target, WriteOptions, Written, check_type, decode, refusal, track, validate};
use crate::object;
use crate::server::Inner;
use crate::status::ApiError;
use crate::store::{Change, Key, Refused, Stored};

/// `k8s.io/apiserver/pkg/storage/names`: no vowels, no look-alikes.
const NAME_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const MAX_GENERATED_BASE: usize = 58;
/// `maxNameGenerationCreateAttempts`.
const NAME_ATTEMPTS: usize = 8;

impl Inner {
    pub(crate) fn create(
        &self,
        target: &Target,
        namespace: &str,
        new: Value,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        check_type(target, &new)?;
        check_namespace(target, namespace, &new)?;
        if !object::meta_text(&new, "resourceVersion").is_empty() {
            return Err(ApiError::unknown(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        let generates = object::meta_text(&new, "name").is_empty()
            && !object::meta_text(&new, "generateName").is_empty();
        if !generates {
            return self.create_once(target, namespace, new, options);
        }
        retry(NAME_ATTEMPTS, || {
            self.create_once(target, namespace, new.clone(), options)
        })
    }

    fn create_once(
        &self,
        target: &Target,
        namespace: &str,
        mut new: Value,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let warnings = self.prepare_create(target, namespace, &mut new, options)?;
        object::remove_meta(&mut new, "managedFields");
        let now = self.now();
        track(target, None, &mut new, &options.manager, None, &now);
        // What the server sets has no owner.
        target.resource.strategy.prepare_create(&mut new, &now);
        validate(target, &new, None).map_err(|error| error.warned(&warnings))?;
        self.commit_create(target, namespace, new, options, warnings)
    }

    /// Everything before validation; also what an apply that creates goes through.
    pub(super) fn prepare_create(
        &self,
        target: &Target,
        namespace: &str,
        new: &mut Value,
        options: &WriteOptions,
    ) -> Result<Vec<String>, ApiError> {
        let resource = &target.resource;
        let warnings = decode(target, new, options)?;
        let base = object::meta_text(new, "generateName").to_owned();
        if object::meta_text(new, "name").is_empty() && !base.is_empty() {
            let mut end = base.len().min(MAX_GENERATED_BASE);
            while !base.is_char_boundary(end) {
                end -= 1;
            }
            let name = format!(
                "{}{}",
                base.get(..end).unwrap_or_default(),
                self.names.text(NAME_ALPHABET, 5)
            );
            object::set_meta(new, "name", name);
        }
        if !namespace.is_empty() {
            object::set_meta(new, "namespace", namespace);
        }
        for field in [
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
        ] {
            object::remove_meta(new, field);
        }
        if target.version.status
            && let Some(map) = new.as_object_mut()
        {
            map.shift_remove("status");
        }
        let now = self.now();
        object::set_meta(new, "uid", self.uids.uuid().to_string());
        if resource.generation {
            object::set_meta(new, "generation", 1);
        }
        object::set_meta(new, "creationTimestamp", now.as_str());
        Ok(warnings)
    }

    pub(super) fn commit_create(
        &self,
        target: &Target,
        namespace: &str,
        new: Value,
        options: &WriteOptions,
        warnings: Vec<String>,
    ) -> Result<Written, ApiError> {
        let key = Key::new(namespace, object::meta_text(&new, "name"));
        let object = if options.dry_run {
            self.store
                .would_take(target.resource.id(), &key)
                .map_err(|refused| self.refused_create(refused, target, &key, &warnings))?;
            Arc::new(Stored::new(new, 0))
        } else {
            let stored = self
                .store
                .commit(target.resource.id(), &key, Change::Create(new))
                .map_err(|refused| self.refused_create(refused, target, &key, &warnings))?;
            self.committed(&target.resource, &stored);
            stored
        };
        Ok(Written {
            object,
            created: true,
            warnings,
        })
    }

    fn refused_create(
        &self,
        refused: Refused,
        target: &Target,
        key: &Key,
        warnings: &[String],
    ) -> ApiError {
        let known = self.store.get(target.resource.id(), key);
        let error = match refused {
            Refused::Exists if known.is_some_and(|it| object::is_deleting(&it.value)) => {
                ApiError::still_exists(&target.resource, &key.name)
            }
            refused => refusal(refused, target, key),
        };
        error.warned(warnings)
    }
}

/// Tries again while the generated name is taken.
fn retry<T>(
    attempts: usize,
    mut create: impl FnMut() -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    for _ in 1..attempts {
        match create() {
            Err(error) if error.reason() == "AlreadyExists" => {}
            done => return done,
        }
    }
    create()
}

pub(super) fn check_namespace(
    target: &Target,
    namespace: &str,
    object: &Value,
) -> Result<(), ApiError> {
    let stated = object::meta_text(object, "namespace");
    if target.resource.is_namespaced() && !stated.is_empty() && stated != namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Resource;

    #[test]
    fn a_taken_generated_name_is_drawn_again_seven_times() {
        let taken = || ApiError::already_exists(&Resource::new("", "Secret", "secrets"), "s");
        let mut draws = 0;
        let third = retry(NAME_ATTEMPTS, || {
            draws += 1;
            if draws < 3 { Err(taken()) } else { Ok(draws) }
        });
        assert_eq!(third.ok(), Some(3));
        let mut draws = 0;
        let never = retry(NAME_ATTEMPTS, || {
            draws += 1;
            Err::<(), _>(taken())
        });
        assert_eq!((never.is_err(), draws), (true, 8));
        let mut draws = 0;
        let other = retry(NAME_ATTEMPTS, || {
            draws += 1;
            Err::<(), _>(ApiError::bad_request("no"))
        });
        assert_eq!((other.is_err(), draws), (true, 1));
    }
}
