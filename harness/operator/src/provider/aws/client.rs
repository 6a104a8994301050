//! Reading secrets (ESO 2.9.0, `providers/v1/aws/secretsmanager/secretsmanager.go`).

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Response;
use rotaproof_base::{Clock, Entropy, SecretValue};
use rotaproof_egress::Client;
use rotaproof_kinds::GoDuration;
use rotaproof_kinds::external_secrets::{AwsProvider, Find, MetadataPolicy, RemoteRef};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::{ProviderError, SecretMap, SecretsClient, StoreContext, Validation};
use super::api::{self, Attempt, Endpoint, Post};
use super::failure::{Failure, Retry, Verdict};
use super::session::Session;
use crate::value;

const SERVICE: &str = "Secrets Manager";
/// The error codes that the models of the operations used here name.
const MODELLED: [&str; 6] = [
    "DecryptionFailure",
    "InternalServiceError",
    "InvalidNextTokenException",
    "InvalidParameterException",
    "InvalidRequestException",
    "ResourceNotFoundException",
];

/// A client for one reconcile: each entry is fetched once, whatever is asked of it.
pub(super) struct SecretsManager {
    egress: Client,
    clock: Clock,
    entropy: Entropy,
    endpoint: Endpoint,
    retry: Retry,
    prefix: String,
    /// Absent while a store with references of its users' namespaces is validated.
    session: Option<Session>,
    /// By key, version and kind of data.
    cache: BTreeMap<(String, String, bool), Entry>,
}

/// A secret as read: text, bytes, or neither.
#[derive(Clone)]
struct Entry(Option<SecretValue>);

/// Why an entry could not be had.
pub(super) enum Refusal {
    NoSecret,
    Failed(Failure),
}

impl Refusal {
    /// In the words of a call that does not sanitize.
    pub(super) fn verbatim(self) -> ProviderError {
        match self {
            Self::NoSecret => ProviderError::NoSecret,
            Self::Failed(failure) => ProviderError::other(failure.text()),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SecretEntry {
    #[serde(default)]
    pub(super) name: String,
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

impl SecretEntry {
    /// The value: bytes win over text, as ESO has it for `find`.
    pub(super) fn value(self) -> Option<SecretValue> {
        let binary = self
            .secret_binary
            .and_then(|text| BASE64_STANDARD.decode(text).ok());
        binary
            .map(SecretValue::new)
            .or(self.secret_string.map(SecretValue::new))
    }

    /// As ESO has it for one secret: text wins over bytes.
    fn text_first(mut self) -> Option<SecretValue> {
        match self.secret_string.take() {
            Some(text) => Some(SecretValue::new(text)),
            None => self.value(),
        }
    }
}

impl SecretsManager {
    pub(super) fn new(
        store: &StoreContext,
        spec: &AwsProvider,
        session: Option<Session>,
    ) -> Result<Self, ProviderError> {
        let mut retry = Retry::standard(store.entropy.clone());
        if let Some(settings) = &store.spec.retry_settings {
            let attempts = settings
                .max_retries
                .map_or(3, |max| u32::try_from(max).unwrap_or(0));
            let delay = match &settings.retry_interval {
                None => None,
                Some(text) => Some(text.parse::<GoDuration>().map_err(|error| {
                    ProviderError::other(format!("unable to initialize aws provider: {error}"))
                })?),
            };
            let delay = delay
                .map(GoDuration::to_std)
                .filter(|delay| *delay > Duration::ZERO);
            retry = retry.with(attempts, delay);
        }
        Ok(Self {
            // The SDK makes a transport per client: no connection outlives a reconcile.
            egress: store.egress.fresh(),
            clock: store.clock.clone(),
            entropy: store.entropy.clone(),
            endpoint: Endpoint::new("secretsmanager", &spec.region),
            retry,
            prefix: spec.prefix.clone().unwrap_or_default(),
            session,
            cache: BTreeMap::new(),
        })
    }

    /// One operation with its retries.
    pub(super) async fn call<T: DeserializeOwned>(
        &mut self,
        operation: &str,
        input: &Value,
    ) -> Result<T, Failure> {
        let body = Bytes::from(input.to_string());
        let target = format!("secretsmanager.{operation}");
        let invocation = self.entropy.uuid();
        let mut number = 0;
        loop {
            number += 1;
            let attempt = Attempt {
                invocation,
                number,
                of: self.retry.attempts(),
            };
            let post = Post {
                content_type: "application/x-amz-json-1.1",
                target: Some(&target),
                body: body.clone(),
            };
            let failure = match self
                .attempt(post, attempt)
                .await
                .and_then(|answer| read(&answer))
            {
                Ok(output) => return Ok(output),
                Err(failure) => failure,
            };
            match self.retry.judge(number, &failure) {
                Verdict::Again(wait) => tokio::time::sleep(wait).await,
                Verdict::Fail(exhausted) => return Err(failure.of(SERVICE, operation, exhausted)),
            }
        }
    }

    /// The identity is part of an attempt, so that it is asked for again with each.
    async fn attempt(
        &mut self,
        post: Post<'_>,
        attempt: Attempt,
    ) -> Result<Response<Bytes>, Failure> {
        const IDENTITY: &str = "get identity: get credentials: ";
        let session = self.session.as_mut().ok_or_else(|| {
            Failure::local(format!("{IDENTITY}the store's references are referent"))
        })?;
        let credentials = session
            .retrieve()
            .await
            .map_err(|failure| failure.within(IDENTITY))?;
        let (egress, clock, endpoint) = (&self.egress, &self.clock, &self.endpoint);
        api::post(egress, clock, endpoint, post, Some(&credentials), attempt).await
    }

    /// Reads an entry, at most once per client.
    async fn fetch(&mut self, remote: &RemoteRef) -> Result<Entry, Refusal> {
        let version = remote
            .version
            .as_deref()
            .filter(|version| !version.is_empty());
        let version = version.unwrap_or("AWSCURRENT").to_owned();
        let metadata = remote.metadata_policy == Some(MetadataPolicy::Fetch);
        let key = format!("{}{}", self.prefix, remote.key);
        let cached = (key.clone(), version.clone(), metadata);
        if let Some(entry) = self.cache.get(&cached) {
            return Ok(entry.clone());
        }
        let entry = if metadata {
            self.tags(&key).await.map_err(Refusal::Failed)?
        } else {
            self.secret_value(&key, &version).await?
        };
        self.cache.insert(cached, entry.clone());
        Ok(entry)
    }

    /// GetSecretValue of a stage, or of a version as `uuid/<id>`.
    async fn secret_value(&mut self, key: &str, version: &str) -> Result<Entry, Refusal> {
        let input = match version.strip_prefix("uuid/") {
            Some(id) => json!({"SecretId": key, "VersionId": id}),
            None => json!({"SecretId": key, "VersionStage": version}),
        };
        match self.call::<SecretEntry>("GetSecretValue", &input).await {
            Ok(entry) => Ok(Entry(entry.text_first())),
            Err(failure) => Err(match failure.code.as_str() {
                "ResourceNotFoundException" => Refusal::NoSecret,
                // ESO looks for these words in this exception only; AWS says them in InvalidRequestException, so a
                // secret that is marked for deletion is an error and not a missing secret (issue #4560).
                "InvalidParameterException"
                    if failure.message.contains("was marked for deletion") =>
                {
                    Refusal::NoSecret
                }
                _ => Refusal::Failed(failure),
            }),
        }
    }

    /// DescribeSecret: the tags as a JSON object.
    async fn tags(&mut self, key: &str) -> Result<Entry, Failure> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Description {
            tags: Option<Vec<Tag>>,
        }
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Tag {
            key: String,
            #[serde(default)]
            value: String,
        }
        let description: Description = self
            .call("DescribeSecret", &json!({"SecretId": key}))
            .await?;
        let tags = description.tags.unwrap_or_default();
        let tags: BTreeMap<String, String> = tags.into_iter().map(|t| (t.key, t.value)).collect();
        // encoding/json escapes what HTML would read.
        let text = json!(tags)
            .to_string()
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026");
        Ok(Entry(Some(SecretValue::new(text))))
    }

    /// The current value under a name, for `find`; the name is a key like any other, so the prefix applies.
    pub(super) async fn current(&mut self, name: &str) -> Result<Option<SecretValue>, Refusal> {
        let remote = RemoteRef {
            key: name.to_owned(),
            ..RemoteRef::default()
        };
        Ok(self.fetch(&remote).await?.0)
    }
}

#[async_trait]
impl SecretsClient for SecretsManager {
    async fn get_secret(&mut self, remote: &RemoteRef) -> Result<SecretValue, ProviderError> {
        let entry = self.fetch(remote).await.map_err(|refusal| match refusal {
            Refusal::NoSecret => ProviderError::NoSecret,
            Refusal::Failed(failure) => ProviderError::other(failure.sanitized()),
        })?;
        let property = remote
            .property
            .as_deref()
            .filter(|property| !property.is_empty());
        let Some(property) = property else {
            return entry.0.ok_or_else(|| {
                ProviderError::other(format!(
                    "invalid secret received. no secret string nor binary for key: {}",
                    remote.key
                ))
            });
        };
        let bytes = entry
            .0
            .as_ref()
            .map(SecretValue::expose)
            .unwrap_or_default();
        let found = value::property(bytes, property).map(SecretValue::new);
        found.ok_or_else(|| {
            ProviderError::other(format!(
                "key {property} does not exist in secret {}",
                remote.key
            ))
        })
    }

    async fn get_secret_map(&mut self, remote: &RemoteRef) -> Result<SecretMap, ProviderError> {
        let secret = self.get_secret(remote).await?;
        value::secret_map(secret.expose()).map_err(|error| {
            ProviderError::other(format!(
                "unable to unmarshal secret {}: {error}",
                remote.key
            ))
        })
    }

    async fn get_all_secrets(&mut self, find: &Find) -> Result<SecretMap, ProviderError> {
        self.find(find).await
    }

    async fn validate(&mut self) -> Result<Validation, ProviderError> {
        let Some(session) = &mut self.session else {
            // ESO answers "unknown" without an error here, which its controller takes for ready.
            return Ok(Validation::Ready);
        };
        match session.retrieve().await {
            Ok(_) => Ok(Validation::Ready),
            Err(failure) => Err(ProviderError::other(failure.sanitized())),
        }
    }

    async fn close(&mut self) -> Result<(), ProviderError> {
        Ok(())
    }
}

fn read<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, Failure> {
    let body = answer.body();
    if answer.status().is_success() {
        return serde_json::from_slice(body)
            // serde's own words could repeat a value.
            .map_err(|_| Failure::unreadable(answer, "not the JSON that was expected"));
    }
    #[derive(serde::Deserialize, Default)]
    struct Said {
        #[serde(rename = "__type")]
        kind: Option<String>,
        code: Option<Value>,
        #[serde(alias = "Message")]
        message: Option<String>,
    }
    let said: Said = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Said::default(),
        Some(&first) => match serde_json::from_slice(body) {
            Ok(said) => said,
            Err(_) if first == b'{' => return Err(Failure::unreadable(answer, "unexpected EOF")),
            Err(_) => {
                let why = format!(
                    "invalid character '{}' looking for beginning of value",
                    char::from(first).escape_default()
                );
                return Err(Failure::unreadable(answer, &why));
            }
        },
    };
    let header = answer.headers().get("x-amzn-errortype");
    let header = header
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let code = header.or(said.kind).or(said
        .code
        .as_ref()
        .and_then(Value::as_str)
        .map(str::to_owned));
    // `restjson.SanitizeErrorCode`: without namespace and without what follows a colon.
    let code = code.as_deref().unwrap_or("UnknownError");
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = said.message.unwrap_or_else(|| "UnknownError".to_owned());
    Err(Failure::answered(answer, code, message, &MODELLED))
}
