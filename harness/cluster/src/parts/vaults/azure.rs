//! Azure Key Vault: managed identities, service principals, workload identities, the vault's writer.

use std::sync::Arc;

use rotaproof_base::{Entropy, SecretValue};
use rotaproof_scenario::model::vault as declared;
use rotaproof_vaults::azure;

use super::{Setting, Started, attach};
use crate::parts::credentials::Delivery;
use crate::{Access, Error};

pub(super) fn start(
    name: &str,
    declared: &declared::AzureKeyVault,
    setting: &Setting<'_>,
    entropy: &Entropy,
    deliveries: &mut Vec<Delivery>,
) -> Result<Started, Error> {
    let mut principals = managed(declared);
    principals.extend(federated(declared, setting.verifier.issuer()));
    for (name, principal) in &declared.service_principals {
        let id = entropy.uuid().to_string();
        let secret = SecretValue::new(entropy.text(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789~-_.",
            40,
        ));
        deliveries.push(Delivery {
            namespace: principal.secret.namespace.clone(),
            name: principal.secret.name.clone(),
            data: vec![
                (principal.client_id.clone(), SecretValue::new(id.clone())),
                (principal.client_secret.clone(), secret.clone()),
            ],
        });
        principals.push(azure::Principal {
            name: name.value.clone(),
            client_id: id,
            roles: roles(&principal.roles),
            managed_identity: None,
            client_secret: Some(secret),
            federated: Vec::new(),
        });
    }
    let url = declared.vault_url.trim_end_matches('/');
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    let vault = azure::AzureVault::new(azure::AzureConfig {
        host: host.to_ascii_lowercase(),
        tenant: declared.tenant.clone(),
        clock: setting.clock.clone(),
        entropy: entropy.clone(),
        fingerprinter: setting.fingerprinter.clone(),
        verifier: setting.verifier.clone(),
        principals,
    })
    .map_err(Error::starting("a vault's token issuer"))?;
    let administrator = vault.administrator();
    let access = access(url, &administrator);
    let client = attach(name, Arc::new(vault), setting)?;
    let clock = setting.clock.clone();
    let writer = azure::AzureWriter::new(client, "http", host, administrator, clock);
    Ok(Started {
        writer: Box::new(writer),
        access,
    })
}

fn managed(declared: &declared::AzureKeyVault) -> Vec<azure::Principal> {
    let identities = declared.managed_identities.iter();
    let principals = identities.map(|(name, identity)| azure::Principal {
        name: name.value.clone(),
        client_id: identity.client_id.clone(),
        roles: roles(&identity.roles),
        managed_identity: Some(identity.resource_id.clone().unwrap_or_else(|| {
            format!(
                "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rotaproof/providers/\
                 Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
            )
        })),
        client_secret: None,
        federated: Vec::new(),
    });
    principals.collect()
}

fn federated<'a>(
    declared: &'a declared::AzureKeyVault,
    cluster: &'a str,
) -> impl Iterator<Item = azure::Principal> + 'a {
    let identities = declared.workload_identities.iter();
    identities.map(move |(name, identity)| azure::Principal {
        name: name.value.clone(),
        client_id: identity.client_id.clone(),
        roles: roles(&identity.roles),
        managed_identity: None,
        client_secret: None,
        federated: identity
            .trusts
            .iter()
            .map(|account| azure::FederatedCredential {
                issuer: identity
                    .issuer
                    .clone()
                    .unwrap_or_else(|| cluster.to_owned()),
                subject: format!(
                    "system:serviceaccount:{}:{}",
                    account.namespace, account.name
                ),
                audience: identity.audience.clone(),
            })
            .collect(),
    })
}

fn roles(declared: &[declared::KeyVaultRole]) -> Vec<azure::Role> {
    let roles = declared.iter().map(|role| match role {
        declared::KeyVaultRole::Administrator => azure::Role::Administrator,
        declared::KeyVaultRole::SecretsOfficer => azure::Role::SecretsOfficer,
        declared::KeyVaultRole::SecretsUser => azure::Role::SecretsUser,
        declared::KeyVaultRole::Reader => azure::Role::Reader,
        declared::KeyVaultRole::Contributor => azure::Role::Contributor,
    });
    roles.collect()
}

/// The variables of Azure's identity libraries. The vault is reached through the proxy, under its real name: its SDKs
/// want that name to match the challenge.
fn access(url: &str, administrator: &azure::Administrator) -> Access {
    Access::default()
        .text("AZURE_TENANT_ID", &administrator.tenant)
        .text("AZURE_CLIENT_ID", &administrator.client_id)
        .secret("AZURE_CLIENT_SECRET", administrator.client_secret.clone())
        .text("ROTAPROOF_AZURE_VAULT_URL", url)
        .endpoint("ROTAPROOF_AZURE_ENDPOINT")
}
