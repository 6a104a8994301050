//! What the harness does to a vault, as that vault's users do it.

use async_trait::async_trait;
use indexmap::IndexMap;
use jiff::Timestamp;
use rotaproof_base::SecretValue;

/// What a secret holds.
#[derive(Clone)]
pub enum Content {
    /// One body, as it is.
    Text(SecretValue),
    /// Named fields: a JSON object in AWS, the data of a KV version in Vault, the fields of an item in 1Password.
    Fields(IndexMap<String, SecretValue>),
}

impl Content {
    /// A body as its vault hands it out: fields where it is a JSON object of texts, else text.
    pub fn of_body(body: SecretValue) -> Self {
        use serde_json::{Map, Value};
        let Ok(object) = serde_json::from_slice::<Map<String, Value>>(body.expose()) else {
            return Self::Text(body);
        };
        let fields = object.into_iter().map(|(name, value)| match value {
            Value::String(text) => Some((name, SecretValue::new(text))),
            _ => None,
        });
        match fields.collect::<Option<IndexMap<_, _>>>() {
            Some(fields) => Self::Fields(fields),
            None => Self::Text(body),
        }
    }
}

/// How a new version becomes the current one. Each vault supports some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The plain way: PutSecretValue; KV v2 write; 1Password's replacement of the item.
    Put,
    /// AWS's four-step rotation: written as AWSPENDING, then AWSCURRENT moves to it.
    Staged,
    /// KV v2 write with check-and-set on the version that was current.
    CheckAndSet,
    /// KV v2 merge patch, 1Password's JSON Patch: only the fields that changed are sent.
    Patch,
}

/// How a secret is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// So that it can be restored: DeleteSecret with a recovery window; KV v2 soft delete of the newest version.
    Recoverable,
    /// For good: ForceDeleteWithoutRecovery; KV v2 delete of metadata and all versions; 1Password's only way.
    Forced,
}

/// The vault's acknowledgement of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The vault's own id of the version that is current after the write; empty where none is.
    pub version: String,
    /// When the acknowledgement arrived.
    pub at: Timestamp,
}

/// Why a write failed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The vault has no such operation.
    #[error("{vault} has no {operation}")]
    Unsupported {
        /// The vault's name.
        vault: &'static str,
        /// What was asked of it.
        operation: &'static str,
    },
    /// The vault refused, in its own words.
    #[error("{operation} on {secret} was refused: {message}")]
    Refused {
        /// The vault's name of the operation.
        operation: &'static str,
        /// The secret.
        secret: String,
        /// The vault's own error.
        message: String,
    },
    /// The vault could not be reached or did not answer as it should.
    #[error("{operation} on {secret} failed: {message}")]
    Failed {
        /// The vault's name of the operation.
        operation: &'static str,
        /// The secret.
        secret: String,
        /// What went wrong.
        message: String,
    },
}

/// Writes to one vault through its public API.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Creates a secret with its first version.
    async fn create(&self, secret: &str, content: &Content) -> Result<Ack, WriteError>;

    /// Makes `content` the current version. `previous` is what was current, as far as the caller knows.
    async fn rotate(
        &self,
        secret: &str,
        content: &Content,
        previous: Option<&Content>,
        strategy: Strategy,
    ) -> Result<Ack, WriteError>;

    /// Makes an earlier version current again: by moving AWSCURRENT, or by writing `content` (that version's) anew.
    async fn roll_back(
        &self,
        secret: &str,
        version: &str,
        content: &Content,
    ) -> Result<Ack, WriteError>;

    /// Removes a secret.
    async fn remove(&self, secret: &str, removal: Removal) -> Result<Ack, WriteError>;

    /// Brings a secret back that was removed so that it can be restored.
    async fn restore(&self, secret: &str) -> Result<Ack, WriteError>;

    /// Destroys one version for good, where the vault can.
    async fn destroy(&self, secret: &str, version: &str) -> Result<Ack, WriteError>;

    /// Makes one version unreadable until it is enabled again, where the vault can.
    async fn disable(&self, secret: &str, version: &str) -> Result<Ack, WriteError>;

    /// Makes a disabled version readable again, where the vault can.
    async fn enable(&self, secret: &str, version: &str) -> Result<Ack, WriteError>;

    /// What is current, as the vault's administrator reads it.
    async fn read(&self, _secret: &str) -> Result<Content, WriteError> {
        Err(WriteError::Unsupported {
            vault: "this vault's writer",
            operation: "way to read a secret",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::fields(r#"{"user":"a","password":"b"}"#, Some(2))]
    #[case::text("just text", None)]
    #[case::number(r#"{"port":5432}"#, None)]
    #[case::array(r#"["a"]"#, None)]
    fn a_body_has_fields_where_it_is_an_object_of_texts(
        #[case] body: &str,
        #[case] fields: Option<usize>,
    ) {
        let content = Content::of_body(SecretValue::new(body));
        match content {
            Content::Fields(found) => assert_eq!(Some(found.len()), fields),
            Content::Text(text) => {
                assert_eq!(fields, None);
                assert!(text.expose() == body.as_bytes());
            }
        }
    }
}
