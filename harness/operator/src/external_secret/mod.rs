//! The ExternalSecret controller (ESO 0.20.4 and 2.9.0, `externalsecret_controller.go`): the same steps in the same order.

mod failure;
mod fetch;
mod managed_fields;
mod ownership;
mod refresh;
mod shape;
mod status;
mod target;
pub(crate) mod triggers;
mod windows;
mod write;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use rotaproof_kinds::external_secrets::{
    CreationPolicy, DeletionPolicy, ExternalSecret, SecretStoreRef, StoreKind,
};
use serde_json::json;

use crate::controller::{Key, Outcome, Subject};
use crate::engine::{Engine, MANAGED_LABEL};
use crate::store::is_ours;
use failure::{Consequence, Failure};
use write::Target;

const FINALIZER: &str = "externalsecrets.external-secrets.io/externalsecret-cleanup";

/// How long to wait for the cache of whole Secrets to catch up with the server.
const CACHE_DELAY: Duration = Duration::from_millis(200);

/// The Secret that an ExternalSecret writes.
pub(crate) fn target_name(external: &ExternalSecret) -> &str {
    let named = external.spec.target.name.as_deref();
    let own = external.metadata.name.as_deref();
    named
        .filter(|name| !name.is_empty())
        .or(own)
        .unwrap_or_default()
}

/// Reconciles one ExternalSecret.
pub(crate) async fn reconcile(engine: Arc<Engine>, key: Key) -> Result<Outcome, String> {
    let Some(external) = engine.external_secrets.get(&key) else {
        return Ok(Outcome::Done);
    };
    let api: Api<ExternalSecret> = Api::namespaced(engine.client.clone(), &key.namespace);
    let written = external.clone();
    let mut external = (*external).clone();
    refresh::hasten(&mut external, engine.options.refresh);
    let run = Run {
        start: engine.options.clock.now(),
        target: Target::of(&engine, &external),
        engine: &engine,
        api,
        external,
        written,
    };
    run.reconcile().await.map_err(|failure| failure.text)
}

struct Run<'a> {
    engine: &'a Engine,
    api: Api<ExternalSecret>,
    external: ExternalSecret,
    /// The same as it stands in the cluster, with its own interval.
    written: Arc<ExternalSecret>,
    target: Target<'a>,
    start: jiff::Timestamp,
}

impl Run<'_> {
    async fn reconcile(mut self) -> Result<Outcome, Failure> {
        if self.external.metadata.deletion_timestamp.is_some() {
            return self.clean_up().await;
        }
        if !self.external.finalizers().iter().any(|f| f == FINALIZER) {
            let finalizers = [self.external.finalizers(), &[FINALIZER.to_owned()]].concat();
            self.set_finalizers(finalizers).await?;
        }
        if self.uses_foreign_store() {
            return Ok(Outcome::Done);
        }
        if self.external.spec.target.manifest.is_some() {
            let before = self.external.status.clone();
            let failure = Failure::new(
                "generic targets are disabled. Enable with --unsafe-allow-generic-targets flag",
            );
            status::failed(
                self.engine,
                &mut self.external,
                "invalid generic target",
                &failure,
            );
            let _ = self.write_status(before).await;
            return Ok(Outcome::Done);
        }

        let partial = self
            .target
            .api()
            .get_metadata_opt(&self.target.name)
            .await
            .map_err(|error| Failure::from(&error))?;
        let managed = |labels: &std::collections::BTreeMap<String, String>| {
            labels.get(MANAGED_LABEL).map(String::as_str) == Some("true")
        };
        if partial
            .as_ref()
            .is_some_and(|secret| !managed(secret.labels()))
        {
            // Adopted first, so that the cache of managed Secrets sees it.
            let patch = json!({"metadata": {"labels": {MANAGED_LABEL: "true"}}});
            let params = PatchParams {
                field_manager: Some(self.target.manager.clone()),
                ..PatchParams::default()
            };
            self.target
                .api()
                .patch_metadata(&self.target.name, &params, &Patch::Merge(patch))
                .await
                .map_err(|error| Failure::from(&error))?;
            return Ok(Outcome::Requeue);
        }
        let key = Key::new(&self.target.namespace, &self.target.name);
        let existing = self.engine.secrets.get(&key);
        let version =
            |meta: &kube::core::ObjectMeta| (meta.uid.clone(), meta.resource_version.clone());
        let cached = existing.as_ref().map(|secret| version(&secret.metadata));
        if partial.map(|secret| version(&secret.metadata)) != cached {
            if self.engine.options.release.backs_off_from_a_stale_cache() {
                return Err(Failure::new(format!(
                    "controller caches for secret {} are not in sync",
                    self.target.name
                )));
            }
            return Ok(Outcome::After(CACHE_DELAY));
        }

        if !refresh::is_due(&self.external, self.start)
            && refresh::is_intact(&self.external, existing.as_deref())
        {
            return Ok(refresh::come_back(
                &self.external,
                self.engine.options.clock.now(),
            ));
        }
        let before = self.external.status.clone();
        let outcome = self.sync(existing.as_deref()).await;
        match self.write_status(before).await {
            Ok(()) => outcome,
            Err(failure) => match outcome {
                Ok(_) if failure.consequence == Consequence::Conflict => Ok(Outcome::Requeue),
                Ok(_) => Err(failure),
                error => error,
            },
        }
    }

    /// Fetches and writes; every way out has set the status.
    async fn sync(&mut self, existing: Option<&Secret>) -> Result<Outcome, Failure> {
        let fetched = match fetch::provider_data(self.engine, &self.external).await {
            Ok(fetched) => fetched,
            Err(failure) if failure.consequence == Consequence::Silent => return Err(failure),
            Err(failure) => {
                return Err(self.fail("could not get secret data from provider", failure));
            }
        };
        let creation = self.external.spec.target.creation_policy;
        if fetched.is_empty() {
            match self.external.spec.target.deletion_policy {
                DeletionPolicy::Delete => return self.delete_target(existing).await,
                DeletionPolicy::Retain => {
                    return Ok(self.finish(
                        "SecretSynced",
                        "secret retained due to DeletionPolicy=Retain",
                    ));
                }
                DeletionPolicy::Merge => {}
            }
        }
        let written = match (creation, existing) {
            (CreationPolicy::None, _) => Ok(()),
            (CreationPolicy::Merge, None) => {
                return Ok(self.finish(
                    "SecretMissing",
                    "secret will not be created due to CreationPolicy=Merge",
                ));
            }
            (CreationPolicy::Owner, existing) => {
                if let Err(failure) = self.target.delete_orphans(&self.external).await {
                    return Err(self.fail("could not delete orphaned secrets", failure));
                }
                self.write(existing, &fetched).await
            }
            (_, existing) => self.write(existing, &fetched).await,
        };
        let Err(failure) = written else {
            return Ok(self.finish("SecretSynced", "secret synced"));
        };
        // What a retry cannot mend waits for the next trigger.
        let message = match failure.consequence {
            Consequence::Conflict => return Ok(Outcome::Requeue),
            Consequence::CannotOwn => "failed to take ownership of target secret",
            Consequence::IsOwned => "target is owned by another ExternalSecret",
            Consequence::Immutable => "could not update secret, target is immutable",
            Consequence::Retry | Consequence::Silent | Consequence::NoSecret => {
                return Err(self.fail("could not update secret", failure));
            }
        };
        self.fail(message, failure);
        Ok(Outcome::Done)
    }

    async fn write(
        &mut self,
        existing: Option<&Secret>,
        fetched: &crate::provider::SecretMap,
    ) -> Result<(), Failure> {
        match existing {
            None => self.target.create(&mut self.external, fetched).await,
            Some(secret) => {
                self.target
                    .update(&mut self.external, secret, fetched)
                    .await
            }
        }
    }

    async fn delete_target(&mut self, existing: Option<&Secret>) -> Result<Outcome, Failure> {
        let message = "could not delete secret";
        let creation = self.external.spec.target.creation_policy;
        if creation != CreationPolicy::Owner {
            let failure = Failure::new(format!(
                "unable to delete secret {}: creationPolicy={creation} is not Owner",
                self.target.name
            ));
            self.fail(message, failure);
            return Ok(Outcome::Done);
        }
        let deleted = "secret deleted due to DeletionPolicy=Delete";
        if existing.is_some() {
            if let Err(failure) = self.target.delete(&self.target.name).await {
                return Err(self.fail(message, failure));
            }
            let subject = Subject::of(&self.external);
            self.engine.recorder.normal(&subject, "Deleted", deleted);
        }
        Ok(self.finish("SecretDeleted", deleted))
    }

    fn finish(&mut self, reason: &str, message: &str) -> Outcome {
        status::done(self.engine, &mut self.external, self.start, reason, message);
        refresh::come_back(&self.external, self.engine.options.clock.now())
    }

    fn fail(&mut self, message: &str, failure: Failure) -> Failure {
        status::failed(self.engine, &mut self.external, message, &failure);
        failure
    }

    /// Writes the status where it changed; on the wire, times are whole seconds. Go has no absent `binding`
    /// (`LocalObjectReference` is no pointer): it is sent as `{}`, whose `name` the CRD makes "".
    async fn write_status(
        &mut self,
        before: Option<rotaproof_kinds::external_secrets::ExternalSecretStatus>,
    ) -> Result<(), Failure> {
        if before == self.external.status {
            return Ok(());
        }
        if let Some(status) = &mut self.external.status {
            status.binding.get_or_insert_default();
        }
        self.api
            .replace_status(
                &self.external.name_any(),
                &PostParams::default(),
                &self.external,
            )
            .await
            .map(drop)
            .map_err(|error| Failure::from(&error))
    }

    async fn clean_up(&mut self) -> Result<Outcome, Failure> {
        let target = &self.external.spec.target;
        if target.deletion_policy == DeletionPolicy::Delete && target.manifest.is_none() {
            let secret = self
                .target
                .api()
                .get_opt(&self.target.name)
                .await
                .map_err(|error| Failure::from(&error))?;
            if secret.is_some_and(|secret| ownership::controls(&self.external, &secret)) {
                self.target.delete(&self.target.name).await?;
            }
        }
        if self.external.finalizers().iter().any(|f| f == FINALIZER) {
            let kept: Vec<String> = self
                .external
                .finalizers()
                .iter()
                .filter(|finalizer| *finalizer != FINALIZER)
                .cloned()
                .collect();
            self.set_finalizers(kept).await?;
        }
        Ok(Outcome::Done)
    }

    /// A PUT, or a merge patch without a resourceVersion; the answer is what the reconcile goes on with.
    async fn set_finalizers(&mut self, finalizers: Vec<String>) -> Result<(), Failure> {
        let finalizers = (!finalizers.is_empty()).then_some(finalizers);
        let name = self.external.name_any();
        let answer = if self.engine.options.release.puts_finalizers() {
            let mut object = (*self.written).clone();
            object.metadata.finalizers = finalizers;
            self.api
                .replace(&name, &PostParams::default(), &object)
                .await
        } else {
            let patch = Patch::Merge(json!({"metadata": {"finalizers": finalizers}}));
            self.api.patch(&name, &PatchParams::default(), &patch).await
        };
        self.external = answer.map_err(|error| Failure::from(&error))?;
        refresh::hasten(&mut self.external, self.engine.options.refresh);
        Ok(())
    }

    /// Whether any store that is referred to is meant for another controller; absent ones are not.
    fn uses_foreign_store(&self) -> bool {
        let spec = &self.external.spec;
        let own = spec
            .secret_store_ref
            .iter()
            .filter(|store| store.name.as_deref().is_some_and(|name| !name.is_empty()));
        let of_data = spec
            .data
            .iter()
            .filter_map(|entry| entry.source_ref.as_ref()?.store_ref.as_ref());
        let of_data_from = spec
            .data_from
            .iter()
            .filter_map(|entry| entry.source_ref.as_ref()?.store_ref.as_ref());
        own.chain(of_data)
            .chain(of_data_from)
            .any(|reference| self.is_foreign(reference))
    }

    fn is_foreign(&self, reference: &SecretStoreRef) -> bool {
        let name = reference.name.as_deref().unwrap_or_default();
        match reference.kind.unwrap_or_default() {
            StoreKind::SecretStore => self
                .engine
                .stores
                .get(&Key::new(&self.target.namespace, name))
                .is_some_and(|store| !is_ours(&store.spec)),
            StoreKind::ClusterSecretStore => self
                .engine
                .cluster_stores
                .get(&Key::new("", name))
                .is_some_and(|store| !is_ours(&store.spec)),
        }
    }
}
