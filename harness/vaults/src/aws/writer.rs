//! Rotates secrets of AWS Secrets Manager through AWS's own SDK.

use std::error::Error;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client as Sdk;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use rotaproof_base::{Clock, Entropy, SecretValue};
use rotaproof_egress::Client;
use serde_json::{Map, Value};

use super::config::Credentials;
use super::connector;
use super::state::CURRENT;
use crate::{Ack, Content, Removal, Strategy, WriteError, Writer};

const VAULT: &str = "AWS Secrets Manager";
const PENDING: &str = "AWSPENDING";
/// The shortest recovery window that AWS allows, in days.
const RECOVERY_DAYS: i64 = 7;

/// Writes to the emulator, LocalStack or AWS alike.
pub struct AwsWriter {
    sdk: Sdk,
    clock: Clock,
    tokens: Entropy,
}

impl AwsWriter {
    /// A writer that speaks through `client` to `endpoint`, an absolute URL ([`super::endpoint`] makes AWS's own).
    /// Version ids are drawn from `entropy`.
    pub fn new(
        client: Client,
        endpoint: &str,
        region: &str,
        credentials: &Credentials,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        Self {
            sdk: connector::sdk(client, endpoint, region, credentials, clock.clone()),
            clock,
            tokens: entropy,
        }
    }

    fn token(&self) -> String {
        self.tokens.uuid().to_string()
    }

    fn ack(&self, version: impl Into<String>) -> Ack {
        Ack {
            version: version.into(),
            at: self.clock.now(),
        }
    }

    async fn put(&self, secret: &str, content: &Content, stage: &str) -> Result<Ack, WriteError> {
        let token = self.token();
        let answer = self
            .sdk
            .put_secret_value()
            .secret_id(secret)
            .client_request_token(&token)
            .version_stages(stage)
            .secret_string(body(content, "PutSecretValue", secret)?)
            .send()
            .await
            .map_err(|e| failed("PutSecretValue", secret, &e))?;
        Ok(self.ack(answer.version_id.unwrap_or(token)))
    }

    /// The id of the version that is AWSCURRENT; `None` where the secret has none.
    async fn current(&self, secret: &str) -> Result<Option<String>, WriteError> {
        let answer = self
            .sdk
            .describe_secret()
            .secret_id(secret)
            .send()
            .await
            .map_err(|e| failed("DescribeSecret", secret, &e))?;
        let versions = answer.version_ids_to_stages.unwrap_or_default();
        let mut current = versions
            .into_iter()
            .filter(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
        Ok(current.next().map(|(id, _)| id))
    }

    async fn make_current(&self, secret: &str, version: &str) -> Result<Ack, WriteError> {
        let current = self.current(secret).await?;
        if current.as_deref() != Some(version) {
            self.sdk
                .update_secret_version_stage()
                .secret_id(secret)
                .version_stage(CURRENT)
                .move_to_version_id(version)
                .set_remove_from_version_id(current)
                .send()
                .await
                .map_err(|e| failed("UpdateSecretVersionStage", secret, &e))?;
        }
        Ok(self.ack(version))
    }
}

#[async_trait]
impl Writer for AwsWriter {
    async fn create(&self, secret: &str, content: &Content) -> Result<Ack, WriteError> {
        let token = self.token();
        let answer = self
            .sdk
            .create_secret()
            .name(secret)
            .client_request_token(&token)
            .secret_string(body(content, "CreateSecret", secret)?)
            .send()
            .await
            .map_err(|e| failed("CreateSecret", secret, &e))?;
        Ok(self.ack(answer.version_id.unwrap_or(token)))
    }

    async fn rotate(
        &self,
        secret: &str,
        content: &Content,
        _previous: Option<&Content>,
        strategy: Strategy,
    ) -> Result<Ack, WriteError> {
        let unsupported = |operation| {
            Err(WriteError::Unsupported {
                vault: VAULT,
                operation,
            })
        };
        match strategy {
            Strategy::Put => self.put(secret, content, CURRENT).await,
            Strategy::Staged => {
                let pending = self.put(secret, content, PENDING).await?;
                self.make_current(secret, &pending.version).await
            }
            Strategy::CheckAndSet => unsupported("check-and-set"),
            Strategy::Patch => unsupported("patch"),
        }
    }

    async fn roll_back(
        &self,
        secret: &str,
        version: &str,
        _content: &Content,
    ) -> Result<Ack, WriteError> {
        self.make_current(secret, version).await
    }

    async fn remove(&self, secret: &str, removal: Removal) -> Result<Ack, WriteError> {
        let request = self.sdk.delete_secret().secret_id(secret);
        let request = match removal {
            Removal::Recoverable => request.recovery_window_in_days(RECOVERY_DAYS),
            Removal::Forced => request.force_delete_without_recovery(true),
        };
        let answer = request.send().await;
        answer.map_err(|e| failed("DeleteSecret", secret, &e))?;
        Ok(self.ack(""))
    }

    async fn restore(&self, secret: &str) -> Result<Ack, WriteError> {
        let answer = self.sdk.restore_secret().secret_id(secret).send().await;
        answer.map_err(|e| failed("RestoreSecret", secret, &e))?;
        let at = self.clock.now();
        let version = self.current(secret).await?.unwrap_or_default();
        Ok(Ack { version, at })
    }

    async fn destroy(&self, _secret: &str, _version: &str) -> Result<Ack, WriteError> {
        Err(WriteError::Unsupported {
            vault: VAULT,
            operation: "way to destroy one version",
        })
    }

    async fn disable(&self, _secret: &str, _version: &str) -> Result<Ack, WriteError> {
        Err(WriteError::Unsupported {
            vault: VAULT,
            operation: "way to disable one version",
        })
    }

    async fn enable(&self, _secret: &str, _version: &str) -> Result<Ack, WriteError> {
        Err(WriteError::Unsupported {
            vault: VAULT,
            operation: "way to enable one version",
        })
    }

    async fn read(&self, secret: &str) -> Result<Content, WriteError> {
        let answer = self.sdk.get_secret_value().secret_id(secret).send().await;
        let answer = answer.map_err(|e| failed("GetSecretValue", secret, &e))?;
        match answer.secret_string {
            Some(text) => Ok(Content::of_body(SecretValue::new(text))),
            None => Err(WriteError::Unsupported {
                vault: VAULT,
                operation: "text in a secret that is binary",
            }),
        }
    }
}

/// The SecretString for a content: a JSON object of its fields, or the text as it is.
fn body(content: &Content, operation: &'static str, secret: &str) -> Result<String, WriteError> {
    let text = |value: &SecretValue| {
        value
            .expose_str()
            .map(str::to_owned)
            .ok_or_else(|| WriteError::Failed {
                operation,
                secret: secret.into(),
                message: "the value is not UTF-8 text, as a SecretString must be".into(),
            })
    };
    match content {
        Content::Text(value) => text(value),
        Content::Fields(fields) => {
            let mut object = Map::new();
            for (name, value) in fields {
                object.insert(name.clone(), Value::String(text(value)?));
            }
            Ok(Value::Object(object).to_string())
        }
    }
}

fn failed<E, R>(operation: &'static str, secret: &str, error: &SdkError<E, R>) -> WriteError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    let secret = secret.to_owned();
    if let Some(refusal) = error.as_service_error() {
        let code = refusal.code().unwrap_or("unknown error");
        let message = match refusal.message() {
            Some(text) => format!("{code}: {text}"),
            None => code.to_owned(),
        };
        return WriteError::Refused {
            operation,
            secret,
            message,
        };
    }
    // The chain by Display: Debug of an SDK error prints bodies.
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        message.push_str(": ");
        message.push_str(&inner.to_string());
        cause = inner.source();
    }
    WriteError::Failed {
        operation,
        secret,
        message,
    }
}
