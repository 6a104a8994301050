//! Reading secrets (`client.go`): an access per entry, without a cache.

use async_trait::async_trait;
use prost::Message;
use regex::Regex;
use rotaproof_base::{Entropy, SecretValue};
use rotaproof_egress::Client;
use rotaproof_kinds::external_secrets::{Find, GcpProvider, MetadataPolicy, RemoteRef};
use serde_json::json;
use tokio::sync::OwnedMutexGuard;

use super::super::{ProviderError, SecretMap, SecretsClient, StoreContext, Validation};
use super::grpc::{self, FAILED_PRECONDITION, Method, NOT_FOUND};
use super::retry::{self, CallError, Policy};
use super::text;
use super::wire::{Accessed, List, Named, Secret, Secrets, Version, Versions};
use crate::release::Release;
use crate::value::{property, secret_map};

const LATEST: &str = "latest";
/// Go's words for reading the creation time of a version that a failed call did not bring.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";
const SERVICE: &str = "google.cloud.secretmanager.v1.SecretManagerService";

/// A connection of its own with a token.
pub(super) struct Connection {
    client: Client,
    host: String,
    token: SecretValue,
    entropy: Entropy,
}

impl Connection {
    pub(super) fn new(store: &StoreContext, spec: &GcpProvider, token: SecretValue) -> Self {
        let host = match text(spec.location.as_ref()) {
            None => "secretmanager.googleapis.com".to_owned(),
            Some(location) => format!("secretmanager.{location}.rep.googleapis.com"),
        };
        Self {
            client: store.egress.only_http2(),
            host,
            token,
            entropy: store.entropy.clone(),
        }
    }

    async fn call<T: Message + Default>(
        &self,
        name: &str,
        policy: Policy,
        message: &impl Message,
    ) -> Result<T, CallError> {
        let method = Method {
            host: &self.host,
            service: SERVICE,
            name,
        };
        retry::invoke(policy, &self.entropy, || {
            grpc::call(&self.client, method, &self.token, message)
        })
        .await
    }

    async fn access(&self, name: String) -> Result<Accessed, CallError> {
        let message = Named { name };
        self.call("AccessSecretVersion", retry::ACCESS, &message)
            .await
    }
}

/// A client of one store.
pub(super) struct SecretManager {
    project: String,
    location: Option<String>,
    /// `LatestOrFetch`.
    fetches: bool,
    release: Release,
    /// None while a referent ClusterSecretStore is validated.
    connection: Option<Connection>,
    /// The turn of this client; given back when it is closed.
    turn: Option<OwnedMutexGuard<()>>,
}

impl SecretManager {
    pub(super) fn new(
        spec: &GcpProvider,
        release: Release,
        project: &str,
        connection: Option<Connection>,
        turn: OwnedMutexGuard<()>,
    ) -> Self {
        Self {
            project: project.to_owned(),
            location: text(spec.location.as_ref()).map(str::to_owned),
            fetches: spec.secret_version_selection_policy.as_deref() == Some("LatestOrFetch"),
            release,
            connection,
            turn: Some(turn),
        }
    }

    fn connection(&self) -> Result<&Connection, ProviderError> {
        self.connection
            .as_ref()
            .filter(|_| !self.project.is_empty())
            .ok_or_else(|| ProviderError::other("provider GCP is not initialized"))
    }

    /// `projects/*[/locations/*]`
    fn parent(&self) -> String {
        match &self.location {
            None => format!("projects/{}", self.project),
            Some(location) => format!("projects/{}/locations/{location}", self.project),
        }
    }

    fn secret_name(&self, key: &str) -> String {
        format!("{}/secrets/{key}", self.parent())
    }

    async fn payload(&self, remote: &RemoteRef) -> Result<Vec<u8>, ProviderError> {
        let connection = self.connection()?;
        let pinned = text(remote.version.as_ref());
        let secret = self.secret_name(&remote.key);
        let name = format!("{secret}/versions/{}", pinned.unwrap_or(LATEST));
        let mut result = connection.access(name).await;
        if self.fetches && pinned.is_none() && result.as_ref().is_err_and(is_destroyed_or_disabled)
        {
            let newest = newest_enabled(connection, &secret).await;
            let name = if !self.release.misnames_the_latest_version() {
                newest.map(|name| name.unwrap_or_else(|| format!("{secret}/versions/{LATEST}")))
            } else if newest.is_err() {
                return Err(ProviderError::Panic(NIL));
            } else {
                newest.map(|name| format!("{secret}/versions/{}", name.unwrap_or_default()))
            };
            result = match name {
                Ok(name) => connection.access(name).await,
                Err(error) => Err(error),
            };
        }
        let accessed = result.map_err(unable)?;
        Ok(accessed.payload.unwrap_or_default().data)
    }

    async fn metadata(&self, remote: &RemoteRef) -> Result<SecretValue, ProviderError> {
        let message = Named {
            name: self.secret_name(&remote.key),
        };
        let secret: Secret = self
            .connection()?
            .call("GetSecret", retry::NEVER, &message)
            .await
            .map_err(unable)?;
        let (annotations, labels) = (&secret.annotations, &secret.labels);
        let wanted = remote.property.as_deref().unwrap_or_default();
        let value = match wanted.split_once('.') {
            Some((kind @ ("annotations" | "labels"), key)) if !key.is_empty() => {
                let (what, map) = match kind {
                    "labels" => ("label", labels),
                    _ => ("annotation", annotations),
                };
                map.get(key).cloned().ok_or_else(|| {
                    ProviderError::other(format!(
                        "{what} with key {key} does not exist in secret {}",
                        remote.key
                    ))
                })?
            }
            _ => match wanted {
                "" => json!({"annotations": annotations, "labels": labels}).to_string(),
                "annotations" => json!(annotations).to_string(),
                "labels" => json!(labels).to_string(),
                other => {
                    return Err(ProviderError::other(format!(
                        "invalid property {other}: metadata property should start with either annotations or labels"
                    )));
                }
            },
        };
        Ok(SecretValue::new(value))
    }

    /// The secrets that the filter leaves, by what `matches` says of their keys.
    async fn find(
        &self,
        parent: String,
        filter: String,
        matches: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<SecretMap, ProviderError> {
        let connection = self.connection()?;
        let mut found = SecretMap::new();
        let mut request = List {
            parent,
            filter,
            ..List::default()
        };
        loop {
            let page: Secrets = connection
                .call("ListSecrets", retry::NEVER, &request)
                .await
                .map_err(|error| {
                    ProviderError::other(format!("failed to list secrets: {error}"))
                })?;
            for secret in page.secrets {
                let key = self.trimmed(&secret.name);
                if !matches(key) {
                    continue;
                }
                let remote = RemoteRef {
                    key: key.to_owned(),
                    ..RemoteRef::default()
                };
                let data = self.payload(&remote).await?;
                found.insert(key.to_owned(), SecretValue::new(data));
            }
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// A secret's id out of its name, which has the project's number for its id.
    fn trimmed<'a>(&self, name: &'a str) -> &'a str {
        let rest = name.strip_prefix("projects/").and_then(|rest| {
            let (_, rest) = rest.split_once('/')?;
            match &self.location {
                None => rest.strip_prefix("secrets/"),
                Some(location) => rest
                    .strip_prefix("locations/")?
                    .strip_prefix(location.as_str())?
                    .strip_prefix("/secrets/"),
            }
        });
        rest.unwrap_or(name)
    }
}

/// The whole name of the newest version that can be read, by its time of creation.
async fn newest_enabled(
    connection: &Connection,
    secret: &str,
) -> Result<Option<String>, CallError> {
    let mut newest: Option<((i64, i32), String)> = None;
    let mut request = List {
        parent: secret.to_owned(),
        filter: "state:ENABLED".to_owned(),
        ..List::default()
    };
    loop {
        let page: Versions = connection
            .call("ListSecretVersions", retry::NEVER, &request)
            .await?;
        for Version { name, create_time } in page.versions {
            let created = create_time.unwrap_or_default();
            let created = (created.seconds, created.nanos);
            if newest.as_ref().is_none_or(|(known, _)| created > *known) {
                newest = Some((created, name));
            }
        }
        if page.next_page_token.is_empty() {
            return Ok(newest.map(|(_, name)| name));
        }
        request.page_token = page.next_page_token;
    }
}

fn is_destroyed_or_disabled(error: &CallError) -> bool {
    error.status().is_some_and(|status| {
        status.code == FAILED_PRECONDITION
            && ["DESTROYED state", "DISABLED state"]
                .iter()
                .any(|words| status.message.contains(words))
    })
}

fn unable(error: CallError) -> ProviderError {
    if error
        .status()
        .is_some_and(|status| status.code == NOT_FOUND)
    {
        return ProviderError::NoSecret;
    }
    ProviderError::other(format!(
        "unable to access Secret from SecretManager Client: {error}"
    ))
}

#[async_trait]
impl SecretsClient for SecretManager {
    async fn get_secret(&mut self, remote: &RemoteRef) -> Result<SecretValue, ProviderError> {
        if remote.metadata_policy == Some(MetadataPolicy::Fetch) {
            return self.metadata(remote).await;
        }
        let data = self.payload(remote).await?;
        let Some(wanted) = text(remote.property.as_ref()) else {
            if data.is_empty() {
                return Err(ProviderError::other(format!(
                    "invalid secret received. no secret string for key: {}",
                    remote.key
                )));
            }
            return Ok(SecretValue::new(data));
        };
        if serde_json::from_slice::<serde::de::IgnoredAny>(&data).is_err() {
            // ESO hands its format over without filling it in.
            return Err(ProviderError::other(
                "unable to unmarshal secret from JSON: %w",
            ));
        }
        property(&data, wanted)
            .map(SecretValue::new)
            .ok_or_else(|| {
                ProviderError::other(format!(
                    "key {wanted} does not exist in secret {}",
                    remote.key
                ))
            })
    }

    async fn get_secret_map(&mut self, remote: &RemoteRef) -> Result<SecretMap, ProviderError> {
        self.connection()?;
        let data = self.get_secret(remote).await?;
        secret_map(data.expose()).map_err(|error| {
            ProviderError::other(format!("unable to unmarshal secret from JSON: {error}"))
        })
    }

    async fn get_all_secrets(&mut self, find: &Find) -> Result<SecretMap, ProviderError> {
        let path = find.path.as_deref();
        let below = |key: &str| path.is_none_or(|path| key.starts_with(path));
        if let Some(name) = &find.name {
            let pattern = name.regexp.as_deref().unwrap_or_default();
            let pattern = Regex::new(pattern).map_err(|error| {
                ProviderError::other(format!(
                    "could not compile find.name.regexp [{pattern}]: {error}"
                ))
            })?;
            let filter = path.map(|path| format!("name:{path}")).unwrap_or_default();
            let matches = |key: &str| pattern.is_match(key) && below(key);
            return self.find(self.parent(), filter, &matches).await;
        }
        let tags = find.tags.iter().flatten();
        let mut terms: Vec<String> = tags.map(|(k, v)| format!("labels.{k}={v}")).collect();
        if terms.is_empty() {
            return Err(ProviderError::other("unexpected find operator"));
        }
        terms.extend(path.map(|path| format!("name:{path}")));
        // ESO leaves the location out here.
        let parent = format!("projects/{}", self.project);
        self.find(parent, terms.join(" "), &below).await
    }

    async fn validate(&mut self) -> Result<Validation, ProviderError> {
        // Nothing is asked upstream. A referent cluster store is "unknown" without an error, which ESO takes for ready.
        Ok(Validation::Ready)
    }

    async fn close(&mut self) -> Result<(), ProviderError> {
        self.connection = None;
        self.turn = None;
        Ok(())
    }
}
