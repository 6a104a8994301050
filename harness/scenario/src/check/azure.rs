//! What a Key Vault demands of its declaration: an address of its own kind, names of its form, one text per secret.

use super::{Checked, each_step};
use crate::Span;
use crate::diagnostic::Diagnostic;
use crate::model::Body;
use crate::model::step::Action;
use crate::model::vault::{AzureKeyVault, Vault};

pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for vault in checked.scenario.vaults.values() {
        if let Vault::AzureKeyVault(vault) = vault {
            declaration(checked, vault, &mut found);
        }
    }
    each_step(&checked.scenario.steps, &mut |step| {
        let Action::Write(write) = &step.value else {
            return;
        };
        let vault = checked.scenario.vaults.get(write.secret.vault.as_str());
        if let (Some(Vault::AzureKeyVault(_)), Some(values)) = (vault, &write.values) {
            let first = values.keys().next().map(|field| field.as_str());
            let span = write.secret.span;
            found.push(no_fields(checked, span, &write.secret.secret, first));
        }
    });
    found
}

fn declaration(checked: &Checked<'_>, vault: &AzureKeyVault, found: &mut Vec<Diagnostic>) {
    let error = |span: Span, message: String| Diagnostic::error(checked.source, span, message);
    let url = &vault.vault_url;
    let valid = url
        .strip_prefix("https://")
        .and_then(|rest| rest.trim_end_matches('/').strip_suffix(".vault.azure.net"))
        .is_some_and(|name| is_name(name) && name.len() <= 24);
    if !valid {
        found.push(
            error(url.span, format!("`{url}` is no address of a Key Vault"))
                .help("write it as https://<name>.vault.azure.net"),
        );
    }
    for (name, body) in &vault.secrets {
        if !is_name(name) {
            let message = format!("`{name}` is no name of a Key Vault secret");
            found.push(error(name.span, message).help("1 to 127 letters, digits and `-`"));
        }
        if let Body::Fields(fields) = body {
            let first = fields.keys().next().map(|field| field.as_str());
            found.push(no_fields(checked, name.span, name, first));
        }
    }
}

fn no_fields(checked: &Checked<'_>, span: Span, secret: &str, field: Option<&str>) -> Diagnostic {
    let message = format!("`{secret}` has fields, and a secret of Azure Key Vault holds one text");
    let field = field.unwrap_or("field");
    Diagnostic::error(checked.source, span, message).help(format!(
        "give each field a secret of its own (`{secret}-{field}`), or write JSON as one text and map it with `property`"
    ))
}

fn is_name(text: &str) -> bool {
    (1..=127).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
