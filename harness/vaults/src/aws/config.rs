//! What a scenario says about an AWS account: its roles, its access keys, and what each may do.

use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};

/// One AWS account in one home region.
pub struct AwsConfig {
    /// The region whose hosts it claims.
    pub region: String,
    /// The account's 12 digits.
    pub account: String,
    /// The time by which signatures, tokens and recovery windows are judged.
    pub clock: Clock,
    /// Names, keys and request ids.
    pub entropy: Entropy,
    /// Fingerprints of served values.
    pub fingerprinter: Fingerprinter,
    /// The cluster's token issuer, registered as the account's OpenID Connect provider.
    pub verifier: Verifier,
    /// The roles.
    pub roles: Vec<Role>,
    /// The long-lived access keys.
    pub keys: Vec<StaticKey>,
}

/// An IAM role.
///
/// Its trust policy names service accounts (AssumeRoleWithWebIdentity) and the account itself (AssumeRole, which the
/// caller's own statements then decide).
#[derive(Clone, Debug)]
pub struct Role {
    /// `arn:aws:iam::<account>:role/[path/]<name>`.
    pub arn: String,
    /// The service accounts that may assume it, as (namespace, name).
    pub trusts: Vec<(String, String)>,
    /// The `aud` that a token must carry: `sts.amazonaws.com`.
    pub audience: String,
    /// What it may do.
    pub allows: Vec<Statement>,
}

/// An IAM user's access key.
#[derive(Clone)]
pub struct StaticKey {
    /// The user's name.
    pub name: String,
    /// `AKIA...`.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: SecretValue,
    /// What the user may do.
    pub allows: Vec<Statement>,
}

/// An `Allow` of an identity policy. What no statement allows is denied.
#[derive(Clone, Debug)]
pub struct Statement {
    /// `secretsmanager:GetSecretValue`, `secretsmanager:*`, `sts:AssumeRole`, `*`; letter case is ignored, as in IAM.
    pub actions: Vec<String>,
    /// Resources, `*` and `?` being wildcards: ARNs, or names of secrets (`prod/*`). Actions that have no resource
    /// (`ListSecrets`, `BatchGetSecretValue`) need `*`.
    pub secrets: Vec<String>,
}

impl Statement {
    /// Allows everything.
    pub fn all() -> Self {
        Self {
            actions: vec!["*".into()],
            secrets: vec!["*".into()],
        }
    }
}

/// What signs a request.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA...`, or `ASIA...` with a session token.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: SecretValue,
    /// The token of a temporary key.
    pub session_token: Option<SecretValue>,
}
