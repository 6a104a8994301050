//! The built-in vaults of a scenario, attached to the gateway, with a writer and the credentials of each.

use std::sync::Arc;

use indexmap::IndexMap;
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue, TaskGroup, memory};
use rotaproof_gateway::Gateway;
use rotaproof_scenario::Located;
use rotaproof_scenario::model::vault::{self as declared, Vault as Declared};
use rotaproof_vaults::{Vault, Writer, aws, hashicorp};

use super::credentials::Delivery;
use crate::{Error, Vaults};

/// What every vault is set up with.
pub(super) struct Setting<'a> {
    pub(super) clock: &'a Clock,
    pub(super) entropy: &'a Entropy,
    pub(super) fingerprinter: &'a Fingerprinter,
    pub(super) verifier: &'a Verifier,
    pub(super) gateway: &'a Gateway,
    pub(super) tasks: &'a TaskGroup,
}

type Writers = IndexMap<String, Box<dyn Writer>>;

/// Starts every declared vault.
pub(super) fn start(
    vaults: &Vaults,
    setting: &Setting<'_>,
) -> Result<(Writers, Vec<Delivery>), Error> {
    let mut writers = Writers::new();
    let mut deliveries = Vec::new();
    for (name, vault) in vaults {
        let entropy = setting.entropy.fork(name);
        let writer = match vault {
            Declared::AwsSecretsManager(aws) => {
                start_aws(name, aws, setting, &entropy, &mut deliveries)?
            }
            Declared::HashicorpVault(vault) => {
                start_hashicorp(name, vault, setting, &entropy, &mut deliveries)?
            }
        };
        writers.insert(name.value.clone(), writer);
    }
    Ok((writers, deliveries))
}

/// Attaches a vault to the gateway, and answers a client for its direct endpoint.
fn attach(
    name: &str,
    vault: Arc<dyn Vault>,
    setting: &Setting<'_>,
) -> Result<rotaproof_egress::Client, Error> {
    setting
        .gateway
        .attach(name, vault)
        .map_err(Error::starting("the gateway"))?;
    let (dialer, listener) = memory();
    setting
        .gateway
        .serve_direct(name, listener, setting.tasks)
        .map_err(Error::starting("a vault's direct endpoint"))?;
    rotaproof_egress::Client::builder(setting.clock.clone())
        .direct(Arc::new(dialer))
        .build()
        .map_err(Error::starting("a vault's writer"))
}

fn start_aws(
    name: &str,
    declared: &declared::AwsSecretsManager,
    setting: &Setting<'_>,
    entropy: &Entropy,
    deliveries: &mut Vec<Delivery>,
) -> Result<Box<dyn Writer>, Error> {
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
    let vault = aws::AwsVault::new(aws::AwsConfig {
        region: declared.region.clone(),
        account: declared.account.clone(),
        clock: setting.clock.clone(),
        entropy: entropy.clone(),
        fingerprinter: setting.fingerprinter.clone(),
        verifier: setting.verifier.clone(),
        roles: roles.collect(),
        keys,
    });
    let administrator = vault.administrator();
    let client = attach(name, Arc::new(vault), setting)?;
    let endpoint = format!("http://secretsmanager.{}.amazonaws.com", declared.region);
    Ok(Box::new(aws::AwsWriter::new(
        client,
        &endpoint,
        &declared.region,
        &administrator,
        setting.clock.clone(),
        entropy.fork("writer"),
    )))
}

fn start_hashicorp(
    name: &str,
    declared: &declared::HashicorpVault,
    setting: &Setting<'_>,
    entropy: &Entropy,
    deliveries: &mut Vec<Delivery>,
) -> Result<Box<dyn Writer>, Error> {
    let mounts: Vec<hashicorp::Mount> = declared
        .mounts
        .iter()
        .map(|(path, kind)| hashicorp::Mount {
            path: path.clone(),
            kind: match kind {
                declared::EngineKind::KvV1 => hashicorp::MountKind::KvV1,
                declared::EngineKind::KvV2 => hashicorp::MountKind::KvV2,
            },
        })
        .collect();
    let policies = declared.policies.iter().map(|(name, paths)| {
        let paths = paths.iter().map(|(path, capabilities)| {
            (
                path.clone(),
                capabilities.iter().copied().map(capability).collect(),
            )
        });
        (name.clone(), paths.collect())
    });
    let names = |located: &[Located<String>]| located.iter().map(|n| n.value.clone()).collect();
    let kubernetes = declared
        .kubernetes
        .iter()
        .map(|auth| hashicorp::KubernetesAuth {
            mount: auth.mount.clone().unwrap_or_else(|| "kubernetes".into()),
            verifier: setting.verifier.clone(),
            roles: auth
                .roles
                .iter()
                .map(|(name, role)| hashicorp::KubernetesRole {
                    name: name.value.clone(),
                    service_accounts: role
                        .service_accounts
                        .iter()
                        .map(|account| (account.namespace.clone(), account.name.clone()))
                        .collect(),
                    audience: role.audience.clone(),
                    policies: names(&role.policies),
                    ttl: Some(role.ttl.0),
                })
                .collect(),
        });
    let jwt = declared.jwt.iter().map(|auth| hashicorp::JwtAuth {
        mount: auth.mount.clone().unwrap_or_else(|| "jwt".into()),
        verifier: setting.verifier.clone(),
        roles: auth
            .roles
            .iter()
            .map(|(name, role)| hashicorp::JwtRole {
                name: name.value.clone(),
                bound_audiences: role.audience.iter().cloned().collect(),
                // Vault binds one subject; a scenario that trusts several accounts trusts any, by audience.
                bound_subject: match role.service_accounts.as_slice() {
                    [one] => Some(format!(
                        "system:serviceaccount:{}:{}",
                        one.namespace, one.name
                    )),
                    _ => None,
                },
                user_claim: "sub".into(),
                policies: names(&role.policies),
                ttl: Some(role.ttl.0),
            })
            .collect(),
    });
    let mut tokens = Vec::new();
    for (bearer, token) in &declared.tokens {
        let value = SecretValue::new(format!(
            "hvs.{}",
            entropy.text(
                b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                24
            )
        ));
        deliveries.push(Delivery {
            namespace: token.secret.namespace.clone(),
            name: token.secret.name.clone(),
            data: vec![(token.key.clone(), value.clone())],
        });
        tokens.push(hashicorp::StaticToken {
            name: bearer.value.clone(),
            token: value,
            policies: names(&token.policies),
            ttl: None,
        });
    }
    let address = declared.address.value.as_str();
    let host = address.split_once("://").map_or(address, |(_, host)| host);
    let host = host.split(['/', ':']).next().unwrap_or(host);
    let vault = hashicorp::HashicorpVault::new(hashicorp::HashicorpConfig {
        address: host.to_owned(),
        clock: setting.clock.clone(),
        entropy: entropy.clone(),
        fingerprinter: setting.fingerprinter.clone(),
        mounts: mounts.clone(),
        policies: policies.collect(),
        kubernetes: kubernetes.collect(),
        jwt: jwt.collect(),
        tokens,
    });
    let token = vault.root_token();
    let client = attach(name, Arc::new(vault), setting)?;
    Ok(Box::new(hashicorp::HashicorpWriter::new(
        client,
        &format!("http://{host}"),
        token,
        mounts,
        setting.clock.clone(),
    )))
}

fn capability(declared: declared::Capability) -> hashicorp::Capability {
    match declared {
        declared::Capability::Create => hashicorp::Capability::Create,
        declared::Capability::Read => hashicorp::Capability::Read,
        declared::Capability::Update => hashicorp::Capability::Update,
        declared::Capability::Patch => hashicorp::Capability::Patch,
        declared::Capability::Delete => hashicorp::Capability::Delete,
        declared::Capability::List => hashicorp::Capability::List,
        declared::Capability::Sudo => hashicorp::Capability::Sudo,
        declared::Capability::Deny => hashicorp::Capability::Deny,
    }
}
