//! 1Password Connect.

use std::time::Duration;

use rotaproof_scenario::Period;
use rotaproof_scenario::model::vault as declared;
use rotaproof_scenario::model::vault::VaultAccess;

use super::{Vault, name};
use crate::lab::Content;

/// A 1Password Connect server, and the vaults behind it.
///
/// ```
/// use rotaproof::Value;
/// use rotaproof::vault::{ConnectToken, OnePasswordConnect, VaultAccess};
///
/// let vault = OnePasswordConnect::at("https://connect.example.com", ["production"])
///     .token("eso", ConnectToken::in_secret("eso/connect-token").access("production", [VaultAccess::Read]))
///     .secret("production/mlflow", [("password", Value::password(32))]);
/// # let _ = vault;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OnePasswordConnect(Result<declared::OnePasswordConnect, String>);

/// An access token, and the Kubernetes Secret that is made for it.
#[derive(Clone, Debug)]
#[must_use]
pub struct ConnectToken(Result<declared::ConnectToken, String>);

impl OnePasswordConnect {
    /// A server that answers at this address, which the stores' `connectHost` names, with these vaults; without an item
    /// and without anybody who may read one.
    pub fn at<'a>(address: &str, vaults: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Ok(declared::OnePasswordConnect {
            address: address.to_owned().into(),
            vaults: vaults.into_iter().map(|v| v.to_owned().into()).collect(),
            tokens: Default::default(),
            secrets: Default::default(),
            documents: Default::default(),
        }))
    }

    /// With an access token, by a name of your own.
    pub fn token(self, token_name: &str, token: ConnectToken) -> Self {
        Self(self.0.and_then(|mut vault| {
            vault.tokens.insert(token_name.to_owned().into(), token.0?);
            Ok(vault)
        }))
    }

    /// With an item from the start, as `vault/item`; a plain body is the field `password`.
    pub fn secret(mut self, name: &str, content: impl Into<Content>) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault
                .secrets
                .insert(name.to_owned().into(), content.into().0);
        }
        self
    }
}

impl From<OnePasswordConnect> for Vault {
    fn from(vault: OnePasswordConnect) -> Self {
        Self(vault.0.map(declared::Vault::OnePasswordConnect))
    }
}

impl ConnectToken {
    /// A token under the key `token` of this Kubernetes Secret, for no vault yet and without an end.
    pub fn in_secret(secret: &str) -> Self {
        Self(name(secret).map(|secret| declared::ConnectToken {
            vaults: Default::default(),
            secret,
            key: "token".to_owned(),
            ttl: None,
        }))
    }

    /// Under this key of the Secret.
    pub fn key(mut self, key: &str) -> Self {
        if let Ok(token) = &mut self.0 {
            token.key = key.to_owned();
        }
        self
    }

    /// With what it may do in a vault.
    pub fn access(mut self, vault: &str, access: impl IntoIterator<Item = VaultAccess>) -> Self {
        if let Ok(token) = &mut self.0 {
            let access = access.into_iter().collect();
            token.vaults.insert(vault.to_owned().into(), access);
        }
        self
    }

    /// With an end.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        if let Ok(token) = &mut self.0 {
            token.ttl = Some(Period(ttl));
        }
        self
    }
}
