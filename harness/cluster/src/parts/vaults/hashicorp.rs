//! HashiCorp Vault: engines, policies, logins, static tokens, the root token's writer.

use std::sync::Arc;

use rotaproof_backends::HashicorpServer;
use rotaproof_base::{Entropy, SecretValue};
use rotaproof_scenario::Located;
use rotaproof_scenario::model::vault as declared;
use rotaproof_vaults::{Vault, hashicorp};

use super::{Setting, Started, attach};
use crate::parts::credentials::Delivery;
use crate::{Access, Error};

pub(super) async fn start(
    name: &str,
    declared: &declared::HashicorpVault,
    setting: &Setting<'_>,
    entropy: &Entropy,
    deliveries: &mut Vec<Delivery>,
) -> Result<Started, Error> {
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
    let own = tokens.clone();
    let config = hashicorp::HashicorpConfig {
        address: host.to_owned(),
        clock: setting.clock.clone(),
        entropy: entropy.clone(),
        fingerprinter: setting.fingerprinter.clone(),
        mounts: mounts.clone(),
        policies: policies.collect(),
        kubernetes: kubernetes.collect(),
        jwt: jwt.collect(),
        tokens,
    };
    let dev_server = setting
        .servers
        .filter(|servers| servers.containers.settings().hashicorp != HashicorpServer::Emulated);
    let (root, tokens, vault): (_, Vec<Option<SecretValue>>, Arc<dyn Vault>) = match dev_server {
        None => {
            let vault = hashicorp::HashicorpVault::new(config);
            let tokens = own.into_iter().map(|own| Some(own.token));
            (vault.root_token(), tokens.collect(), Arc::new(vault))
        }
        Some(servers) => {
            let vault = servers
                .containers
                .hashicorp(config, Some(servers.cluster))
                .await
                .map_err(Error::starting("Vault's dev server"))?;
            let tokens = own.iter().map(|own| vault.token(&own.name));
            (vault.root_token(), tokens.collect(), Arc::new(vault))
        }
    };
    for (token, value) in declared.tokens.values().zip(tokens) {
        deliveries.extend(value.map(|value| Delivery {
            namespace: token.secret.namespace.clone(),
            name: token.secret.name.clone(),
            data: vec![(token.key.clone(), value)],
        }));
    }
    let client = attach(name, vault, setting)?;
    let access = Access::default()
        .endpoint("VAULT_ADDR")
        .secret("VAULT_TOKEN", root.clone());
    let writer = hashicorp::HashicorpWriter::new(
        client,
        &format!("http://{host}"),
        root,
        mounts,
        setting.clock.clone(),
    );
    Ok(Started {
        writer: Box::new(writer),
        access,
    })
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
