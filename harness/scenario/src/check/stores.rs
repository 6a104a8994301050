//! ExternalSecrets need a store, a vault behind it, and in it what they ask for.

use super::{Checked, each_step};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::manifest::{Declared, Part, PodSources, StoreKey};
use crate::model::expect::Subject;
use crate::model::step::Action;
use crate::model::{Body, Value};
use crate::{ObjectName, Span};

pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let stores = checked.stores();
    for (manifest, span) in applications(checked) {
        let objects = checked
            .manifests
            .get(manifest)
            .into_iter()
            .flat_map(crate::load::objects);
        for declared in crate::manifest::external_secrets(objects) {
            if expected_to_fail(checked, &declared) {
                continue;
            }
            let from = declared
                .data_from
                .iter()
                .filter_map(|source| source.store.as_ref());
            let used = declared
                .store
                .iter()
                .chain(
                    declared
                        .data
                        .iter()
                        .filter_map(|entry| entry.store.as_ref()),
                )
                .chain(from);
            let mut seen: Vec<&StoreKey> = Vec::new();
            for key in used {
                if seen.contains(&key) {
                    continue;
                }
                seen.push(key);
                store(checked, &declared, key, &stores, span, &mut found);
            }
            remotes(checked, &declared, &stores, span, &mut found);
        }
    }
    started(checked, &mut found);
    found
}

type Stores = indexmap::IndexMap<StoreKey, crate::manifest::Store>;

/// The manifests that are applied, each at the first step that does it.
fn applications<'a>(checked: &Checked<'a>) -> Vec<(&'a str, Span)> {
    let mut found: Vec<(&str, Span)> = Vec::new();
    each_step(&checked.scenario.steps, &mut |step| {
        if let Action::Apply(apply) = &step.value
            && apply.refused.is_none()
            && !found.iter().any(|(path, _)| *path == apply.manifest.value)
        {
            found.push((&apply.manifest.value, apply.manifest.span));
        }
    });
    found
}

/// Whether the scenario itself expects this ExternalSecret, or the Secret that it makes, to fail.
fn expected_to_fail(checked: &Checked<'_>, declared: &Declared<'_>) -> bool {
    let mut fails = false;
    each_step(&checked.scenario.steps, &mut |step| {
        let Action::Expect(expect) = &step.value else {
            return;
        };
        fails |= match &expect.subject {
            Subject::ExternalSecret(one) => {
                one.externalsecret.value == declared.name && one.not_ready.is_some()
            }
            Subject::Secret(one) => {
                Some(&one.secret.value) == declared.target.as_ref() && one.absent == Some(true)
            }
            Subject::Event(one) => {
                let on = &one.event.on;
                on.name == declared.name.name
                    && on.namespace.as_deref() == Some(declared.name.namespace.as_str())
            }
            _ => false,
        };
    });
    fails
}

fn store(
    checked: &Checked<'_>,
    declared: &Declared<'_>,
    key: &StoreKey,
    stores: &Stores,
    span: Span,
    found: &mut Vec<Diagnostic>,
) {
    let (kind, name) = match key {
        StoreKey::Cluster(name) => ("ClusterSecretStore", name.clone()),
        StoreKey::Namespaced(name) => ("SecretStore", name.to_string()),
    };
    match stores.get(key) {
        None => {
            let twin = match key {
                StoreKey::Cluster(name) => stores.keys().find_map(|other| match other {
                    StoreKey::Namespaced(other) if other.name == *name => Some(format!(
                        "the SecretStore `{other}` is defined; say `kind: SecretStore`, or leave `kind` out"
                    )),
                    _ => None,
                }),
                StoreKey::Namespaced(name) => stores.keys().find_map(|other| match other {
                    StoreKey::Cluster(other) if *other == name.name => {
                        Some(format!("the ClusterSecretStore `{other}` is defined; say `kind: ClusterSecretStore`"))
                    }
                    StoreKey::Namespaced(other) if other.name == name.name => {
                        Some(format!("it is defined in another namespace: `{other}`"))
                    }
                    _ => None,
                }),
            };
            found.push(
                Diagnostic::error(
                    checked.source,
                    span,
                    format!("ExternalSecret `{}` uses the {kind} `{name}`, which no applied manifest defines", declared.name),
                )
                .help(format!("apply it, or expect `{{ externalsecret: {}, not-ready: SecretSyncedError }}`", declared.name))
                .maybe_help(twin),
            );
        }
        Some(store) => {
            if let Err(provider) = &store.vault {
                found.push(
                    Diagnostic::warning(
                        checked.source,
                        span,
                        format!("the {kind} `{name}` speaks to {provider}; no vault of the scenario answers for it"),
                    )
                    .help("declare it under `vaults:`; requests to any other host are refused"),
                );
            }
        }
    }
}

/// Warns where the vault does not have what is asked for: it may be what the scenario is about.
fn remotes(
    checked: &Checked<'_>,
    declared: &Declared<'_>,
    stores: &Stores,
    span: Span,
    found: &mut Vec<Diagnostic>,
) {
    let data = declared
        .data
        .iter()
        .map(|entry| (entry.store.as_ref(), entry.remote, Part::One));
    let from = declared
        .data_from
        .iter()
        .filter_map(|source| Some((source.store.as_ref(), source.extract?, Part::All)));
    for (store, remote, part) in data.chain(from) {
        let Some(store) = store.and_then(|key| stores.get(key)) else {
            continue;
        };
        let Ok(vault_name) = &store.vault else {
            continue;
        };
        let Some(vault) = checked.scenario.vaults.get(vault_name.as_str()) else {
            continue;
        };
        let secret = store.secret_name(remote.key);
        if checked.is_written(vault_name, &secret) || vault.has_document(&secret) {
            continue;
        }
        let by = format!("ExternalSecret `{}` asks for", declared.name);
        let Some(body) = vault.secrets().get(secret.as_str()) else {
            let near = did_you_mean(
                &secret,
                vault.secrets().keys().map(|name| name.value.as_str()),
            );
            found.push(
                Diagnostic::warning(
                    checked.source,
                    span,
                    format!(
                        "{by} `{}`, which vault `{vault_name}` does not hold",
                        remote.key
                    ),
                )
                .maybe_help(near.map(|name| format!("did you mean `{name}`?"))),
            );
            continue;
        };
        let Some(property) = store.property(&secret, remote.property, part) else {
            continue;
        };
        let property = property.as_str();
        match body {
            Body::Fields(fields) => {
                let first = property.split('.').next().unwrap_or(property);
                if !fields.contains_key(property) && !fields.contains_key(first) {
                    let near =
                        did_you_mean(property, fields.keys().map(|name| name.value.as_str()));
                    found.push(
                        Diagnostic::warning(
                            checked.source,
                            span,
                            format!(
                                "{by} property `{property}` of `{}`, which has no such field",
                                remote.key
                            ),
                        )
                        .maybe_help(near.map(|name| format!("did you mean `{name}`?"))),
                    );
                }
            }
            Body::Text(Value::Generated(_)) => found.push(Diagnostic::warning(
                checked.source,
                span,
                format!(
                    "{by} property `{property}` of `{}`, which is one plain body",
                    remote.key
                ),
            )),
            // A literal may be JSON.
            Body::Text(Value::Literal(_)) => {}
        }
    }
}

/// A `start` needs something to start.
fn started(checked: &Checked<'_>, found: &mut Vec<Diagnostic>) {
    each_step(&checked.scenario.steps, &mut |step| {
        let Action::Start(start) = &step.value else {
            return;
        };
        let Some(manifest) = checked.manifests.get(&start.manifest) else {
            return;
        };
        let pods: Vec<ObjectName> = crate::load::objects(manifest)
            .map(crate::manifest::ObjectRef)
            .filter(|object| PodSources::KINDS.contains(&object.kind()))
            .map(|object| object.object_name())
            .collect();
        let message = match pods.len() {
            1 => return,
            0 => format!("`{}` holds nothing that starts a pod", start.manifest),
            n => format!(
                "`{}` holds {n} workloads; a `start` takes one",
                start.manifest
            ),
        };
        found.push(
            Diagnostic::error(checked.source, start.manifest.span, message)
                .help(format!("one of {}", PodSources::KINDS.join(", "))),
        );
    });
}
