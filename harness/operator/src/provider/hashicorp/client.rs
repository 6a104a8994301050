//! Reading secrets with a client that is logged in (`client_get.go`, `client_get_all_secrets.go`, `validate.go`).

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use regex::Regex;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{
    Find, MetadataPolicy, RemoteRef, VaultKvVersion, VaultProvider,
};
use serde_json::{Map, Value};

use super::super::{ProviderError, SecretMap, SecretsClient, Validation};
use super::api::Api;
use super::{is_referent, keys, reading};

/// A token with less than this left counts as spent, in seconds.
const ABOUT_TO_EXPIRE: i64 = 60;

/// A client of one store.
pub(super) struct VaultClient {
    spec: Arc<VaultProvider>,
    api: Api,
    cluster_scoped: bool,
}

fn read_error(text: String) -> ProviderError {
    ProviderError::Other(format!("cannot read secret data from Vault: {text}"))
}

impl VaultClient {
    pub(super) fn new(spec: Arc<VaultProvider>, api: Api, cluster_scoped: bool) -> Self {
        Self {
            spec,
            api,
            cluster_scoped,
        }
    }

    fn version(&self) -> VaultKvVersion {
        self.spec.version.unwrap_or_default()
    }

    /// The data of one secret.
    async fn data(
        &mut self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Map<String, Value>, ProviderError> {
        let path = keys::data_path(self.spec.path.as_deref(), self.version(), key);
        let version = version.filter(|v| !v.is_empty());
        let query: Vec<_> = version.map(|v| ("version", v)).into_iter().collect();
        let secret = self.api.read(&path, &query).await.map_err(read_error)?;
        let secret = secret.ok_or(ProviderError::NoSecret)?;
        if self.version() == VaultKvVersion::V1 {
            return secret.data.ok_or(ProviderError::NoSecret);
        }
        match secret.data.unwrap_or_default().remove("data") {
            None => Err(ProviderError::other("failed to find data field")),
            Some(Value::Null) => Err(ProviderError::NoSecret),
            Some(Value::Object(data)) => Ok(data),
            Some(_) => Err(ProviderError::other("failed to unmarshall JSON")),
        }
    }

    /// The metadata of one secret: three of Vault's own fields and the custom ones, as texts.
    async fn metadata(&mut self, key: &str) -> Result<Map<String, Value>, ProviderError> {
        let path = keys::metadata_path(self.spec.path.as_deref(), self.version(), key)
            .map_err(ProviderError::other)?;
        let secret = self.api.read(&path, &[]).await.map_err(read_error)?;
        let secret = secret.ok_or_else(|| ProviderError::other("secret not found"))?;
        let data = secret.data.unwrap_or_default();
        let mut metadata = Map::new();
        if self.version() == VaultKvVersion::V2 {
            for name in ["created_time", "current_version", "delete_version_after"] {
                if let Some(value) = data.get(name).filter(|v| !v.is_null()) {
                    metadata.insert(name.to_owned(), Value::String(printed(value)));
                }
            }
        }
        if let Some(Value::Object(custom)) = data.get("custom_metadata") {
            for (name, value) in custom {
                metadata.insert(name.clone(), Value::String(printed(value)));
            }
        }
        Ok(metadata)
    }

    /// The names below a folder (`""` or ending in `/`), sub-folders included, in Vault's order.
    async fn names(&mut self, folder: &str) -> Result<Vec<String>, ProviderError> {
        let mut names = Vec::new();
        // Entries yet to visit, the next one last.
        let mut pending = vec![folder.to_owned()];
        let mut first = true;
        while let Some(entry) = pending.pop() {
            if !first && !entry.ends_with('/') {
                names.push(entry);
                continue;
            }
            first = false;
            let path = keys::metadata_path(self.spec.path.as_deref(), self.version(), &entry)
                .map_err(ProviderError::other)?;
            let secret = self.api.list(&path).await.map_err(read_error)?;
            let secret = secret.ok_or(ProviderError::NoSecret)?;
            if let Some(Value::Array(keys)) = secret.data.unwrap_or_default().remove("keys") {
                let keys = keys.iter().rev().filter_map(Value::as_str);
                pending.extend(keys.map(|key| format!("{entry}{key}")));
            }
        }
        Ok(names)
    }

    /// Whether the token may be used on, and nothing where it is a batch token or about to expire (`checkToken`).
    async fn token_is_valid(&mut self) -> Result<bool, String> {
        let secret = self.api.lookup_self().await?;
        let secret = secret.ok_or("no response nor error for token lookup")?;
        let data = secret.data.unwrap_or_default();
        let kind = data.get("type").and_then(Value::as_str);
        match kind {
            None => return Err("could not assert token type".to_owned()),
            Some("batch") => return Ok(false),
            Some(_) => {}
        }
        let ttl = data.get("ttl").ok_or("no TTL found in response")?;
        let ttl = ttl
            .as_i64()
            .ok_or_else(|| format!("invalid token TTL: {ttl}"))?;
        match data.get("expire_time") {
            None => Err("no expiration time found in response".to_owned()),
            Some(Value::Null) => Ok(true),
            Some(_) if ttl < ABOUT_TO_EXPIRE => Ok(false),
            Some(Value::String(at)) => match at.parse::<Timestamp>() {
                Ok(_) => Ok(true),
                Err(e) => Err(format!("invalid token expiration time: {at}: {e}")),
            },
            Some(_) => Err("expire time is not a string".to_owned()),
        }
    }
}

/// Go's `%v` of a JSON value.
fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

#[async_trait]
impl SecretsClient for VaultClient {
    async fn get_secret(&mut self, remote: &RemoteRef) -> Result<SecretValue, ProviderError> {
        let data = if remote.metadata_policy == Some(MetadataPolicy::Fetch) {
            if self.version() == VaultKvVersion::V1 {
                return Err(ProviderError::other(
                    "cannot perform metadata fetch operations with kv version v1",
                ));
            }
            let metadata = self.metadata(&remote.key).await?;
            if metadata.is_empty() {
                return Ok(SecretValue::new(Vec::new()));
            }
            metadata
        } else {
            self.data(&remote.key, remote.version.as_deref()).await?
        };
        reading::value(data, remote.property.as_deref())
    }

    async fn get_secret_map(&mut self, remote: &RemoteRef) -> Result<SecretMap, ProviderError> {
        let value = self.get_secret(remote).await?;
        reading::members(&value)
    }

    async fn get_all_secrets(&mut self, find: &Find) -> Result<SecretMap, ProviderError> {
        if self.version() == VaultKvVersion::V1 && find.tags.is_some() {
            return Err(ProviderError::other(
                "cannot perform find by tag operations with kv version v1",
            ));
        }
        let folder = find.path.as_ref().map(|path| format!("{path}/"));
        let names = self.names(&folder.unwrap_or_default()).await?;
        let pattern = match &find.name {
            None => None,
            Some(name) => {
                let regexp = name.regexp.as_deref().unwrap_or_default();
                Some(Regex::new(regexp).map_err(|error| {
                    ProviderError::Other(format!(
                        "could not compile find.name.regexp [{regexp}]: {error}"
                    ))
                })?)
            }
        };
        let mut secrets = SecretMap::new();
        for name in names {
            let matches = match &pattern {
                Some(pattern) => pattern.is_match(&name),
                None => {
                    let metadata = self.metadata(&name).await?;
                    let tags = find.tags.iter().flatten();
                    tags.into_iter()
                        .all(|(tag, want)| metadata.get(tag).and_then(Value::as_str) == Some(want))
                }
            };
            if !matches {
                continue;
            }
            let remote = RemoteRef {
                key: name.clone(),
                ..RemoteRef::default()
            };
            match self.get_secret(&remote).await {
                Ok(value) => {
                    secrets.insert(name, value);
                }
                Err(ProviderError::NoSecret) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(secrets)
    }

    async fn validate(&mut self) -> Result<Validation, ProviderError> {
        if self.cluster_scoped && is_referent(&self.spec) {
            return Ok(Validation::Ready);
        }
        match self.token_is_valid().await {
            Ok(_) => Ok(Validation::Ready),
            Err(error) => Err(ProviderError::Other(format!(
                "invalid vault credentials: {error}"
            ))),
        }
    }

    async fn close(&mut self) -> Result<(), ProviderError> {
        let Some(auth) = &self.spec.auth else {
            return Ok(());
        };
        let held = self
            .api
            .token
            .as_ref()
            .is_some_and(|t| !t.expose().is_empty());
        if !held || auth.token_secret_ref.is_some() {
            return Ok(());
        }
        let failed =
            |error: String| ProviderError::Other(format!("error while revoking token: {error}"));
        if self.token_is_valid().await.map_err(failed)? {
            self.api
                .write("auth/token/revoke-self", None)
                .await
                .map_err(failed)?;
            self.api.token = None;
        }
        Ok(())
    }
}
