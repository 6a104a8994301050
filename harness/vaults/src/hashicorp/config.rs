//! What one Vault server is set up with before it serves.

use std::collections::BTreeMap;
use std::time::Duration;

use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};

use super::policy::Capability;

/// A Vault server.
pub struct HashicorpConfig {
    /// The host that it answers for, without scheme and port: `vault.example.com`.
    pub address: String,
    /// The time by which tokens live and versions are stamped.
    pub clock: Clock,
    /// Draws request ids, tokens and accessors.
    pub entropy: Entropy,
    /// Fingerprints the values served.
    pub fingerprinter: Fingerprinter,
    /// The secrets engines.
    pub mounts: Vec<Mount>,
    /// Policies by name: path globs (`*` at the end, `+` for a segment) with what they grant.
    /// `root` and `default` are built in; a `default` here replaces Vault's own.
    pub policies: BTreeMap<String, Vec<(String, Vec<Capability>)>>,
    /// Kubernetes auth methods.
    pub kubernetes: Vec<KubernetesAuth>,
    /// JWT auth methods.
    pub jwt: Vec<JwtAuth>,
    /// Tokens that exist from the start.
    pub tokens: Vec<StaticToken>,
}

/// A secrets engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted, without slashes at the ends: `secret`, `team/kv`.
    pub path: String,
    /// What it is.
    pub kind: MountKind,
}

/// The kinds of secrets engines served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// Key/value, unversioned.
    KvV1,
    /// Key/value, versioned.
    KvV2,
}

/// A kubernetes auth method.
#[derive(Clone)]
pub struct KubernetesAuth {
    /// Where it is mounted below `auth/`: `kubernetes`.
    pub mount: String,
    /// Verifies service account tokens, in place of the TokenReview call.
    pub verifier: Verifier,
    /// Its roles.
    pub roles: Vec<KubernetesRole>,
}

/// A role of a kubernetes auth method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesRole {
    /// The role's name.
    pub name: String,
    /// The service accounts that may take it, as (namespace, name); `*` matches any rest of a text.
    pub service_accounts: Vec<(String, String)>,
    /// An audience that the token must have.
    pub audience: Option<String>,
    /// The policies of its tokens, besides `default`.
    pub policies: Vec<String>,
    /// How long its tokens live; `None` is Vault's 768 h.
    pub ttl: Option<Duration>,
}

/// A JWT auth method.
#[derive(Clone)]
pub struct JwtAuth {
    /// Where it is mounted below `auth/`: `jwt`.
    pub mount: String,
    /// Verifies tokens; its issuer is the bound issuer.
    pub verifier: Verifier,
    /// Its roles.
    pub roles: Vec<JwtRole>,
}

/// A role of a JWT auth method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtRole {
    /// The role's name.
    pub name: String,
    /// The token must have one of these; a token with an audience is refused where this is empty.
    pub bound_audiences: Vec<String>,
    /// The `sub` that the token must have.
    pub bound_subject: Option<String>,
    /// The claim that names the user; usually `sub`.
    pub user_claim: String,
    /// The policies of its tokens, besides `default`.
    pub policies: Vec<String>,
    /// How long its tokens live; `None` is Vault's 768 h.
    pub ttl: Option<Duration>,
}

/// A token that exists from the start.
#[derive(Clone)]
pub struct StaticToken {
    /// What the journal calls its bearer.
    pub name: String,
    /// The token.
    pub token: SecretValue,
    /// Its policies; `default` is added unless `root` is among them.
    pub policies: Vec<String>,
    /// How long it lives; `None` never ends, as Vault's root token.
    pub ttl: Option<Duration>,
}
