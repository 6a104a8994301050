//! What the gateway needs of a vault, and what a vault tells the journal.

use std::convert::Infallible;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use rotaproof_base::Fingerprint;
use serde::{Deserialize, Serialize};

/// The body of a vault's answer. Trailers may follow the data (gRPC).
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A body of known bytes.
pub fn buffered(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// The vaults of the decision record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VaultKind {
    /// AWS Secrets Manager, with STS.
    AwsSecretsManager,
    /// HashiCorp Vault.
    HashicorpVault,
    /// Azure Key Vault, with its identity platform and the instance metadata service.
    AzureKeyVault,
    /// Google Cloud Secret Manager, with its token services.
    GcpSecretManager,
    /// 1Password Connect.
    OnePasswordConnect,
}

impl fmt::Display for VaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AwsSecretsManager => "AWS Secrets Manager",
            Self::HashicorpVault => "HashiCorp Vault",
            Self::AzureKeyVault => "Azure Key Vault",
            Self::GcpSecretManager => "GCP Secret Manager",
            Self::OnePasswordConnect => "1Password Connect",
        })
    }
}

/// A host name as a vault claims it; one `*` stands for one label (`secretsmanager.*.amazonaws.com`).
///
/// A host that several clouds use (`169.254.169.254`, their metadata services) is claimed below a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPattern {
    host: String,
    /// Empty for the whole host.
    path: String,
}

impl HostPattern {
    /// A pattern, in lower case, without a port, that claims the whole host.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self {
            host: pattern.into().to_ascii_lowercase(),
            path: String::new(),
        }
    }

    /// Claims only the paths that begin with `path` (`/metadata/`), in plain HTTP: of a tunnel no path is known.
    pub fn below(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The host's pattern.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What its paths begin with; empty where it claims the whole host.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether `host` (without a port) matches, label by label.
    pub fn matches(&self, host: &str) -> bool {
        let mut want = self.host.split('.');
        let mut have = host.trim_end_matches('.').split('.');
        loop {
            match (want.next(), have.next()) {
                (None, None) => return true,
                (Some("*"), Some(label)) if !label.is_empty() => {}
                (Some(w), Some(h)) if w.eq_ignore_ascii_case(h) => {}
                _ => return false,
            }
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.host, self.path)
    }
}

/// What a vault decided about one request, for the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The vault's own name of the operation: `GetSecretValue`, `kv-v2 read`.
    pub operation: String,
    /// Who asked, as the vault knows them after authentication: a role ARN, a Vault role; `None` if refused before.
    pub identity: Option<String>,
    /// The secret that was asked for, by the name that a scenario gives it: `prod/notebook/aws`.
    pub secret: Option<String>,
    /// The versions whose value the answer carries; empty for writes, refusals and metadata.
    pub versions: Vec<ServedVersion>,
    /// The vault's own error code where it refused: `ResourceNotFoundException`, `permission denied`.
    pub refusal: Option<String>,
}

/// One version of one secret that an answer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedVersion {
    /// The secret, as in [`Served::secret`].
    pub secret: String,
    /// The vault's own id of the version: an AWS VersionId, a KV version number.
    pub version: String,
    /// The fingerprint of the value as served (the SecretString; a KV version's data as compact JSON with sorted keys).
    pub value: Fingerprint,
}

/// Takes down what a vault decided.
///
/// A vault calls it exactly once per request, while it still holds the lock under which it decided, so that the
/// journal's order is the order of the decisions. It must not block.
pub trait Witness: Send + Sync {
    /// Takes down one decision.
    fn record(&self, served: Served);
}

/// A vault, as the gateway sees it.
#[async_trait]
pub trait Vault: Send + Sync + 'static {
    /// Which vault it is.
    fn kind(&self) -> VaultKind;

    /// The hosts that it answers for.
    fn hosts(&self) -> Vec<HostPattern>;

    /// What a request asks for, read from its form alone: the operation, and the secret where one is named.
    /// For faults that concern one operation, and for the journal of requests that never reach the vault.
    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>);

    /// Answers one request, whatever it holds, with this vault's own errors; never panics.
    ///
    /// The request's URI carries at least path and query; the host is in its `Host` header or authority.
    async fn serve(&self, request: Request<Bytes>, witness: &dyn Witness) -> Response<Body>;
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("vault.example.com", "vault.example.com", true)]
    #[case("vault.example.com", "VAULT.example.com", true)]
    #[case(
        "secretsmanager.*.amazonaws.com",
        "secretsmanager.us-east-1.amazonaws.com",
        true
    )]
    #[case(
        "secretsmanager.*.amazonaws.com",
        "secretsmanager.amazonaws.com",
        false
    )]
    #[case(
        "secretsmanager.*.amazonaws.com",
        "secretsmanager.us-east-1.amazonaws.com.evil.example",
        false
    )]
    #[case("*.vault.azure.net", ".vault.azure.net", false)]
    fn a_star_stands_for_one_label(
        #[case] pattern: &str,
        #[case] host: &str,
        #[case] matches: bool,
    ) {
        assert_eq!(HostPattern::new(pattern).matches(host), matches);
    }
}
