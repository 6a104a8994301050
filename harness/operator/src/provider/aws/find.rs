//! `dataFrom.find`: by name, by tags, or both.

use regex::Regex;
use rotaproof_kinds::external_secrets::Find;
use serde_json::{Value, json};

use super::super::{ProviderError, SecretMap};
use super::client::{Refusal, SecretEntry, SecretsManager};
use super::failure::Failure;

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    #[serde(default)]
    secret_values: Vec<SecretEntry>,
    next_token: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    secret_list: Vec<Name>,
    next_token: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Name {
    #[serde(default)]
    name: String,
}

impl SecretsManager {
    /// With a path, or by tags alone, BatchGetSecretValue; by name without a path, ListSecrets and a read of each.
    pub(super) async fn find(&mut self, find: &Find) -> Result<SecretMap, ProviderError> {
        let mut filters = Vec::new();
        for (key, value) in find.tags.iter().flatten() {
            filters.push(filter("tag-key", key));
            filters.push(filter("tag-value", value));
        }
        let by_tags = !filters.is_empty();
        let name = match &find.name {
            None if by_tags => None,
            None => return Err(ProviderError::other("unexpected find operator")),
            Some(name) => Some(matcher(name.regexp.as_deref().unwrap_or_default())?),
        };
        if let Some(path) = &find.path {
            filters.push(filter("name", path));
        }
        match name {
            Some(name) if find.path.is_none() => self.find_each(filters, &name).await,
            name => self.find_in_batches(filters, name.as_ref()).await,
        }
    }

    async fn find_in_batches(
        &mut self,
        filters: Vec<Value>,
        name: Option<&Regex>,
    ) -> Result<SecretMap, ProviderError> {
        let mut data = SecretMap::new();
        let mut input = json!({"Filters": filters});
        loop {
            let page: Batch = self
                .call("BatchGetSecretValue", &input)
                .await
                .map_err(verbatim)?;
            for entry in page.secret_values {
                if name.is_none_or(|name| name.is_match(&entry.name)) {
                    let key = entry.name.clone();
                    data.extend(entry.value().map(|value| (key, value)));
                }
            }
            match page.next_token {
                Some(token) => input["NextToken"] = token.into(),
                None => return Ok(data),
            }
        }
    }

    async fn find_each(
        &mut self,
        filters: Vec<Value>,
        name: &Regex,
    ) -> Result<SecretMap, ProviderError> {
        let mut data = SecretMap::new();
        let mut input = json!({"Filters": filters});
        loop {
            let page: Listed = self.call("ListSecrets", &input).await.map_err(verbatim)?;
            for secret in page.secret_list {
                if name.is_match(&secret.name) {
                    let value = self
                        .current(&secret.name)
                        .await
                        .map_err(Refusal::verbatim)?;
                    data.extend(value.map(|value| (secret.name, value)));
                }
            }
            match page.next_token {
                Some(token) => input["NextToken"] = token.into(),
                None => return Ok(data),
            }
        }
    }
}

fn filter(key: &str, value: &str) -> Value {
    json!({"Key": key, "Values": [value]})
}

fn matcher(pattern: &str) -> Result<Regex, ProviderError> {
    Regex::new(pattern).map_err(|error| {
        ProviderError::other(format!(
            "could not compile find.name.regexp [{pattern}]: {error}"
        ))
    })
}

fn verbatim(failure: Failure) -> ProviderError {
    Refusal::Failed(failure).verbatim()
}
