//! Keys, variables and files that are expected must be mapped by some manifest.

use super::{Checked, each_step};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::load::objects;
use crate::manifest::{Mapping, ObjectRef, Origin, PodSource, PodSources};
use crate::model::expect::{EnvExpectation, Expected, PodExpectation, SecretExpectation, Subject};
use crate::model::step::Action;
use crate::{Located, ObjectName, PodRef, Span};

pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    each_step(&checked.scenario.steps, &mut |step| {
        if let Action::Expect(expect) = &step.value {
            match &expect.subject {
                Subject::Secret(one) => secret(checked, one, &mut found),
                Subject::Pod(one) => pod(checked, one, &mut found),
                _ => {}
            }
        }
    });
    found
}

fn secret(checked: &Checked<'_>, one: &SecretExpectation, found: &mut Vec<Diagnostic>) {
    if !checked.makes(&one.secret) || one.absent == Some(true) {
        return;
    }
    let named = one.has_keys.iter().flatten().chain(one.contains.keys());
    for key in named {
        known_key(checked, &one.secret, key, key.span, found);
    }
    for (key, expected) in &one.keys {
        if let Some(origin) = known_key(checked, &one.secret, key, key.span, found) {
            followed(
                checked,
                &origin,
                &format!("key `{key}` of Secret `{}`", one.secret),
                expected,
                found,
            );
        }
    }
    if let Some(is) = &one.is {
        let from_vault = |origin: &Origin| matches!(origin, Origin::Vault { .. });
        let followed = |state: &Mapping| {
            state
                .keys(&one.secret)
                .any(|(_, origin)| from_vault(origin))
                || state.is_open(&one.secret)
        };
        if !checked.states.iter().any(followed) {
            found.push(
                Diagnostic::error(
                    checked.source,
                    is.span,
                    format!(
                        "no key of Secret `{}` comes from a vault as it is",
                        one.secret
                    ),
                )
                .help(
                    "name the keys and the values: `contains: { key: vault/secret#field@current }`",
                ),
            );
        }
    }
}

/// Where the key comes from; says so if nothing maps it.
fn known_key(
    checked: &Checked<'_>,
    secret: &ObjectName,
    key: &str,
    span: Span,
    found: &mut Vec<Diagnostic>,
) -> Option<Origin> {
    let origin = checked.key(secret, key);
    if origin.is_none() {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in checked.states.iter().flat_map(|state| state.keys(secret)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let help = match did_you_mean(key, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its keys are {}", names.join(", ")),
        };
        found.push(
            Diagnostic::error(
                checked.source,
                span,
                format!("no manifest maps key `{key}` of Secret `{secret}`"),
            )
            .help(help),
        );
    }
    origin
}

/// A version can only be told of a value that can be followed to its secret.
fn followed(
    checked: &Checked<'_>,
    origin: &Origin,
    what: &str,
    expected: &Located<Expected>,
    found: &mut Vec<Diagnostic>,
) {
    if let (Origin::Unmapped { reason }, Expected::Version(version)) = (origin, &expected.value) {
        found.push(
            Diagnostic::error(
                checked.source,
                expected.span,
                format!("{what} cannot be followed to a vault: {reason}"),
            )
            .help(format!("name the value: vault/secret#field@{version}")),
        );
    }
}

fn pod(checked: &Checked<'_>, one: &PodExpectation, found: &mut Vec<Diagnostic>) {
    let Some((sources, manifest)) = sources(checked, &one.pod) else {
        return;
    };
    for (name, expected) in &one.env {
        let EnvExpectation::Holds(expected) = &expected.value else {
            continue;
        };
        let expected = Located::new(expected.clone(), one.env[name].span);
        let what = format!("variable `{name}`");
        match checked.at_some_time(|state| sources.env(name, state)) {
            Some(source) => source_of(checked, &source, &what, name.span, &expected, found),
            None => {
                let help = match did_you_mean(name, sources.names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "look at `env` and `envFrom` in {manifest}, and at the keys of the Secrets they name"
                    ),
                };
                found.push(
                    Diagnostic::error(
                        checked.source,
                        name.span,
                        format!("nothing sets {what} in this pod"),
                    )
                    .help(help),
                );
            }
        }
    }
    for (path, expected) in &one.files {
        let what = format!("file `{path}`");
        match checked.at_some_time(|state| sources.file(path, state)) {
            Some(source) => source_of(checked, &source, &what, path.span, expected, found),
            None => found.push(
                Diagnostic::error(checked.source, path.span, format!("no volume of this pod holds {what}"))
                    .help(format!("look at `volumes` and `volumeMounts` in {manifest}, and at the keys of the Secrets they name")),
            ),
        }
    }
}

fn source_of(
    checked: &Checked<'_>,
    source: &PodSource,
    what: &str,
    span: Span,
    expected: &Located<Expected>,
    found: &mut Vec<Diagnostic>,
) {
    match source {
        PodSource::Other { reason } => followed(
            checked,
            &Origin::Unmapped {
                reason: format!("{reason} sets it"),
            },
            what,
            expected,
            found,
        ),
        PodSource::Secret(key) if !checked.makes(&key.secret) => found.push(
            Diagnostic::error(
                checked.source,
                span,
                format!(
                    "{what} comes from Secret `{}`, which nothing makes",
                    key.secret
                ),
            )
            .help("no ExternalSecret or Secret of an applied manifest has this name"),
        ),
        PodSource::Secret(key) => match checked.key(&key.secret, &key.key) {
            Some(origin) => followed(checked, &origin, what, expected, found),
            None => {
                known_key(checked, &key.secret, &key.key, span, found);
            }
        },
    }
}

/// The sources of a pod that a step starts or a manifest holds, and the manifest; `None` where it is someone else's.
fn sources(checked: &Checked<'_>, pod: &PodRef) -> Option<(PodSources, String)> {
    let mut manifest = None;
    match pod {
        PodRef::Alias(alias) => each_step(&checked.scenario.steps, &mut |step| {
            if let Action::Start(start) = &step.value
                && start.name.as_ref().is_some_and(|name| name.value == *alias)
            {
                manifest = Some(&start.manifest.value);
            }
        }),
        PodRef::Name(name) => {
            let object = checked.objects.iter().find(|object| {
                ObjectRef(object).kind() == "Pod" && ObjectRef(object).object_name() == *name
            })?;
            return Some((PodSources::of(object)?, "its manifest".to_owned()));
        }
    }
    let manifest = manifest?;
    let sources = objects(checked.manifests.get(manifest)?).find_map(PodSources::of)?;
    Some((sources, format!("`{manifest}`")))
}
