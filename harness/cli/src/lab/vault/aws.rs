//! AWS Secrets Manager, with STS.

use rotaproof_scenario::model::vault::{self as declared, Allow};

use super::{Vault, name, names};
use crate::lab::Content;

/// AWS Secrets Manager in one region of one account, with STS.
///
/// ```
/// use rotaproof::Value;
/// use rotaproof::vault::{AwsSecretsManager, IamRole};
///
/// let aws = AwsSecretsManager::new()
///     .region("eu-central-1")
///     .role(
///         "arn:aws:iam::123456789012:role/reader",
///         IamRole::trusting(["team/reader"]).allow(["secretsmanager:GetSecretValue"], ["prod/*"]),
///     )
///     .secret("prod/db", [("user", Value::from("app")), ("password", Value::password(32))]);
/// # let _ = aws;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AwsSecretsManager(Result<declared::AwsSecretsManager, String>);

/// A role that service accounts may assume (IRSA).
#[derive(Clone, Debug)]
#[must_use]
pub struct IamRole(Result<declared::Role, String>);

/// A static access key, and the Kubernetes Secret that is made for it.
#[derive(Clone, Debug)]
#[must_use]
pub struct AccessKey(Result<declared::AccessKey, String>);

impl Default for AwsSecretsManager {
    fn default() -> Self {
        Self::new()
    }
}

impl AwsSecretsManager {
    /// `us-east-1` of account `123456789012`, without a secret and without anybody who may read one.
    pub fn new() -> Self {
        Self(Ok(declared::AwsSecretsManager {
            region: "us-east-1".into(),
            account: "123456789012".into(),
            roles: Default::default(),
            keys: Default::default(),
            secrets: Default::default(),
        }))
    }

    /// In this region.
    pub fn region(mut self, region: &str) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault.region = region.to_owned();
        }
        self
    }

    /// In this account, by its twelve digits.
    pub fn account(mut self, account: &str) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault.account = account.to_owned();
        }
        self
    }

    /// With a role, by its ARN.
    pub fn role(self, arn: &str, role: IamRole) -> Self {
        Self(self.0.and_then(|mut vault| {
            vault.roles.insert(arn.to_owned().into(), role.0?);
            Ok(vault)
        }))
    }

    /// With a static access key, by a name of your own.
    pub fn access_key(self, key_name: &str, key: AccessKey) -> Self {
        Self(self.0.and_then(|mut vault| {
            vault.keys.insert(key_name.to_owned().into(), key.0?);
            Ok(vault)
        }))
    }

    /// With a secret from the start: one text, or fields that make a JSON object.
    pub fn secret(mut self, name: &str, content: impl Into<Content>) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault
                .secrets
                .insert(name.to_owned().into(), content.into().0);
        }
        self
    }
}

impl From<AwsSecretsManager> for Vault {
    fn from(vault: AwsSecretsManager) -> Self {
        Self(vault.0.map(declared::Vault::AwsSecretsManager))
    }
}

impl IamRole {
    /// These service accounts may assume it, with a token for `sts.amazonaws.com`. It may do everything, until
    /// [`IamRole::allow`] says what.
    pub fn trusting<'a>(service_accounts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names(service_accounts).map(|trusts| declared::Role {
            trusts,
            audience: "sts.amazonaws.com".into(),
            allows: None,
        }))
    }

    /// Their tokens must be for this audience.
    pub fn audience(mut self, audience: &str) -> Self {
        if let Ok(role) = &mut self.0 {
            role.audience = audience.to_owned();
        }
        self
    }

    /// It may take these actions on secrets of these names, and on no others; `*` stands for any text.
    pub fn allow<'a, 'b>(
        mut self,
        actions: impl IntoIterator<Item = &'a str>,
        secrets: impl IntoIterator<Item = &'b str>,
    ) -> Self {
        if let Ok(role) = &mut self.0 {
            role.allows
                .get_or_insert_default()
                .push(statement(actions, secrets));
        }
        self
    }
}

impl AccessKey {
    /// Delivered into a Kubernetes Secret, under these keys of it.
    pub fn in_secret(secret: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        Self(name(secret).map(|secret| declared::AccessKey {
            secret,
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            allows: None,
        }))
    }

    /// As [`IamRole::allow`].
    pub fn allow<'a, 'b>(
        mut self,
        actions: impl IntoIterator<Item = &'a str>,
        secrets: impl IntoIterator<Item = &'b str>,
    ) -> Self {
        if let Ok(key) = &mut self.0 {
            key.allows
                .get_or_insert_default()
                .push(statement(actions, secrets));
        }
        self
    }
}

fn statement<'a, 'b>(
    actions: impl IntoIterator<Item = &'a str>,
    secrets: impl IntoIterator<Item = &'b str>,
) -> Allow {
    Allow {
        actions: actions.into_iter().map(str::to_owned).collect(),
        secrets: secrets.into_iter().map(str::to_owned).collect(),
    }
}
