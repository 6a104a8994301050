//! HashiCorp Vault.

use std::time::Duration;

use rotaproof_scenario::Period;
use rotaproof_scenario::model::vault::{self as declared, AuthMount, Capability, EngineKind};

use super::{Vault, name, names};
use crate::lab::Content;

/// A HashiCorp Vault server.
///
/// ```
/// use rotaproof::Value;
/// use rotaproof::vault::{AuthRole, Capability, HashicorpVault};
///
/// let vault = HashicorpVault::at("https://vault.example.com")
///     .policy("read-db", [("secret/data/db", [Capability::Read])])
///     .kubernetes_role("reader", AuthRole::trusting(["team/reader"]).policies(["read-db"]))
///     .secret("secret/db", [("password", Value::password(32))]);
/// # let _ = vault;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HashicorpVault(Result<declared::HashicorpVault, String>);

/// Who may log in under a role, and with what they leave.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthRole(Result<declared::AuthRole, String>);

/// A token that never changes, and the Kubernetes Secret that is made for it.
#[derive(Clone, Debug)]
#[must_use]
pub struct StaticToken(Result<declared::StaticToken, String>);

impl HashicorpVault {
    /// A server that answers at this address, which the stores' `server` names; with KV v2 at `secret`, without a secret
    /// and without anybody who may read one.
    pub fn at(address: &str) -> Self {
        Self(Ok(declared::HashicorpVault {
            address: address.to_owned().into(),
            mounts: [("secret".to_owned(), EngineKind::KvV2)].into(),
            policies: Default::default(),
            kubernetes: None,
            jwt: None,
            tokens: Default::default(),
            secrets: Default::default(),
        }))
    }

    /// With a secrets engine mounted at `path`.
    pub fn engine(mut self, path: &str, kind: EngineKind) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault.mounts.insert(path.to_owned(), kind);
        }
        self
    }

    /// With a policy: paths as Vault's policies write them, and what each grants.
    pub fn policy<'a, C>(
        mut self,
        name: &str,
        paths: impl IntoIterator<Item = (&'a str, C)>,
    ) -> Self
    where
        C: IntoIterator<Item = Capability>,
    {
        if let Ok(vault) = &mut self.0 {
            let paths = paths
                .into_iter()
                .map(|(path, grants)| (path.to_owned(), grants.into_iter().collect()));
            vault.policies.insert(name.to_owned(), paths.collect());
        }
        self
    }

    /// With a role of the kubernetes auth method at its own mount, `kubernetes`.
    pub fn kubernetes_role(self, role_name: &str, role: AuthRole) -> Self {
        self.with_role(role_name, role, |vault| &mut vault.kubernetes)
    }

    /// With a role of the jwt auth method at its own mount, `jwt`. The role needs an [`AuthRole::audience`].
    pub fn jwt_role(self, role_name: &str, role: AuthRole) -> Self {
        self.with_role(role_name, role, |vault| &mut vault.jwt)
    }

    fn with_role(
        self,
        role_name: &str,
        role: AuthRole,
        method: fn(&mut declared::HashicorpVault) -> &mut Option<AuthMount>,
    ) -> Self {
        Self(self.0.and_then(|mut vault| {
            let method = method(&mut vault).get_or_insert_with(|| AuthMount {
                mount: None,
                roles: Default::default(),
            });
            method.roles.insert(role_name.to_owned().into(), role.0?);
            Ok(vault)
        }))
    }

    /// With a static token, by a name of your own.
    pub fn token(self, token_name: &str, token: StaticToken) -> Self {
        Self(self.0.and_then(|mut vault| {
            vault.tokens.insert(token_name.to_owned().into(), token.0?);
            Ok(vault)
        }))
    }

    /// With a secret from the start, as `mount/path`.
    pub fn secret(mut self, name: &str, content: impl Into<Content>) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault
                .secrets
                .insert(name.to_owned().into(), content.into().0);
        }
        self
    }
}

impl From<HashicorpVault> for Vault {
    fn from(vault: HashicorpVault) -> Self {
        Self(vault.0.map(declared::Vault::HashicorpVault))
    }
}

impl AuthRole {
    /// These service accounts may log in, for an hour at a time and without any policy.
    pub fn trusting<'a>(service_accounts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(
            names(service_accounts).map(|service_accounts| declared::AuthRole {
                service_accounts,
                audience: None,
                policies: Vec::new(),
                ttl: Period(Duration::from_hours(1)),
            }),
        )
    }

    /// Their tokens must be for this audience.
    pub fn audience(mut self, audience: &str) -> Self {
        if let Ok(role) = &mut self.0 {
            role.audience = Some(audience.to_owned());
        }
        self
    }

    /// They leave with these policies.
    pub fn policies<'a>(mut self, policies: impl IntoIterator<Item = &'a str>) -> Self {
        if let Ok(role) = &mut self.0 {
            role.policies = policies.into_iter().map(|p| p.to_owned().into()).collect();
        }
        self
    }

    /// Their token lives this long.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        if let Ok(role) = &mut self.0 {
            role.ttl = Period(ttl);
        }
        self
    }
}

impl StaticToken {
    /// Delivered into a Kubernetes Secret, under its key `token`, without any policy.
    pub fn in_secret(secret: &str) -> Self {
        Self(name(secret).map(|secret| declared::StaticToken {
            policies: Vec::new(),
            secret,
            key: "token".into(),
        }))
    }

    /// Under this key of the Secret.
    pub fn key(mut self, key: &str) -> Self {
        if let Ok(token) = &mut self.0 {
            token.key = key.to_owned();
        }
        self
    }

    /// With these policies.
    pub fn policies<'a>(mut self, policies: impl IntoIterator<Item = &'a str>) -> Self {
        if let Ok(token) = &mut self.0 {
            token.policies = policies.into_iter().map(|p| p.to_owned().into()).collect();
        }
        self
    }
}
