//! What a step asks of a vault must be something that this kind of vault can do.

use super::{Checked, each_step};
use crate::SecretRef;
use crate::diagnostic::Diagnostic;
use crate::model::step::{Action, Rotate, Strategy};
use crate::model::vault::{EngineKind, Vault};

pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    each_step(&checked.scenario.steps, &mut |step| match &step.value {
        Action::Rotate(rotate) => {
            supported(checked, rotate, &mut found);
            consistent(checked, rotate, &mut found);
        }
        action @ (Action::Disable(step) | Action::Enable(step) | Action::Destroy(step)) => {
            let vault = checked.scenario.vaults.get(step.secret.vault.as_str());
            if let Some(vault) = vault
                && !handles_versions(vault, action.verb())
            {
                found.push(
                    Diagnostic::error(
                        checked.source,
                        step.version.span,
                        format!(
                            "{} cannot {} one version of a secret",
                            vault.product(),
                            action.verb()
                        ),
                    )
                    .help("use `remove` for the whole secret"),
                );
            }
        }
        Action::Remove(remove) if !remove.forced => {
            if let Some(what) = deletes_for_good(checked, &remove.secret) {
                let message = format!("{what} for good");
                found.push(
                    Diagnostic::error(checked.source, remove.secret.span, message)
                        .help("say so: `forced: true`"),
                );
            }
        }
        Action::Restore(restore) => {
            if let Some(what) = deletes_for_good(checked, &restore.secret) {
                let message = format!("{what} for good, and cannot restore it");
                found.push(
                    Diagnostic::error(checked.source, restore.secret.span, message)
                        .help("create it anew with `write`"),
                );
            }
        }
        Action::Write(write) if write.values.is_some() == write.text.is_some() => {
            found.push(
                Diagnostic::error(
                    checked.source,
                    step.span,
                    "a `write` needs either `values` or `text`",
                )
                .help("`values` for fields, `text` for one plain body"),
            );
        }
        Action::Repeat(repeat) if repeat.times == 0 => {
            found.push(Diagnostic::error(
                checked.source,
                step.span,
                "`times: 0` repeats nothing",
            ));
        }
        _ => {}
    });
    found
}

/// What the vault of a secret does where what is removed from it cannot be restored.
fn deletes_for_good(checked: &Checked<'_>, secret: &SecretRef) -> Option<&'static str> {
    match checked.scenario.vaults.get(secret.vault.as_str())? {
        Vault::GcpSecretManager(_) => Some("GCP Secret Manager deletes a secret"),
        Vault::OnePasswordConnect(_) => Some("1Password Connect deletes an item"),
        _ => None,
    }
}

/// Whether a vault can do `verb` to a single version.
fn handles_versions(vault: &Vault, verb: &str) -> bool {
    match vault {
        Vault::AwsSecretsManager(_) => false,
        Vault::AzureKeyVault(_) => verb != "destroy",
        Vault::GcpSecretManager(_) => true,
        Vault::HashicorpVault(_) => verb == "destroy",
        Vault::OnePasswordConnect(_) => false,
    }
}

/// What a vault can do, in the order in which a message lists it.
fn strategies(vault: &Vault, secret: &SecretRef) -> &'static [Strategy] {
    match vault {
        Vault::AwsSecretsManager(_) => &[Strategy::PutValue, Strategy::Staged, Strategy::RollBack],
        Vault::AzureKeyVault(_) => &[Strategy::PutValue, Strategy::RollBack],
        Vault::GcpSecretManager(_) => &[Strategy::PutValue, Strategy::RollBack],
        Vault::OnePasswordConnect(_) => &[Strategy::PutValue, Strategy::Patch, Strategy::RollBack],
        Vault::HashicorpVault(vault) => {
            let engine = vault.mounts.iter().find_map(|(mount, kind)| {
                let rest = secret.secret.strip_prefix(mount.trim_matches('/'))?;
                rest.starts_with('/').then_some(*kind)
            });
            match engine {
                Some(EngineKind::KvV1) => &[Strategy::PutValue],
                _ => &[
                    Strategy::PutValue,
                    Strategy::CheckAndSet,
                    Strategy::Patch,
                    Strategy::RollBack,
                ],
            }
        }
    }
}

fn supported(checked: &Checked<'_>, rotate: &Rotate, found: &mut Vec<Diagnostic>) {
    let Some(vault) = checked.scenario.vaults.get(rotate.secret.vault.as_str()) else {
        return;
    };
    let able = strategies(vault, &rotate.secret);
    if !able.contains(&rotate.strategy.value) {
        let names: Vec<&str> = able.iter().map(|strategy| strategy.as_str()).collect();
        found.push(
            Diagnostic::error(
                checked.source,
                rotate.strategy.span,
                format!(
                    "{} has no strategy `{}` here",
                    vault.product(),
                    rotate.strategy.as_str()
                ),
            )
            .help(format!("it has {}", names.join(", "))),
        );
    }
}

fn consistent(checked: &Checked<'_>, rotate: &Rotate, found: &mut Vec<Diagnostic>) {
    let mut refuse =
        |span, message: &str| found.push(Diagnostic::error(checked.source, span, message));
    let rolls_back = rotate.strategy.value == Strategy::RollBack;
    match &rotate.to {
        Some(to) if !rolls_back => refuse(to.span, "`to` goes with `strategy: roll-back` only"),
        _ => {}
    }
    if rolls_back && (rotate.fields.is_some() || !rotate.values.is_empty()) {
        refuse(
            rotate.strategy.span,
            "a roll-back brings a version back as it was; it takes neither `fields` nor `values`",
        );
    }
    if rotate.times == 0 {
        refuse(rotate.secret.span, "`times: 0` rotates nothing");
    }
    if let Some(fields) = &rotate.fields
        && fields.is_empty()
    {
        refuse(rotate.secret.span, "`fields: []` changes nothing");
    }
}
