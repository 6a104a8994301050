//! Rotates secrets of Azure Key Vault through its public API.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use rotaproof_base::{Clock, SecretValue};
use rotaproof_egress::Client;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{LOGIN_HOST, RESOURCE};
use crate::{Ack, Content, Removal, Strategy, WriteError, Writer};

const VAULT: &str = "Azure Key Vault";
const API_VERSION: &str = "7.6";
/// A token is not used in its last seconds.
const MARGIN: i64 = 60;

/// An application that may do everything with the vault's secrets.
#[derive(Clone)]
pub struct Administrator {
    /// The tenant's id.
    pub tenant: String,
    /// Its client id.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: SecretValue,
}

struct Token {
    text: SecretValue,
    expires: i64,
}

/// Writes to the emulator or to Azure alike.
pub struct AzureWriter {
    client: Client,
    /// `https`, or `http` where the client dials the vault itself.
    scheme: &'static str,
    host: String,
    administrator: Administrator,
    clock: Clock,
    token: Mutex<Option<Token>>,
}

/// One request to the vault.
struct Call<'a> {
    operation: &'static str,
    secret: &'a str,
    method: Method,
    /// Below the vault's address.
    path: String,
    body: Option<Value>,
}

impl AzureWriter {
    /// A writer to the vault at `host` (`my-vault.vault.azure.net`), over plain HTTP where `client` dials the vault
    /// itself, that acts as `administrator`.
    pub fn new(
        client: Client,
        scheme: &'static str,
        host: &str,
        administrator: Administrator,
        clock: Clock,
    ) -> Self {
        Self {
            client,
            scheme,
            host: host.to_owned(),
            administrator,
            clock,
            token: Mutex::new(None),
        }
    }

    fn ack(&self, body: &Value) -> Ack {
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
        // `<vault>/secrets/<name>/<version>`
        let version = id.split('/').nth(5).unwrap_or_default();
        Ack {
            version: version.to_owned(),
            at: self.clock.now(),
        }
    }

    /// The current token, or a new one where it is about to end.
    async fn token(&self, call: &Call<'_>) -> Result<SecretValue, WriteError> {
        let mut held = self.token.lock().await;
        let now = self.clock.unix_seconds();
        if let Some(token) = held.as_ref().filter(|token| now < token.expires - MARGIN) {
            return Ok(token.text.clone());
        }
        let Administrator {
            tenant,
            client_id,
            client_secret,
        } = &self.administrator;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client_id)
            .append_pair(
                "client_secret",
                client_secret.expose_str().unwrap_or_default(),
            )
            .append_pair("scope", &format!("{RESOURCE}/.default"))
            .finish();
        let request = Request::post(format!(
            "{}://{LOGIN_HOST}/{tenant}/oauth2/v2.0/token",
            self.scheme
        ))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .map_err(|error| call.failed(error.to_string()))?;
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| call.failed(error.to_string()))?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let Some(token) = body.get("access_token").and_then(Value::as_str) else {
            let described = body.get("error_description").and_then(Value::as_str);
            let message = described.map_or_else(|| answer.status().to_string(), str::to_owned);
            return Err(call.refused(message));
        };
        let lifetime = body.get("expires_in").and_then(Value::as_i64).unwrap_or(0);
        let text = SecretValue::new(token);
        *held = Some(Token {
            text: text.clone(),
            expires: now.saturating_add(lifetime),
        });
        Ok(text)
    }

    /// Sends one call; the body of what is no success is the vault's refusal.
    async fn call(&self, call: Call<'_>) -> Result<Value, WriteError> {
        let token = self.token(&call).await?;
        let mut bearer = header::HeaderValue::from_bytes(&[b"Bearer ", token.expose()].concat())
            .map_err(|_| call.failed("the token cannot be a header".into()))?;
        bearer.set_sensitive(true);
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let (scheme, host, path) = (self.scheme, &self.host, &call.path);
        let request = Request::builder()
            .method(call.method.clone())
            .uri(format!(
                "{scheme}://{host}/{path}?api-version={API_VERSION}"
            ))
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| call.failed(error.to_string()))?;
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| call.failed(error.to_string()))?;
        let status = answer.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let message = match (text("/error/code"), text("/error/message")) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            _ => status.to_string(),
        };
        Err(if status.is_client_error() {
            call.refused(message)
        } else {
            call.failed(message)
        })
    }

    async fn set(
        &self,
        operation: &'static str,
        secret: &str,
        content: &Content,
    ) -> Result<Ack, WriteError> {
        let mut call = Call {
            operation,
            secret,
            method: Method::PUT,
            path: format!("secrets/{secret}"),
            body: None,
        };
        let Content::Text(value) = content else {
            return Err(WriteError::Unsupported {
                vault: VAULT,
                operation: "fields of a secret: it holds one text",
            });
        };
        let Some(value) = value.expose_str() else {
            return Err(call.failed("the value is not UTF-8 text, as a secret must be".into()));
        };
        call.body = Some(json!({ "value": value }));
        let body = self.call(call).await?;
        Ok(self.ack(&body))
    }

    /// Enables or disables one version.
    async fn switch(&self, secret: &str, version: &str, enabled: bool) -> Result<Ack, WriteError> {
        let call = Call {
            operation: "SecretUpdate",
            secret,
            method: Method::PATCH,
            path: format!("secrets/{secret}/{version}"),
            body: Some(json!({"attributes": {"enabled": enabled}})),
        };
        self.call(call).await?;
        let at = self.clock.now();
        let version = self.current(secret).await?;
        Ok(Ack { version, at })
    }

    /// The id of the current version; empty where that one is disabled, and nothing can be read.
    async fn current(&self, secret: &str) -> Result<String, WriteError> {
        let call = Call {
            operation: "SecretGet",
            secret,
            method: Method::GET,
            path: format!("secrets/{secret}/"),
            body: None,
        };
        match self.call(call).await {
            Ok(body) => Ok(self.ack(&body).version),
            Err(WriteError::Refused { .. }) => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    /// Waits until what was asked for shows: Key Vault deletes and recovers in the background.
    async fn shown(
        &self,
        secret: &str,
        operation: &'static str,
        path: String,
    ) -> Result<Value, WriteError> {
        const TRIES: u32 = 60;
        let mut tried = 0;
        loop {
            let call = Call {
                operation,
                secret,
                method: Method::GET,
                path: path.clone(),
                body: None,
            };
            match self.call(call).await {
                Err(WriteError::Refused { message, .. })
                    if tried < TRIES && message.starts_with("SecretNotFound") =>
                {
                    tried += 1;
                    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
                }
                other => return other,
            }
        }
    }
}

impl Call<'_> {
    fn failed(&self, message: String) -> WriteError {
        WriteError::Failed {
            operation: self.operation,
            secret: self.secret.to_owned(),
            message,
        }
    }

    fn refused(&self, message: String) -> WriteError {
        WriteError::Refused {
            operation: self.operation,
            secret: self.secret.to_owned(),
            message,
        }
    }
}

#[async_trait]
impl Writer for AzureWriter {
    async fn create(&self, secret: &str, content: &Content) -> Result<Ack, WriteError> {
        self.set("SecretSet", secret, content).await
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
            Strategy::Put => self.set("SecretSet", secret, content).await,
            Strategy::Staged => unsupported("staged rotation"),
            Strategy::CheckAndSet => unsupported("check-and-set"),
            Strategy::Patch => unsupported("patch"),
        }
    }

    /// No earlier version can be made current: its value is written anew.
    async fn roll_back(
        &self,
        secret: &str,
        _version: &str,
        content: &Content,
    ) -> Result<Ack, WriteError> {
        self.set("SecretSet", secret, content).await
    }

    async fn remove(&self, secret: &str, removal: Removal) -> Result<Ack, WriteError> {
        let delete = |operation, path| Call {
            operation,
            secret,
            method: Method::DELETE,
            path,
            body: None,
        };
        self.call(delete("SecretDelete", format!("secrets/{secret}")))
            .await?;
        // The secret is unreadable from here on, whatever is still to be done with what is left of it.
        let at = self.clock.now();
        let deleted = format!("deletedsecrets/{secret}");
        self.shown(secret, "SecretGetDeleted", deleted.clone())
            .await?;
        if removal == Removal::Forced {
            self.call(delete("SecretPurge", deleted)).await?;
        }
        let version = String::new();
        Ok(Ack { version, at })
    }

    async fn restore(&self, secret: &str) -> Result<Ack, WriteError> {
        let call = Call {
            operation: "SecretRecover",
            secret,
            method: Method::POST,
            path: format!("deletedsecrets/{secret}/recover"),
            body: None,
        };
        let body = self.call(call).await?;
        let ack = self.ack(&body);
        self.shown(
            secret,
            "SecretListVersions",
            format!("secrets/{secret}/versions"),
        )
        .await?;
        Ok(ack)
    }

    async fn destroy(&self, _secret: &str, _version: &str) -> Result<Ack, WriteError> {
        Err(WriteError::Unsupported {
            vault: VAULT,
            operation: "way to destroy one version",
        })
    }

    async fn disable(&self, secret: &str, version: &str) -> Result<Ack, WriteError> {
        self.switch(secret, version, false).await
    }

    async fn enable(&self, secret: &str, version: &str) -> Result<Ack, WriteError> {
        self.switch(secret, version, true).await
    }

    async fn read(&self, secret: &str) -> Result<Content, WriteError> {
        let call = Call {
            operation: "SecretGet",
            secret,
            method: Method::GET,
            path: format!("secrets/{secret}"),
            body: None,
        };
        let body = self.call(call).await?;
        let value = body.get("value").and_then(Value::as_str);
        Ok(Content::Text(SecretValue::new(value.unwrap_or_default())))
    }
}
