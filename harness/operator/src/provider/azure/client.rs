//! Reading secrets, through either SDK (`keyvault.go`).

use async_trait::async_trait;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{Find, MetadataPolicy, RemoteRef};

use super::super::{ProviderError, SecretMap, SecretsClient, Validation};
use super::autorest::Autorest;
use super::sdk::Sdk;
use super::{find, metadata, wire};
use crate::{Release, value};

/// Which SDK it is.
pub(super) enum Api {
    Legacy(Box<Autorest>),
    New(Box<Sdk>),
}

impl Api {
    pub(super) async fn get(
        &mut self,
        name: &str,
        version: &str,
    ) -> Result<wire::Bundle, ProviderError> {
        match self {
            Self::Legacy(client) => client.get_secret(name, version).await,
            Self::New(client) => client.get_secret(name, version).await,
        }
    }

    pub(super) async fn page(&mut self, link: Option<String>) -> Result<wire::Page, ProviderError> {
        match self {
            Self::Legacy(client) => client.get_secrets(link).await,
            Self::New(client) => client.list(link).await,
        }
    }
}

/// A client of one store.
pub(super) struct AzureClient {
    /// Absent while a store with references of its users' namespaces is validated.
    api: Option<Api>,
    /// Whether a secret's times are among its metadata: with some releases, and through go-autorest alone.
    times: bool,
}

/// The kind of an object and its name: `remoteRef.key` may name both (`getObjType`).
fn object(key: &str) -> (&str, &str) {
    let mut parts = key.split('/');
    match (parts.next(), parts.next()) {
        (Some(kind), Some(name)) => (kind, name),
        _ => ("secret", key),
    }
}

impl AzureClient {
    pub(super) fn new(api: Option<Api>, release: Release) -> Self {
        let legacy = matches!(api, Some(Api::Legacy(_)));
        let times = legacy && release.counts_times_as_metadata();
        Self { api, times }
    }

    fn api(&mut self) -> Result<&mut Api, ProviderError> {
        let missing = || ProviderError::other("the store's references are referent");
        self.api.as_mut().ok_or_else(missing)
    }
}

fn secret_name(key: &str) -> Result<&str, ProviderError> {
    match object(key) {
        ("secret", name) => Ok(name),
        ("key" | "cert", _) => Err(ProviderError::Other(format!(
            "keys and certificates ({key}) are not supported by the built-in operator"
        ))),
        (_, name) => Err(ProviderError::Other(format!(
            "unknown Azure Keyvault object Type for {name}"
        ))),
    }
}

#[async_trait]
impl SecretsClient for AzureClient {
    async fn get_secret(&mut self, remote: &RemoteRef) -> Result<SecretValue, ProviderError> {
        let name = secret_name(&remote.key)?;
        let times = self.times;
        let version = remote.version.as_deref().unwrap_or_default();
        let bundle = self.api()?.get(name, version).await?;
        let property = remote.property.as_deref().unwrap_or_default();
        if remote.metadata_policy == Some(MetadataPolicy::Fetch) {
            return metadata::one(&bundle, times, property);
        }
        let text = bundle.value.unwrap_or_default();
        if property.is_empty() {
            return Ok(SecretValue::new(text));
        }
        metadata::property(&text, property, &remote.key)
    }

    async fn get_secret_map(&mut self, remote: &RemoteRef) -> Result<SecretMap, ProviderError> {
        match object(&remote.key).0 {
            "cert" => {
                let text = "cannot get use dataFrom to get certificate secret";
                return Err(ProviderError::other(text));
            }
            "key" => {
                return Err(ProviderError::other(
                    "cannot get use dataFrom to get key secret",
                ));
            }
            _ => {}
        }
        let data = self.get_secret(remote).await?;
        if remote.metadata_policy == Some(MetadataPolicy::Fetch) {
            let name = secret_name(&remote.key)?;
            let version = remote.version.as_deref().unwrap_or_default();
            let bundle = self.api()?.get(name, version).await?;
            return Ok(metadata::all(&bundle, self.times, name, remote));
        }
        value::secret_map(data.expose()).map_err(|error| {
            ProviderError::Other(format!("error unmarshalling json data: {error}"))
        })
    }

    async fn get_all_secrets(&mut self, find: &Find) -> Result<SecretMap, ProviderError> {
        find::all(self.api()?, find).await
    }

    /// Asks upstream nothing.
    async fn validate(&mut self) -> Result<Validation, ProviderError> {
        Ok(Validation::Ready)
    }

    async fn close(&mut self) -> Result<(), ProviderError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("db-host", Ok("db-host"))]
    #[case("secret/db-host", Ok("db-host"))]
    #[case("secret/db-host/more", Ok("db-host"))]
    #[case(
        "prod/notebook/aws",
        Err("unknown Azure Keyvault object Type for notebook")
    )]
    #[case(
        "cert/tls",
        Err("keys and certificates (cert/tls) are not supported by the built-in operator")
    )]
    fn a_key_may_name_the_kind_of_object(#[case] key: &str, #[case] expected: Result<&str, &str>) {
        let read = secret_name(key).map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned));
    }
}
