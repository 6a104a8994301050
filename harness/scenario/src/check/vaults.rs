//! Vaults, secrets and fields that steps speak of must be declared.

use std::collections::HashSet;

use super::{Checked, each_step};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::manifest::{Declared, host};
use crate::model::expect::{EnvExpectation, Expected, Subject};
use crate::model::step::{Action, HealTarget};
use crate::model::vault::{OnePasswordConnect, Vault};
use crate::model::{Body, Value};
use crate::{Located, SecretRef, Span, ValueRef};

pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut names = Names {
        checked,
        written: HashSet::new(),
        found: Vec::new(),
    };
    names.declarations();
    // A secret may be created by a `write` before or after the expectation that names it.
    each_step(&checked.scenario.steps, &mut |step| {
        if let Action::Write(write) = &step.value {
            names.written.insert(write.secret.value.clone());
        }
    });
    each_step(&checked.scenario.steps, &mut |step| names.step(&step.value));
    names.found
}

/// The hosts that no other vault of the scenario may answer for.
fn answers_for(vault: &Vault) -> Vec<String> {
    match vault {
        Vault::AwsSecretsManager(vault) => {
            vec![format!("secretsmanager.{}.amazonaws.com", vault.region)]
        }
        Vault::AzureKeyVault(vault) => {
            vec![
                host(&vault.vault_url),
                "login.microsoftonline.com".to_owned(),
            ]
        }
        Vault::GcpSecretManager(_) => vec!["secretmanager.googleapis.com".to_owned()],
        Vault::HashicorpVault(vault) => vec![host(&vault.address)],
        Vault::OnePasswordConnect(vault) => vec![host(&vault.address)],
    }
}

struct Names<'a> {
    checked: &'a Checked<'a>,
    written: HashSet<SecretRef>,
    found: Vec<Diagnostic>,
}

impl Names<'_> {
    fn error(&mut self, span: Span, message: String, help: Option<String>) {
        self.found
            .push(Diagnostic::error(self.checked.source, span, message).maybe_help(help));
    }

    fn declarations(&mut self) {
        let mut hosts: Vec<(String, &str)> = Vec::new();
        for (name, vault) in &self.checked.scenario.vaults {
            for host in answers_for(vault) {
                if let Some((_, first)) = hosts.iter().find(|(other, _)| *other == host) {
                    let message = format!("`{name}` answers for {host}, as `{first}` does");
                    let help = match vault {
                        Vault::AzureKeyVault(_) => "a scenario has one Azure Key Vault",
                        Vault::GcpSecretManager(_) => "a scenario has one GCP project",
                        _ => "give one of them another region or address",
                    };
                    self.error(name.span, message, Some(help.to_owned()));
                    break;
                }
                hosts.push((host, name));
            }
        }
        for vault in self.checked.scenario.vaults.values() {
            let vault = match vault {
                Vault::AwsSecretsManager(_)
                | Vault::AzureKeyVault(_)
                | Vault::GcpSecretManager(_) => continue,
                Vault::HashicorpVault(vault) => vault,
                Vault::OnePasswordConnect(vault) => {
                    self.one_password(vault);
                    continue;
                }
            };
            self.address(&vault.address);
            let roles = [&vault.kubernetes, &vault.jwt]
                .into_iter()
                .flatten()
                .flat_map(|mount| mount.roles.values());
            let policies = roles
                .flat_map(|role| &role.policies)
                .chain(vault.tokens.values().flat_map(|token| &token.policies));
            for policy in policies {
                if !vault.policies.contains_key(policy.as_str())
                    && !["root", "default"].contains(&policy.as_str())
                {
                    let near = did_you_mean(policy, vault.policies.keys().map(String::as_str));
                    self.error(
                        policy.span,
                        format!("policy `{policy}` is not declared"),
                        near.map(|name| format!("did you mean `{name}`?")),
                    );
                }
            }
            if let Some(jwt) = &vault.jwt {
                for (name, role) in &jwt.roles {
                    if role.audience.is_none() {
                        self.error(
                            name.span,
                            format!("jwt role `{name}` needs an `audience`"),
                            None,
                        );
                    }
                }
            }
            for secret in vault.secrets.keys() {
                let under = |mount: &String| {
                    secret
                        .strip_prefix(mount.trim_matches('/'))
                        .is_some_and(|rest| rest.starts_with('/'))
                };
                if !vault.mounts.keys().any(under) {
                    let mounts: Vec<_> = vault
                        .mounts
                        .keys()
                        .map(|mount| format!("`{mount}/`"))
                        .collect();
                    self.error(
                        secret.span,
                        format!("`{secret}` lies under no mount of this vault"),
                        Some(format!("the mounts are {}", mounts.join(", "))),
                    );
                }
            }
        }
    }

    fn address(&mut self, address: &Located<String>) {
        if !address.starts_with("https://") && !address.starts_with("http://") {
            let help = Some(format!("write it as https://{}", address.value));
            self.error(address.span, format!("`{address}` is not an address"), help);
        }
    }

    fn one_password(&mut self, connect: &OnePasswordConnect) {
        self.address(&connect.address);
        let names: Vec<&str> = connect.vaults.iter().map(|v| v.value.as_str()).collect();
        for vault in connect.vaults.iter().filter(|name| name.contains('/')) {
            let message = format!("`{vault}` cannot be named: a secret is `vault/item`");
            self.error(vault.span, message, None);
        }
        let missing = |name: &str| match did_you_mean(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the vaults are {}", names.join(", ")),
        };
        let scopes = connect
            .tokens
            .values()
            .flat_map(|token| token.vaults.keys());
        for vault in scopes.filter(|vault| !names.contains(&vault.value.as_str())) {
            self.error(
                vault.span,
                format!("`{vault}` is no vault of this server"),
                Some(missing(vault)),
            );
        }
        for (name, document) in &connect.documents {
            if matches!(document.content, Value::Generated(_)) {
                let message = "a document's content is a text: no step could tell a generated one";
                self.error(name.span, message.to_owned(), None);
            }
        }
        for item in connect.secrets.keys().chain(connect.documents.keys()) {
            match item.split_once('/') {
                Some((vault, _)) if names.contains(&vault) => {}
                Some((vault, _)) => self.error(
                    item.span,
                    format!("`{item}` lies in no vault of this server"),
                    Some(missing(vault)),
                ),
                None => self.error(
                    item.span,
                    format!("`{item}` is not `vault/item`"),
                    Some(missing("")),
                ),
            }
        }
    }

    fn step(&mut self, action: &Action) {
        match action {
            Action::Rotate(rotate) => {
                self.secret(&rotate.secret);
                for field in rotate.fields.iter().flatten().chain(rotate.values.keys()) {
                    self.field(&rotate.secret, field, field.span);
                }
            }
            Action::Write(write) => {
                self.vault(&write.secret.vault, write.secret.span);
            }
            Action::Disable(step) | Action::Enable(step) | Action::Destroy(step) => {
                self.secret(&step.secret)
            }
            Action::Remove(step) => self.secret(&step.secret),
            Action::Restore(step) => self.secret(&step.secret),
            Action::Fault(fault) => {
                self.vault(&fault.vault, fault.vault.span);
            }
            Action::Heal(heal) => {
                if let HealTarget::Vault(vault) = &heal.target {
                    self.vault(vault, vault.span);
                }
            }
            Action::Expect(expect) => self.subject(&expect.subject),
            _ => {}
        }
    }

    fn subject(&mut self, subject: &Subject) {
        match subject {
            Subject::Secret(secret) => {
                secret
                    .keys
                    .values()
                    .for_each(|expected| self.expected(expected, expected.span));
                secret
                    .contains
                    .values()
                    .for_each(|value| self.value(value, value.span));
            }
            Subject::Pod(pod) => {
                for env in pod.env.values() {
                    if let EnvExpectation::Holds(expected) = &env.value {
                        self.expected(expected, env.span);
                    }
                }
                pod.files
                    .values()
                    .for_each(|expected| self.expected(expected, expected.span));
            }
            Subject::Requests(requests) => {
                let vault = &requests.requests.vault;
                if self.vault(vault, vault.span)
                    && let Some(secret) = &requests.requests.secret
                {
                    let name = SecretRef {
                        vault: vault.value.clone(),
                        secret: secret.value.clone(),
                    };
                    // Requests for a secret that does not exist may well be counted.
                    if !self.asked_by_a_manifest(&name) {
                        self.secret(&Located::new(name, secret.span));
                    }
                }
            }
            Subject::Staleness(staleness) => {
                if let Some(secret) = &staleness.staleness.secret {
                    self.secret(secret);
                }
            }
            _ => {}
        }
    }

    fn expected(&mut self, expected: &Expected, span: Span) {
        if let Expected::Value(value) = expected {
            self.value(value, span);
        }
    }

    fn value(&mut self, value: &ValueRef, span: Span) {
        let secret = Located::new(value.secret.clone(), span);
        self.secret(&secret);
        if let Some(field) = &value.field {
            self.field(&secret, field, span);
        }
    }

    /// Whether the vault is declared; says so if not.
    fn vault(&mut self, name: &str, span: Span) -> bool {
        let vaults = &self.checked.scenario.vaults;
        if vaults.contains_key(name) {
            return true;
        }
        let names: Vec<&str> = vaults.keys().map(|name| name.value.as_str()).collect();
        let help = match did_you_mean(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "declare it under `vaults:`".to_owned(),
            None => format!("declared are {}", names.join(", ")),
        };
        self.error(span, format!("vault `{name}` is not declared"), Some(help));
        false
    }

    fn secret(&mut self, secret: &Located<SecretRef>) {
        if !self.vault(&secret.vault, secret.span) || self.written.contains(&secret.value) {
            return;
        }
        let Some(vault) = self.checked.scenario.vaults.get(secret.vault.as_str()) else {
            return;
        };
        if vault.secrets().contains_key(secret.secret.as_str()) {
            return;
        }
        let near = did_you_mean(
            &secret.secret,
            vault.secrets().keys().map(|name| name.value.as_str()),
        );
        let help = match near {
            Some(near) => format!("did you mean `{}/{near}`?", secret.vault),
            None => format!(
                "declare it under `vaults.{}.secrets`, or create it with `write`",
                secret.vault
            ),
        };
        self.error(
            secret.span,
            format!("vault `{}` has no secret `{}`", secret.vault, secret.secret),
            Some(help),
        );
    }

    fn field(&mut self, secret: &SecretRef, field: &str, span: Span) {
        if self.written.contains(secret) {
            return;
        }
        let body = self
            .checked
            .scenario
            .vaults
            .get(secret.vault.as_str())
            .and_then(|vault| vault.secrets().get(secret.secret.as_str()));
        match body {
            Some(Body::Text(_)) => self.error(
                span,
                format!("`{secret}` is one plain body; it has no field `{field}`"),
                None,
            ),
            Some(Body::Fields(fields)) if !fields.contains_key(field) => {
                let near = did_you_mean(field, fields.keys().map(|name| name.value.as_str()));
                let names: Vec<&str> = fields.keys().map(|name| name.value.as_str()).collect();
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its fields are {}", names.join(", ")),
                };
                self.error(
                    span,
                    format!("`{secret}` has no field `{field}`"),
                    Some(help),
                );
            }
            _ => {}
        }
    }

    fn asked_by_a_manifest(&self, secret: &SecretRef) -> bool {
        let remotes = |one: Declared<'_>| {
            let data = one.data.iter().map(|entry| entry.remote.key.to_owned());
            let from = one
                .data_from
                .iter()
                .filter_map(|source| Some(source.extract?.key.to_owned()));
            data.chain(from).collect::<Vec<_>>()
        };
        self.checked
            .external_secrets()
            .into_iter()
            .flat_map(remotes)
            .any(|key| secret.secret.ends_with(&key) || key.ends_with(&secret.secret))
    }
}
