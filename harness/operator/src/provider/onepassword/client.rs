//! Reading items (`onepassword.go`).

use std::collections::BTreeMap;

use async_trait::async_trait;
use regex::Regex;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{Find, RemoteRef};

use super::super::{ProviderError, SecretMap, SecretsClient, Validation};
use super::api::Api;
use super::wire::{Field, Item, is_uuid};

/// The field that is read where a key has no property.
const PASSWORD: &str = "password";

/// A client of one store.
pub(super) struct ConnectClient {
    api: Api,
    vaults: BTreeMap<String, i64>,
}

/// What a property asks for.
enum Wanted<'a> {
    Field(&'a str),
    File(&'a str),
}

impl<'a> Wanted<'a> {
    /// `getObjType`: a file of a document, a field of any other item, unless the property says which.
    fn of(item: &Item, remote: &'a RemoteRef) -> Self {
        let property = remote.property.as_deref().unwrap_or_default();
        if let Some(label) = property.strip_prefix("field/") {
            return Self::Field(label);
        }
        match property.strip_prefix("file/") {
            Some(name) => Self::File(name),
            None if item.category == "DOCUMENT" => Self::File(property),
            None => Self::Field(property),
        }
    }
}

fn finding_vault(error: String) -> ProviderError {
    ProviderError::Other(format!("error finding 1Password Vault: {error}"))
}

fn finding_item(error: String) -> ProviderError {
    ProviderError::Other(format!("error finding 1Password Item: {error}"))
}

/// The field of this label, of which there must be one.
fn only<'a>(item: &'a Item, label: &str) -> Result<&'a Field, ProviderError> {
    let mut found = item.fields.iter().filter(|field| field.label == label);
    match (found.next(), found.count()) {
        (Some(field), 0) => Ok(field),
        (first, more) => Err(ProviderError::Other(format!(
            "expected one 1Password ItemField matching: '{label}' in '{}', got {}",
            item.title,
            usize::from(first.is_some()) + more
        ))),
    }
}

fn versionless(remote: &RemoteRef) -> Result<(), ProviderError> {
    match remote.version.as_deref().unwrap_or_default() {
        "" => Ok(()),
        _ => Err(ProviderError::other(
            "'remoteRef.version' is not implemented in the 1Password provider",
        )),
    }
}

impl ConnectClient {
    pub(super) fn new(api: Api, vaults: &BTreeMap<String, i64>) -> Self {
        Self {
            api,
            vaults: vaults.clone(),
        }
    }

    /// `sortVaults`: the lowest number first. Of equal numbers ESO takes any first; here it is the name.
    fn sorted(&self) -> Vec<&str> {
        let mut vaults: Vec<(i64, &str)> = self
            .vaults
            .iter()
            .map(|(name, order)| (*order, name.as_str()))
            .collect();
        vaults.sort_unstable();
        vaults.into_iter().map(|(_, name)| name).collect()
    }

    /// `findItem`: the first vault that has the item.
    async fn find(&self, key: &str) -> Result<Item, ProviderError> {
        for name in self.sorted() {
            let vault = self.api.vault(name).await.map_err(finding_vault)?;
            if is_uuid(key) {
                let item = self.api.item(key, &vault.id).await;
                return item.map_err(ProviderError::Other);
            }
            let items = self.api.items_by_title(key, &vault.id).await;
            match items.map_err(finding_item)?.as_slice() {
                [] => {}
                [item] => {
                    let item = self.api.item_by_id(&item.id, item.vault_id()).await;
                    return item.map_err(ProviderError::Other);
                }
                several => {
                    return Err(ProviderError::Other(format!(
                        "expected one 1Password Item matching: '{key}', got {}",
                        several.len()
                    )));
                }
            }
        }
        // Go prints a map with its keys in order.
        let vaults: Vec<String> = self
            .vaults
            .iter()
            .map(|(name, order)| format!("{name}:{order}"))
            .collect();
        Err(ProviderError::Other(format!(
            "key not found in 1Password Vaults: {key} in: map[{}]",
            vaults.join(" ")
        )))
    }

    /// `getFile`: the first file where no name is given.
    async fn file(&self, item: &Item, name: &str) -> Result<SecretValue, ProviderError> {
        let file = item
            .files
            .iter()
            .find(|f| name.is_empty() || f.name == name);
        let file = file.ok_or_else(|| {
            ProviderError::Other(format!(
                "error finding 1Password Document: '{}', '{name}'",
                item.title
            ))
        })?;
        self.api.content(file).await.map_err(ProviderError::Other)
    }

    /// `getAllFiles` and `getAllFields`. The collection tells of no files, so none are found, as in ESO.
    async fn collect(
        &self,
        summary: &Item,
        name: Option<&str>,
        data: &mut SecretMap,
    ) -> Result<(), ProviderError> {
        let matcher = |pattern: &str| {
            Regex::new(pattern).map_err(|error| {
                ProviderError::Other(format!(
                    "could not compile find.name.regexp [{pattern}]: {error}"
                ))
            })
        };
        for file in &summary.files {
            let unwanted = match name {
                Some(pattern) => !matcher(pattern)?.is_match(&file.name),
                None => false,
            };
            if unwanted || data.contains_key(&file.name) {
                continue;
            }
            let content = self.api.content(file).await.map_err(ProviderError::Other)?;
            data.insert(file.name.clone(), content);
        }
        let item = self
            .api
            .item_by_id(&summary.id, summary.vault_id())
            .await
            .map_err(finding_item)?;
        for field in &item.fields {
            only(&item, &field.label)?;
            let wanted = match name {
                Some(pattern) => matcher(pattern)?.is_match(&field.label),
                None => true,
            };
            if wanted && !data.contains_key(&field.label) {
                data.insert(field.label.clone(), value(field));
            }
        }
        Ok(())
    }
}

fn value(field: &Field) -> SecretValue {
    SecretValue::new(field.value.as_bytes())
}

#[async_trait]
impl SecretsClient for ConnectClient {
    async fn get_secret(&mut self, remote: &RemoteRef) -> Result<SecretValue, ProviderError> {
        versionless(remote)?;
        let item = self.find(&remote.key).await?;
        match Wanted::of(&item, remote) {
            Wanted::File(name) => self.file(&item, name).await,
            Wanted::Field("") => only(&item, PASSWORD).map(value),
            Wanted::Field(label) => only(&item, label).map(value),
        }
    }

    async fn get_secret_map(&mut self, remote: &RemoteRef) -> Result<SecretMap, ProviderError> {
        versionless(remote)?;
        let item = self.find(&remote.key).await?;
        let mut data = SecretMap::new();
        match Wanted::of(&item, remote) {
            Wanted::File(name) => {
                let wanted = |file: &str| name.is_empty() || file == name;
                for file in item.files.iter().filter(|file| wanted(&file.name)) {
                    let content = self.api.content(file).await.map_err(ProviderError::Other)?;
                    data.insert(file.name.clone(), content);
                }
            }
            Wanted::Field(label) => {
                let wanted = |field: &str| label.is_empty() || field == label;
                for field in item.fields.iter().filter(|field| wanted(&field.label)) {
                    data.insert(field.label.clone(), value(only(&item, &field.label)?));
                }
            }
        }
        Ok(data)
    }

    async fn get_all_secrets(&mut self, find: &Find) -> Result<SecretMap, ProviderError> {
        let name = find.name.as_ref();
        let name = name.map(|name| name.regexp.as_deref().unwrap_or_default());
        let mut data = SecretMap::new();
        for vault in self.sorted() {
            let vault = self.api.vault(vault).await.map_err(finding_vault)?;
            let items = self.api.items(&vault.id).await.map_err(finding_item)?;
            for item in &items {
                let wanted = match (&find.tags, &find.path) {
                    // Only the names of tags count, and 1Password's tags have no values.
                    (Some(tags), _) => tags.keys().all(|tag| item.tags.contains(tag)),
                    (None, Some(path)) => *path == item.title,
                    (None, None) => true,
                };
                if wanted {
                    self.collect(item, name, &mut data).await?;
                }
            }
            // By tags only the first vault is searched, as in ESO.
            if find.tags.is_some() {
                break;
            }
        }
        Ok(data)
    }

    async fn validate(&mut self) -> Result<Validation, ProviderError> {
        // ESO asks in the random order of a Go map.
        for vault in self.vaults.keys() {
            self.api.vault(vault).await.map_err(ProviderError::Other)?;
        }
        Ok(Validation::Ready)
    }

    async fn close(&mut self) -> Result<(), ProviderError> {
        Ok(())
    }
}
