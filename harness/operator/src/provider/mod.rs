//! The seam between the engine and the vaults: ESO's `Provider` and `SecretsClient` interfaces
//! (ESO 2.9.0, `apis/externalsecrets/v1/provider.go`), without the pushing half.
//!
//! A provider lives in a folder of its own and is registered by the key under `spec.provider` of a store: one `mod`
//! line and one line in [`Providers::builtin`]. It speaks to its vault only through [`StoreContext::egress`], takes its
//! time from [`StoreContext::clock`], and never puts a value into an error.

mod aws;
mod azure;
mod context;
mod gcp;
mod hashicorp;
mod onepassword;
mod transport;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{Find, RemoteRef};

pub use context::StoreContext;

/// Keys and values that a provider answers with.
pub type SecretMap = BTreeMap<String, SecretValue>;

/// Makes clients for the stores of one kind of vault.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Makes a client for a store: credentials are read and exchanged here. Its failure is the store's
    /// `unable to create client`.
    async fn new_client(
        &self,
        store: &StoreContext,
    ) -> Result<Box<dyn SecretsClient>, ProviderError>;

    /// `ReadOnly`, `WriteOnly` or `ReadWrite`, for the store's status.
    fn capabilities(&self) -> &'static str;
}

/// Reads the secrets of one store. A client lives for one reconcile and is closed at its end.
#[async_trait]
pub trait SecretsClient: Send {
    /// One value.
    async fn get_secret(&mut self, remote: &RemoteRef) -> Result<SecretValue, ProviderError>;

    /// All keys of one entry.
    async fn get_secret_map(&mut self, remote: &RemoteRef) -> Result<SecretMap, ProviderError>;

    /// All entries that match.
    async fn get_all_secrets(&mut self, find: &Find) -> Result<SecretMap, ProviderError>;

    /// Whether the client is usable. Its failure is the store's `unable to validate store`.
    async fn validate(&mut self) -> Result<Validation, ProviderError>;

    /// Gives back what the client holds, such as a token. A failure is logged and forgotten, as in ESO.
    async fn close(&mut self) -> Result<(), ProviderError>;
}

/// The outcome of a validation that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validation {
    /// The client works; also ESO's "unknown" without an error, which it takes for ready.
    Ready,
    /// Nothing can be said, for this reason: the store is Ready with reason `ValidationUnknown`.
    Unknown(String),
}

/// Why a provider did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The secret is not there: what `deletionPolicy` acts on. Any context of it is lost on purpose, as
    /// `errors.Is(err, NoSecretErr)` loses it.
    #[error("Secret does not exist")]
    NoSecret,
    /// ESO's code panics here. controller-runtime recovers it: the item backs off, and nothing of it is to be seen but
    /// in the log, neither a condition nor an Event.
    #[error("panic: {0} [recovered]")]
    Panic(&'static str),
    /// Anything else, in ESO's own words. Never a value.
    #[error("{0}")]
    Other(String),
}

impl ProviderError {
    /// An error in ESO's own words.
    pub fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }
}

/// The providers by their key under `spec.provider`.
#[derive(Clone, Default)]
pub struct Providers(BTreeMap<String, Arc<dyn Provider>>);

impl Providers {
    /// The providers that the engine has.
    pub fn builtin() -> Self {
        Self::default()
            .with("aws", Arc::new(aws::Aws))
            .with("azurekv", Arc::new(azure::AzureKeyVault::default()))
            .with("onepassword", Arc::new(onepassword::OnePassword))
            .with("gcpsm", Arc::new(gcp::Gcp::default()))
            .with("vault", Arc::new(hashicorp::HashicorpVault))
    }

    /// Registers a provider; a later one takes the key over.
    pub fn with(mut self, key: &str, provider: Arc<dyn Provider>) -> Self {
        self.0.insert(key.to_owned(), provider);
        self
    }

    /// The provider of a key.
    pub fn get(&self, key: &str) -> Option<Arc<dyn Provider>> {
        self.0.get(key).cloned()
    }
}
