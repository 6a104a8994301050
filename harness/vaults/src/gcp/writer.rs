//! Writes to Secret Manager as its users do: with an access token, through the public REST API.

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rotaproof_base::{Clock, SecretValue};
use rotaproof_egress::Client;
use serde_json::{Map, Value, json};

use super::checksum::crc32c;
use crate::writer::{Ack, Content, Removal, Strategy, WriteError, Writer};

const VAULT: &str = "GCP Secret Manager";

/// Writes to the emulator or to Google alike. A secret is named by its id: `openai-api-key`.
///
/// A secret holds one payload: [`Content::Text`] as it is, [`Content::Fields`] as a JSON object.
pub struct GcpWriter {
    client: Client,
    base: String,
    project: String,
    token: SecretValue,
    clock: Clock,
}

impl GcpWriter {
    /// A writer to the project's secrets at `base_url` (`https://secretmanager.googleapis.com`) with an access token.
    pub fn new(
        client: Client,
        base_url: &str,
        project: &str,
        token: SecretValue,
        clock: Clock,
    ) -> Self {
        Self {
            client,
            base: base_url.trim_end_matches('/').to_owned(),
            project: project.to_owned(),
            token,
            clock,
        }
    }

    /// Sets a secret's labels, which `find` by tags reads. Replaces what was set before.
    pub async fn set_labels(
        &self,
        secret: &str,
        labels: &[(&str, &str)],
    ) -> Result<(), WriteError> {
        let labels: Map<String, Value> = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).into()))
            .collect();
        let path = format!("{}?updateMask=labels", Self::path(secret));
        self.call(
            Method::PATCH,
            "UpdateSecret",
            secret,
            &path,
            json!({"labels": labels}),
        )
        .await
        .map(drop)
    }

    /// Names a version of a secret by an alias. Replaces all aliases that were set before.
    pub async fn set_alias(
        &self,
        secret: &str,
        alias: &str,
        version: &str,
    ) -> Result<(), WriteError> {
        let path = format!("{}?updateMask=versionAliases", Self::path(secret));
        let body = json!({"versionAliases": {alias: version}});
        self.call(Method::PATCH, "UpdateSecret", secret, &path, body)
            .await
            .map(drop)
    }

    fn path(secret: &str) -> String {
        format!("/{}", utf8_percent_encode(secret, NON_ALPHANUMERIC))
    }

    async fn add(&self, secret: &str, content: &Content) -> Result<Ack, WriteError> {
        const OPERATION: &str = "AddSecretVersion";
        let data = payload(content, OPERATION, secret)?;
        let body = json!({"payload": {
            "data": BASE64_STANDARD.encode(data.expose()),
            "dataCrc32c": crc32c(data.expose()).to_string(),
        }});
        let path = format!("{}:addVersion", Self::path(secret));
        let answer = self
            .call(Method::POST, OPERATION, secret, &path, body)
            .await?;
        let name = answer.get("name").and_then(Value::as_str);
        let version = name.and_then(|name| name.rsplit('/').next());
        Ok(self.ack(version.unwrap_or_default()))
    }

    fn ack(&self, version: &str) -> Ack {
        Ack {
            version: version.to_owned(),
            at: self.clock.now(),
        }
    }

    /// `disable`, `enable` or `destroy` of one version.
    async fn change(
        &self,
        operation: &'static str,
        verb: &str,
        secret: &str,
        version: &str,
    ) -> Result<Ack, WriteError> {
        let version = utf8_percent_encode(version, NON_ALPHANUMERIC);
        let path = format!("{}/versions/{version}:{verb}", Self::path(secret));
        self.call(Method::POST, operation, secret, &path, json!({}))
            .await?;
        Ok(self.ack(""))
    }

    /// Sends one call; `path` is what follows `projects/*/secrets`.
    async fn call(
        &self,
        method: Method,
        operation: &'static str,
        secret: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, WriteError> {
        let failed = |message: String| WriteError::Failed {
            operation,
            secret: secret.to_owned(),
            message,
        };
        let mut token = b"Bearer ".to_vec();
        token.extend_from_slice(self.token.expose());
        let mut token = HeaderValue::from_bytes(&token)
            .map_err(|_| failed("the token cannot be a header".to_owned()))?;
        token.set_sensitive(true);
        let project = utf8_percent_encode(&self.project, NON_ALPHANUMERIC);
        let body = match method {
            Method::DELETE | Method::GET => Bytes::new(),
            _ => Bytes::from(body.to_string()),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/v1/projects/{project}/secrets{path}", self.base))
            .header(header::AUTHORIZATION, token)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|e| failed(e.to_string()))?;
        let sent = self.client.send(request).await;
        let answer = sent.map_err(|e| failed(e.to_string()))?;
        let status = answer.status();
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let text = |name: &str| body.pointer(name).and_then(Value::as_str);
        let message = match (text("/error/status"), text("/error/message")) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            _ => status.to_string(),
        };
        Err(if status.is_client_error() {
            WriteError::Refused {
                operation,
                secret: secret.to_owned(),
                message,
            }
        } else {
            failed(message)
        })
    }
}

fn unsupported(operation: &'static str) -> WriteError {
    WriteError::Unsupported {
        vault: VAULT,
        operation,
    }
}

#[async_trait]
impl Writer for GcpWriter {
    async fn create(&self, secret: &str, content: &Content) -> Result<Ack, WriteError> {
        let path = format!(
            "?secretId={}",
            utf8_percent_encode(secret, NON_ALPHANUMERIC)
        );
        let body = json!({"replication": {"automatic": {}}});
        self.call(Method::POST, "CreateSecret", secret, &path, body)
            .await?;
        self.add(secret, content).await
    }

    async fn rotate(
        &self,
        secret: &str,
        content: &Content,
        _previous: Option<&Content>,
        strategy: Strategy,
    ) -> Result<Ack, WriteError> {
        match strategy {
            Strategy::Put => self.add(secret, content).await,
            Strategy::Staged => Err(unsupported("staged rotation")),
            Strategy::CheckAndSet => Err(unsupported("check-and-set")),
            Strategy::Patch => Err(unsupported("patch")),
        }
    }

    /// Adds the old content as a new version: `latest` is the newest version and nothing else, so that disabling or
    /// destroying the bad one would leave every reader of `latest` with an error.
    async fn roll_back(
        &self,
        secret: &str,
        _version: &str,
        content: &Content,
    ) -> Result<Ack, WriteError> {
        self.add(secret, content).await
    }

    async fn remove(&self, secret: &str, removal: Removal) -> Result<Ack, WriteError> {
        match removal {
            Removal::Recoverable => Err(unsupported("way to delete a secret and restore it")),
            Removal::Forced => {
                let path = Self::path(secret);
                self.call(Method::DELETE, "DeleteSecret", secret, &path, Value::Null)
                    .await?;
                Ok(self.ack(""))
            }
        }
    }

    async fn restore(&self, _secret: &str) -> Result<Ack, WriteError> {
        Err(unsupported("way to restore a secret"))
    }

    async fn destroy(&self, secret: &str, version: &str) -> Result<Ack, WriteError> {
        self.change("DestroySecretVersion", "destroy", secret, version)
            .await
    }

    async fn disable(&self, secret: &str, version: &str) -> Result<Ack, WriteError> {
        self.change("DisableSecretVersion", "disable", secret, version)
            .await
    }

    async fn enable(&self, secret: &str, version: &str) -> Result<Ack, WriteError> {
        self.change("EnableSecretVersion", "enable", secret, version)
            .await
    }

    async fn read(&self, secret: &str) -> Result<Content, WriteError> {
        const OPERATION: &str = "AccessSecretVersion";
        let path = format!("{}/versions/latest:access", Self::path(secret));
        let answer = self
            .call(Method::GET, OPERATION, secret, &path, Value::Null)
            .await?;
        let data = answer.pointer("/payload/data").and_then(Value::as_str);
        let data = BASE64_STANDARD.decode(data.unwrap_or_default());
        let data = data.map_err(|error| WriteError::Failed {
            operation: OPERATION,
            secret: secret.to_owned(),
            message: error.to_string(),
        })?;
        Ok(Content::of_body(SecretValue::new(data)))
    }
}

/// The payload for a content: a JSON object of its fields, or the bytes as they are.
fn payload(
    content: &Content,
    operation: &'static str,
    secret: &str,
) -> Result<SecretValue, WriteError> {
    match content {
        Content::Text(value) => Ok(value.clone()),
        Content::Fields(fields) => {
            let mut object = Map::new();
            for (name, value) in fields {
                let text = value.expose_str().ok_or_else(|| WriteError::Failed {
                    operation,
                    secret: secret.into(),
                    message: format!("field {name:?} is not UTF-8 text, as JSON must be"),
                })?;
                object.insert(name.clone(), text.into());
            }
            Ok(SecretValue::new(Value::Object(object).to_string()))
        }
    }
}
