//! What a GCP project declares must be what Google would take.

use super::Checked;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::model::vault::{GCP_ROLES, GcpSecretManager, RoleBinding, Vault};

pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for vault in checked.scenario.vaults.values() {
        if let Vault::GcpSecretManager(vault) = vault {
            accounts(checked, vault, &mut found);
            roles(checked, vault, &mut found);
            ids(checked, vault, &mut found);
        }
    }
    found
}

fn accounts(checked: &Checked<'_>, vault: &GcpSecretManager, found: &mut Vec<Diagnostic>) {
    for email in vault.service_accounts.keys() {
        let name = email
            .strip_suffix(".iam.gserviceaccount.com")
            .and_then(|rest| rest.split_once('@'));
        if name.is_none_or(|(name, project)| name.is_empty() || project.is_empty()) {
            found.push(
                Diagnostic::error(
                    checked.source,
                    email.span,
                    format!("`{email}` is no service account's address"),
                )
                .help(format!(
                    "write it as NAME@{}.iam.gserviceaccount.com",
                    vault.project
                )),
            );
        }
    }
}

fn roles(checked: &Checked<'_>, vault: &GcpSecretManager, found: &mut Vec<Diagnostic>) {
    let accounts = vault.service_accounts.values().map(|one| &one.allows);
    let workloads = vault.workload_identities.values().map(|one| &one.allows);
    let bindings = accounts.chain(workloads).flatten().flatten();
    for role in bindings.flat_map(|RoleBinding { roles, .. }| roles) {
        if GCP_ROLES.contains(&role.as_str()) || role.starts_with("secretmanager.") {
            continue;
        }
        let help = match did_you_mean(role, GCP_ROLES.into_iter()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "a role of Secret Manager, or a permission such as `secretmanager.versions.access`"
                    .to_owned()
            }
        };
        let message = format!("Secret Manager has no role `{role}`");
        found.push(Diagnostic::error(checked.source, role.span, message).help(help));
    }
}

fn ids(checked: &Checked<'_>, vault: &GcpSecretManager, found: &mut Vec<Diagnostic>) {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for id in vault.secrets.keys() {
        if id.is_empty() || id.len() > 255 || !id.chars().all(legal) {
            found.push(
                Diagnostic::error(
                    checked.source,
                    id.span,
                    format!("`{id}` is no id of a GCP secret"),
                )
                .help("up to 255 letters, digits, `-` and `_`"),
            );
        }
    }
}
