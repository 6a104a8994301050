//! Writing the target (ESO 2.9.0, `createSecret`, `updateSecret`, `deleteOrphanedSecrets`).

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use rotaproof_kinds::external_secrets::{Binding, ExternalSecret};

use super::failure::{Consequence, Failure};
use super::ownership::OWNER_LABEL;
use super::target::shape_secret;
use crate::controller::Subject;
use crate::engine::Engine;
use crate::hash;
use crate::kube_error;
use crate::provider::SecretMap;

/// The target of one ExternalSecret.
pub(super) struct Target<'a> {
    pub(super) engine: &'a Engine,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) manager: String,
}

impl<'a> Target<'a> {
    pub(super) fn of(engine: &'a Engine, external: &ExternalSecret) -> Self {
        Self {
            engine,
            namespace: external.metadata.namespace.clone().unwrap_or_default(),
            name: super::target_name(external).to_owned(),
            manager: hash::field_manager(external.metadata.name.as_deref().unwrap_or_default()),
        }
    }

    pub(super) fn api(&self) -> Api<Secret> {
        Api::namespaced(self.engine.client.clone(), &self.namespace)
    }

    fn post(&self) -> PostParams {
        PostParams {
            dry_run: false,
            field_manager: Some(self.manager.clone()),
        }
    }

    /// Creates the Secret and binds the ExternalSecret to it.
    pub(super) async fn create(
        &self,
        external: &mut ExternalSecret,
        fetched: &SecretMap,
    ) -> Result<(), Failure> {
        let mut secret = Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace.clone()),
                ..ObjectMeta::default()
            },
            ..Secret::default()
        };
        shape_secret(&self.engine.client, external, &mut secret, fetched).await?;
        self.api()
            .create(&self.post(), &tidy(secret))
            .await
            .map_err(|error| Failure::from(&error))?;
        self.bind(external);
        self.engine
            .recorder
            .normal(&Subject::of(external), "Created", "secret created");
        Ok(())
    }

    /// Brings an existing Secret to what is asked; nothing is written where it already is.
    pub(super) async fn update(
        &self,
        external: &mut ExternalSecret,
        existing: &Secret,
        fetched: &SecretMap,
    ) -> Result<(), Failure> {
        self.bind(external);
        let mut updated = existing.clone();
        shape_secret(&self.engine.client, external, &mut updated, fetched)
            .await
            .map_err(|failure| failure.within(&format!("unable to mutate secret {}", self.name)))?;
        let (existing, updated) = (tidy(existing.clone()), tidy(updated));
        if existing == updated {
            return Ok(());
        }
        let context = format!("unable to update secret {}", self.name);
        if existing.immutable == Some(true) {
            // Of an immutable Secret, only the metadata may change, and it is written even where the rest may not be.
            let mut only_metadata = existing.clone();
            only_metadata.metadata = updated.metadata.clone();
            if existing.metadata != updated.metadata {
                self.replace(&only_metadata, &context).await?;
            }
            if only_metadata != updated {
                return Err(Failure::with(
                    Consequence::Immutable,
                    format!("{context}: secret is immutable"),
                ));
            }
        }
        self.replace(&updated, &context).await?;
        self.engine
            .recorder
            .normal(&Subject::of(external), "Updated", "secret updated");
        Ok(())
    }

    async fn replace(&self, secret: &Secret, context: &str) -> Result<(), Failure> {
        self.api()
            .replace(&self.name, &self.post(), secret)
            .await
            .map(drop)
            .map_err(|error| Failure::of_write(&error, context))
    }

    /// Deletes Secrets that this ExternalSecret owns under another name than the target's.
    pub(super) async fn delete_orphans(&self, external: &ExternalSecret) -> Result<(), Failure> {
        let owner = hash::owner(&self.namespace, &external.name_any());
        let list = self
            .api()
            .list_metadata(&ListParams::default().labels(&format!("{OWNER_LABEL}={owner}")))
            .await
            .map_err(|error| Failure::from(&error))?;
        for orphan in list {
            let name = orphan.name_any();
            if name == self.name {
                continue;
            }
            self.delete(&name).await?;
            self.engine.recorder.normal(
                &Subject::of(external),
                "Deleted",
                "secret deleted because it was orphaned",
            );
        }
        Ok(())
    }

    /// Deletes a Secret; one that is gone already is no failure.
    pub(super) async fn delete(&self, name: &str) -> Result<(), Failure> {
        match self.api().delete(name, &DeleteParams::default()).await {
            Err(error) if !kube_error::is_not_found(&error) => Err(Failure::from(&error)),
            _ => Ok(()),
        }
    }

    fn bind(&self, external: &mut ExternalSecret) {
        external.status.get_or_insert_default().binding = Some(Binding {
            name: Some(self.name.clone()),
        });
    }
}

/// Empty maps and lists are absent ones: they read alike and compare alike in Kubernetes.
fn tidy(mut secret: Secret) -> Secret {
    secret.data = secret.data.filter(|map| !map.is_empty());
    let meta = &mut secret.metadata;
    meta.labels = meta.labels.take().filter(|map| !map.is_empty());
    meta.annotations = meta.annotations.take().filter(|map| !map.is_empty());
    meta.owner_references = meta.owner_references.take().filter(|list| !list.is_empty());
    meta.finalizers = meta.finalizers.take().filter(|list| !list.is_empty());
    secret
}
