//! A provider that does as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{Find, RemoteRef};
use rotaproof_operator::provider::{
    Provider, ProviderError, SecretMap, SecretsClient, StoreContext, Validation,
};
use tokio::time::Instant;

/// What the vault of the tests holds, and what was asked of it.
#[derive(Default)]
pub(crate) struct Vault {
    pub(crate) entries: BTreeMap<String, BTreeMap<String, String>>,
    /// Every read: its key, and when.
    pub(crate) reads: Vec<(String, Instant)>,
    pub(crate) validations: usize,
    /// When each validation began.
    pub(crate) validated: Vec<Instant>,
    /// How long a validation takes.
    pub(crate) validation_takes: Duration,
    pub(crate) closed: usize,
    /// Reads of this key never end.
    pub(crate) hung: Option<String>,
    /// Reads of this key end after this time, with an error.
    pub(crate) slow: Option<(String, Duration)>,
    /// Every read fails with this.
    pub(crate) failure: Option<String>,
    /// Every read panics.
    pub(crate) panics: bool,
    /// Every validation fails with this.
    pub(crate) invalid: Option<String>,
    /// Every validation is unknown for this reason.
    pub(crate) unknown: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Vault>>);

impl Fake {
    pub(crate) fn edit<T>(&self, edit: impl FnOnce(&mut Vault) -> T) -> T {
        edit(&mut self.0.lock().unwrap())
    }

    pub(crate) fn put(&self, key: &str, fields: &[(&str, &str)]) {
        let fields = fields
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        self.edit(|vault| vault.entries.insert(key.to_owned(), fields));
    }

    pub(crate) fn reads_of(&self, key: &str) -> usize {
        self.edit(|vault| vault.reads.iter().filter(|(read, _)| read == key).count())
    }

    async fn read(&self, key: &str) -> Result<BTreeMap<String, String>, ProviderError> {
        let hung = self.edit(|vault| {
            vault.reads.push((key.to_owned(), Instant::now()));
            vault.hung.as_deref() == Some(key)
        });
        if hung {
            std::future::pending::<()>().await;
        }
        let slow = self.edit(|vault| vault.slow.clone());
        if let Some((_, delay)) = slow.filter(|(slow, _)| slow == key) {
            tokio::time::sleep(delay).await;
            return Err(ProviderError::other("context deadline exceeded"));
        }
        if self.edit(|vault| vault.panics) {
            return Err(ProviderError::Panic("nil pointer dereference"));
        }
        self.edit(|vault| match (&vault.failure, vault.entries.get(key)) {
            (Some(failure), _) => Err(ProviderError::other(failure.clone())),
            (None, Some(fields)) => Ok(fields.clone()),
            (None, None) => Err(ProviderError::NoSecret),
        })
    }
}

#[async_trait]
impl Provider for Fake {
    async fn new_client(
        &self,
        _store: &StoreContext,
    ) -> Result<Box<dyn SecretsClient>, ProviderError> {
        Ok(Box::new(self.clone()))
    }

    fn capabilities(&self) -> &'static str {
        "ReadOnly"
    }
}

#[async_trait]
impl SecretsClient for Fake {
    async fn get_secret(&mut self, remote: &RemoteRef) -> Result<SecretValue, ProviderError> {
        let fields = self.read(&remote.key).await?;
        let property = remote.property.as_deref().unwrap_or("value");
        fields
            .get(property)
            .map(|value| SecretValue::new(value.clone()))
            .ok_or_else(|| ProviderError::other(format!("no property {property}")))
    }

    async fn get_secret_map(&mut self, remote: &RemoteRef) -> Result<SecretMap, ProviderError> {
        let fields = self.read(&remote.key).await?;
        Ok(fields
            .into_iter()
            .map(|(key, value)| (key, SecretValue::new(value)))
            .collect())
    }

    async fn get_all_secrets(&mut self, _find: &Find) -> Result<SecretMap, ProviderError> {
        let keys: Vec<String> = self.edit(|vault| vault.entries.keys().cloned().collect());
        let mut all = SecretMap::new();
        for key in keys {
            let value = self
                .get_secret(&RemoteRef {
                    key: key.clone(),
                    ..RemoteRef::default()
                })
                .await?;
            all.insert(key, value);
        }
        Ok(all)
    }

    async fn validate(&mut self) -> Result<Validation, ProviderError> {
        let takes = self.edit(|vault| {
            vault.validated.push(Instant::now());
            vault.validation_takes
        });
        tokio::time::sleep(takes).await;
        self.edit(|vault| {
            vault.validations += 1;
            match (&vault.invalid, &vault.unknown) {
                (Some(invalid), _) => Err(ProviderError::other(invalid.clone())),
                (None, Some(unknown)) => Ok(Validation::Unknown(unknown.clone())),
                (None, None) => Ok(Validation::Ready),
            }
        })
    }

    async fn close(&mut self) -> Result<(), ProviderError> {
        self.edit(|vault| vault.closed += 1);
        Ok(())
    }
}
