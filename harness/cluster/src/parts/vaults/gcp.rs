//! GCP Secret Manager: service accounts, their keys, workload identities, the project's writer.

use std::sync::Arc;

use rotaproof_base::Entropy;
use rotaproof_scenario::model::vault as declared;
use rotaproof_vaults::gcp;

use super::{Setting, Started, attach};
use crate::parts::credentials::Delivery;
use crate::{Access, Error};

pub(super) fn start(
    name: &str,
    declared: &declared::GcpSecretManager,
    setting: &Setting<'_>,
    entropy: &Entropy,
    deliveries: &mut Vec<Delivery>,
) -> Result<Started, Error> {
    let mut service_accounts = Vec::new();
    for (email, account) in &declared.service_accounts {
        let mut keys = Vec::new();
        if let Some(wanted) = &account.key {
            let key = gcp::ServiceAccountKey::generate(&entropy.fork("keys").fork(email))
                .map_err(Error::starting("a vault's credentials"))?;
            deliveries.push(Delivery {
                namespace: wanted.secret.namespace.clone(),
                name: wanted.secret.name.clone(),
                data: vec![(
                    wanted.key.clone(),
                    key.file(&declared.project, email, gcp::TOKEN_URI),
                )],
            });
            keys.push(key);
        }
        service_accounts.push(gcp::ServiceAccount {
            email: email.value.clone(),
            workload_identity_users: account
                .workload_identity_users
                .iter()
                .map(|user| (user.namespace.clone(), user.name.clone()))
                .collect(),
            grants: grants(account.allows.as_deref()),
            keys,
        });
    }
    let workloads = declared.workload_identities.iter();
    let workload_identities = workloads.map(|(account, identity)| gcp::WorkloadIdentity {
        namespace: account.namespace.clone(),
        name: account.name.clone(),
        grants: grants(identity.allows.as_deref()),
    });
    let vault = gcp::GcpVault::new(gcp::GcpConfig {
        project: declared.project.clone(),
        cluster: gcp::GkeCluster {
            location: declared.cluster.location.clone(),
            name: declared.cluster.name.clone(),
        },
        clock: setting.clock.clone(),
        entropy: entropy.clone(),
        fingerprinter: setting.fingerprinter.clone(),
        verifier: setting.verifier.clone(),
        service_accounts,
        workload_identities: workload_identities.collect(),
    });
    let token = vault.administrator();
    let vault = Arc::new(vault);
    let client = attach(name, vault.clone(), setting)?;
    let writer = gcp::GcpWriter::new(
        client,
        &format!("http://{}", gcp::HOST),
        &declared.project,
        token,
        setting.clock.clone(),
    );
    Ok(Started {
        writer: Box::new(writer),
        access: Access::default()
            .text("GOOGLE_CLOUD_PROJECT", &declared.project)
            .endpoint("ROTAPROOF_GCP_ENDPOINT")
            .file(
                "GOOGLE_APPLICATION_CREDENTIALS",
                "gcp-key.json",
                move || vault.administrator_key().map_err(|error| error.to_string()),
            ),
    })
}

fn grants(allows: Option<&[declared::RoleBinding]>) -> Vec<gcp::Grant> {
    let Some(allows) = allows else {
        return vec![gcp::Grant::admin()];
    };
    let bindings = allows.iter().flat_map(|binding| {
        binding.roles.iter().map(|role| gcp::Grant {
            role: role.value.clone(),
            secrets: binding.secrets.clone(),
        })
    });
    bindings.collect()
}
