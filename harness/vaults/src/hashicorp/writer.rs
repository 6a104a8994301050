//! Writes to a Vault as its users do: with a token, through the KV API.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rotaproof_base::{Clock, SecretValue};
use rotaproof_egress::Client;
use serde_json::{Map, Value, json};

use super::config::{Mount, MountKind};
use crate::writer::{Ack, Content, Removal, Strategy, WriteError, Writer};

const VAULT: &str = "HashiCorp Vault";

/// Writes to one Vault. A secret is named `mount/path`: `secret/git/credentials`.
///
/// A [`Content::Text`] that is a JSON object becomes the secret's data; any other text becomes its field `value`.
pub struct HashicorpWriter {
    client: Client,
    base: String,
    token: SecretValue,
    mounts: Vec<Mount>,
    clock: Clock,
}

/// One call: what is done, to which secret.
struct Call<'a> {
    operation: &'static str,
    secret: &'a str,
    method: Method,
    path: String,
    body: Option<Value>,
}

/// Where a secret lies.
struct Place<'a> {
    mount: &'a Mount,
    key: String,
}

const SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

impl Place<'_> {
    /// The path of a KV v2 endpoint.
    fn v2(&self, endpoint: &str) -> String {
        format!("{}/{endpoint}/{}", self.mount.path, self.key)
    }

    fn v1(&self) -> String {
        format!("{}/{}", self.mount.path, self.key)
    }
}

fn fields(content: &Content) -> Map<String, Value> {
    match content {
        Content::Fields(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), Value::String(text(value))))
            .collect(),
        Content::Text(value) => match serde_json::from_slice(value.expose()) {
            Ok(Value::Object(members)) => members,
            _ => Map::from_iter([("value".to_owned(), Value::String(text(value)))]),
        },
    }
}

/// A value as JSON text; bytes that are no UTF-8 cannot be in JSON and are replaced.
fn text(value: &SecretValue) -> String {
    String::from_utf8_lossy(value.expose()).into_owned()
}

/// The merge patch that turns `before` into `after`.
fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut patch: Map<String, Value> = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    patch
}

impl HashicorpWriter {
    /// A writer to the Vault at `base_url` (`https://vault.example.com`) with a token that may write.
    pub fn new(
        client: Client,
        base_url: &str,
        token: SecretValue,
        mounts: Vec<Mount>,
        clock: Clock,
    ) -> Self {
        Self {
            client,
            base: base_url.trim_end_matches('/').to_owned(),
            token,
            mounts,
            clock,
        }
    }

    /// Sets a KV v2 secret's custom metadata, which `find` by tags reads. Replaces what was set before.
    pub async fn set_custom_metadata(
        &self,
        secret: &str,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), WriteError> {
        const OPERATION: &str = "kv-v2 write metadata";
        let place = self.versioned(secret, OPERATION)?;
        let body = json!({ "custom_metadata": metadata });
        self.post(OPERATION, secret, place.v2("metadata"), body)
            .await
            .map(drop)
    }

    fn place(&self, secret: &str, operation: &'static str) -> Result<Place<'_>, WriteError> {
        let below = |mount: &Mount| {
            let key = secret.strip_prefix(&mount.path)?.strip_prefix('/')?;
            (!key.is_empty()).then(|| utf8_percent_encode(key, &SEGMENT).to_string())
        };
        let found = self.mounts.iter().filter_map(|mount| {
            let key = below(mount)?;
            Some(Place { mount, key })
        });
        found
            .max_by_key(|place| place.mount.path.len())
            .ok_or_else(|| WriteError::Failed {
                operation,
                secret: secret.to_owned(),
                message: "no mount holds this path".to_owned(),
            })
    }

    /// The place of a secret in a KV v2 engine.
    fn versioned(&self, secret: &str, operation: &'static str) -> Result<Place<'_>, WriteError> {
        let place = self.place(secret, operation)?;
        match place.mount.kind {
            MountKind::KvV2 => Ok(place),
            MountKind::KvV1 => Err(WriteError::Unsupported {
                vault: "a KV v1 engine",
                operation,
            }),
        }
    }

    async fn post(
        &self,
        operation: &'static str,
        secret: &str,
        path: String,
        body: Value,
    ) -> Result<Value, WriteError> {
        self.call(Call {
            operation,
            secret,
            method: Method::POST,
            path,
            body: Some(body),
        })
        .await
    }

    /// Sends one call and returns the answer's `data`.
    async fn call(&self, call: Call<'_>) -> Result<Value, WriteError> {
        let failed = |message: String| WriteError::Failed {
            operation: call.operation,
            secret: call.secret.to_owned(),
            message,
        };
        let mut token = HeaderValue::from_bytes(self.token.expose())
            .map_err(|_| failed("the token cannot be a header".to_owned()))?;
        token.set_sensitive(true);
        let kind = match call.method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(call.method.clone())
            .uri(format!("{}/v1/{}", self.base, call.path))
            .header("x-vault-token", token)
            .header("x-vault-request", "true")
            .header(header::CONTENT_TYPE, kind)
            .body(Bytes::from(body))
            .map_err(|e| failed(e.to_string()))?;
        let answer = self
            .client
            .send(request)
            .await
            .map_err(|e| failed(e.to_string()))?;
        let status = answer.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if status.is_success() {
            return match body.get("data") {
                Some(data) => Ok(data.clone()),
                None => Err(failed(format!("{status} without data"))),
            };
        }
        let errors = body.get("errors").and_then(Value::as_array);
        let messages: Vec<&str> = errors
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let message = match messages.as_slice() {
            [] => status.to_string(),
            list => format!("{status}: {}", list.join("; ")),
        };
        Err(if status.is_client_error() {
            WriteError::Refused {
                operation: call.operation,
                secret: call.secret.to_owned(),
                message,
            }
        } else {
            failed(message)
        })
    }

    fn acknowledge(&self, data: &Value) -> Ack {
        let version = data.get("version").and_then(Value::as_u64);
        Ack {
            version: version.map(|v| v.to_string()).unwrap_or_default(),
            at: self.clock.now(),
        }
    }

    /// The number of the current version.
    async fn current(
        &self,
        operation: &'static str,
        secret: &str,
        place: &Place<'_>,
    ) -> Result<u64, WriteError> {
        let data = self
            .call(Call {
                operation,
                secret,
                method: Method::GET,
                path: place.v2("metadata"),
                body: None,
            })
            .await?;
        data.get("current_version")
            .and_then(Value::as_u64)
            .ok_or_else(|| WriteError::Failed {
                operation,
                secret: secret.to_owned(),
                message: "the metadata has no current_version".to_owned(),
            })
    }

    async fn put(
        &self,
        secret: &str,
        place: &Place<'_>,
        content: &Content,
        cas: Option<u64>,
    ) -> Result<Ack, WriteError> {
        let data = Value::Object(fields(content));
        let (operation, path, body) = match place.mount.kind {
            MountKind::KvV1 => ("kv-v1 write", place.v1(), data),
            MountKind::KvV2 => {
                let body = match cas {
                    Some(cas) => json!({ "options": { "cas": cas }, "data": data }),
                    None => json!({ "data": data }),
                };
                ("kv-v2 write", place.v2("data"), body)
            }
        };
        let data = self.post(operation, secret, path, body).await?;
        Ok(self.acknowledge(&data))
    }
}

#[async_trait]
impl Writer for HashicorpWriter {
    async fn create(&self, secret: &str, content: &Content) -> Result<Ack, WriteError> {
        let place = self.place(secret, "kv write")?;
        self.put(secret, &place, content, Some(0)).await
    }

    async fn rotate(
        &self,
        secret: &str,
        content: &Content,
        previous: Option<&Content>,
        strategy: Strategy,
    ) -> Result<Ack, WriteError> {
        match strategy {
            Strategy::Put => {
                let place = self.place(secret, "kv write")?;
                self.put(secret, &place, content, None).await
            }
            Strategy::CheckAndSet => {
                let place = self.versioned(secret, "check-and-set")?;
                let current = self.current("kv-v2 write", secret, &place).await?;
                self.put(secret, &place, content, Some(current)).await
            }
            Strategy::Patch => {
                const OPERATION: &str = "kv-v2 patch";
                let place = self.versioned(secret, OPERATION)?;
                let before = previous.map(fields).unwrap_or_default();
                let patch = difference(&before, &fields(content));
                let data = self
                    .call(Call {
                        operation: OPERATION,
                        secret,
                        method: Method::PATCH,
                        path: place.v2("data"),
                        body: Some(json!({ "data": patch })),
                    })
                    .await?;
                Ok(self.acknowledge(&data))
            }
            Strategy::Staged => Err(WriteError::Unsupported {
                vault: VAULT,
                operation: "staged rotation",
            }),
        }
    }

    /// As `vault kv rollback`: the content is written anew, with check-and-set on the current version.
    async fn roll_back(
        &self,
        secret: &str,
        _version: &str,
        content: &Content,
    ) -> Result<Ack, WriteError> {
        let place = self.versioned(secret, "rollback")?;
        let current = self.current("kv-v2 write", secret, &place).await?;
        self.put(secret, &place, content, Some(current)).await
    }

    async fn remove(&self, secret: &str, removal: Removal) -> Result<Ack, WriteError> {
        let (operation, path) = match removal {
            Removal::Recoverable => {
                let place = self.versioned(secret, "recoverable delete")?;
                ("kv-v2 delete", place.v2("data"))
            }
            Removal::Forced => {
                let place = self.place(secret, "kv delete")?;
                match place.mount.kind {
                    MountKind::KvV1 => ("kv-v1 delete", place.v1()),
                    MountKind::KvV2 => ("kv-v2 delete metadata", place.v2("metadata")),
                }
            }
        };
        let data = self
            .call(Call {
                operation,
                secret,
                method: Method::DELETE,
                path,
                body: None,
            })
            .await?;
        Ok(self.acknowledge(&data))
    }

    async fn restore(&self, secret: &str) -> Result<Ack, WriteError> {
        const OPERATION: &str = "kv-v2 undelete";
        let place = self.versioned(secret, OPERATION)?;
        let current = self.current(OPERATION, secret, &place).await?;
        let body = json!({ "versions": [current] });
        self.post(OPERATION, secret, place.v2("undelete"), body)
            .await?;
        Ok(Ack {
            version: current.to_string(),
            at: self.clock.now(),
        })
    }

    async fn destroy(&self, secret: &str, version: &str) -> Result<Ack, WriteError> {
        const OPERATION: &str = "kv-v2 destroy";
        let place = self.versioned(secret, OPERATION)?;
        let number: u64 = version.parse().map_err(|_| WriteError::Failed {
            operation: OPERATION,
            secret: secret.to_owned(),
            message: format!("{version:?} is no version number"),
        })?;
        let body = json!({ "versions": [number] });
        self.post(OPERATION, secret, place.v2("destroy"), body)
            .await?;
        Ok(Ack {
            version: String::new(),
            at: self.clock.now(),
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
        let place = self.place(secret, "kv read")?;
        let (operation, path) = match place.mount.kind {
            MountKind::KvV1 => ("kv-v1 read", place.v1()),
            MountKind::KvV2 => ("kv-v2 read", place.v2("data")),
        };
        let data = self
            .call(Call {
                operation,
                secret,
                method: Method::GET,
                path,
                body: None,
            })
            .await?;
        let data = match place.mount.kind {
            MountKind::KvV1 => Some(&data),
            MountKind::KvV2 => data.get("data"),
        };
        let data = data.map(Value::to_string).unwrap_or_default();
        Ok(Content::of_body(SecretValue::new(data)))
    }
}
