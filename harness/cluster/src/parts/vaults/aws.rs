//! AWS Secrets Manager: roles, static keys, the account's writer.

use std::sync::Arc;

use rotaproof_backends::AwsServer;
use rotaproof_base::{Entropy, SecretValue};
use rotaproof_scenario::model::vault as declared;
use rotaproof_vaults::{Vault, aws};

use super::{Setting, Started, attach};
use crate::parts::credentials::Delivery;
use crate::{Access, Error};

pub(super) async fn start(
    name: &str,
    declared: &declared::AwsSecretsManager,
    setting: &Setting<'_>,
    entropy: &Entropy,
    deliveries: &mut Vec<Delivery>,
) -> Result<Started, Error> {
    let statements = |allows: &Option<Vec<declared::Allow>>| match allows {
        None => vec![aws::Statement::all()],
        Some(allows) => allows
            .iter()
            .map(|allow| aws::Statement {
                actions: allow.actions.clone(),
                secrets: allow.secrets.clone(),
            })
            .collect(),
    };
    let roles = declared.roles.iter().map(|(arn, role)| aws::Role {
        arn: arn.value.clone(),
        trusts: role
            .trusts
            .iter()
            .map(|account| (account.namespace.clone(), account.name.clone()))
            .collect(),
        audience: role.audience.clone(),
        allows: statements(&role.allows),
    });
    let mut keys = Vec::new();
    for (user, key) in &declared.keys {
        let id = format!(
            "AKIA{}",
            entropy.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
        );
        let secret = SecretValue::new(entropy.text(
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
            40,
        ));
        deliveries.push(Delivery {
            namespace: key.secret.namespace.clone(),
            name: key.secret.name.clone(),
            data: vec![
                (key.access_key_id.clone(), SecretValue::new(id.clone())),
                (key.secret_access_key.clone(), secret.clone()),
            ],
        });
        keys.push(aws::StaticKey {
            name: user.value.clone(),
            access_key_id: id,
            secret_access_key: secret,
            allows: statements(&key.allows),
        });
    }
    let config = aws::AwsConfig {
        region: declared.region.clone(),
        account: declared.account.clone(),
        clock: setting.clock.clone(),
        entropy: entropy.clone(),
        fingerprinter: setting.fingerprinter.clone(),
        verifier: setting.verifier.clone(),
        roles: roles.collect(),
        keys,
    };
    let localstack = setting
        .servers
        .filter(|servers| servers.containers.settings().aws == AwsServer::LocalStack);
    let (administrator, vault): (_, Arc<dyn Vault>) = match localstack {
        None => {
            let vault = aws::AwsVault::new(config);
            (vault.administrator(), Arc::new(vault))
        }
        Some(servers) => {
            let vault = servers.containers.aws(config).await;
            let vault = vault.map_err(Error::starting("LocalStack"))?;
            (vault.administrator(), Arc::new(vault))
        }
    };
    let client = attach(name, vault, setting)?;
    let endpoint = format!("http://secretsmanager.{}.amazonaws.com", declared.region);
    let writer = aws::AwsWriter::new(
        client,
        &endpoint,
        &declared.region,
        &administrator,
        setting.clock.clone(),
        entropy.fork("writer"),
    );
    Ok(Started {
        writer: Box::new(writer),
        access: access(&declared.region, administrator),
    })
}

/// The variables of the AWS SDKs' and the CLI's shared configuration.
fn access(region: &str, administrator: aws::Credentials) -> Access {
    Access::default()
        .text("AWS_REGION", region)
        .text("AWS_DEFAULT_REGION", region)
        .text("AWS_ACCESS_KEY_ID", administrator.access_key_id)
        .secret("AWS_SECRET_ACCESS_KEY", administrator.secret_access_key)
        .endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER")
        .endpoint("AWS_ENDPOINT_URL_STS")
}
