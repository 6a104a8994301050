//! What an expectation is about must come from some manifest, and the expectation must say something of it.

use super::{Checked, each_step};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::manifest::{Mapping, ObjectRef, StoreKey};
use crate::model::expect::Subject;
use crate::model::step::{Action, Step};
use crate::{Located, ObjectName, Span, StoreName};

pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    each_step(&checked.scenario.steps, &mut |step| match &step.value {
        Action::ForceSync(sync) => {
            object(checked, "ExternalSecret", &sync.externalsecret, &mut found);
        }
        Action::Expect(expect) => {
            subject(checked, &expect.subject, &mut found);
            if says_nothing(&expect.subject) {
                found.push(
                    Diagnostic::error(
                        checked.source,
                        step.span,
                        "this expectation expects nothing",
                    )
                    .help("say what must hold of its subject"),
                );
            }
            contradiction(checked, step, &expect.subject, &mut found);
        }
        _ => {}
    });
    found
}

fn subject(checked: &Checked<'_>, subject: &Subject, found: &mut Vec<Diagnostic>) {
    match subject {
        Subject::ExternalSecret(one) => {
            object(checked, "ExternalSecret", &one.externalsecret, found)
        }
        Subject::Job(one) => object(checked, "Job", &one.job, found),
        Subject::NotebookValidationJob(one) => {
            object(
                checked,
                "NotebookValidationJob",
                &one.notebookvalidationjob,
                found,
            );
        }
        Subject::Store(one) => store(checked, &one.store, found),
        Subject::Secret(one) if one.absent != Some(true) && !checked.makes(&one.secret) => {
            let names: Vec<String> = checked
                .states
                .iter()
                .flat_map(Mapping::secrets)
                .map(ToString::to_string)
                .collect();
            let near = did_you_mean_object(&one.secret.to_string(), &names);
            missing(
                checked,
                one.secret.span,
                format!("nothing makes the Secret `{}`", one.secret),
                near.or_else(|| Some("no ExternalSecret or Secret of an applied manifest has this name; expect it `absent: true` if that is meant".to_owned())),
                found,
            );
        }
        _ => {}
    }
}

fn object(
    checked: &Checked<'_>,
    kind: &str,
    name: &Located<ObjectName>,
    found: &mut Vec<Diagnostic>,
) {
    let of_kind = |object: &ObjectRef<'_>| object.kind() == kind;
    let names: Vec<String> = checked
        .objects
        .iter()
        .map(|object| ObjectRef(object))
        .filter(of_kind)
        .map(|object| object.object_name().to_string())
        .collect();
    if names.contains(&name.to_string()) || is_started(checked, kind, name) {
        return;
    }
    // A CronJob makes Jobs by names of its own.
    if kind == "Job" && checked.has_kind("CronJob") {
        return;
    }
    missing(
        checked,
        name.span,
        format!("no applied manifest has the {kind} `{name}`"),
        did_you_mean_object(&name.to_string(), &names),
        found,
    );
}

/// Whether a `start` step makes it: under its manifest's name and the step's alias.
fn is_started(checked: &Checked<'_>, kind: &str, name: &ObjectName) -> bool {
    let mut started = false;
    each_step(&checked.scenario.steps, &mut |step| {
        let Action::Start(start) = &step.value else {
            return;
        };
        let Some((alias, manifest)) = start
            .name
            .as_ref()
            .zip(checked.manifests.get(&start.manifest))
        else {
            return;
        };
        started |= manifest
            .documents
            .iter()
            .map(|document| ObjectRef(&document.object))
            .any(|object| {
                let own = object.object_name();
                object.kind() == kind
                    && own.namespace == name.namespace
                    && format!("{}-{alias}", own.name) == name.name
            });
    });
    started
}

fn store(checked: &Checked<'_>, name: &Located<StoreName>, found: &mut Vec<Diagnostic>) {
    let key = match &name.value {
        StoreName::Cluster(name) => StoreKey::Cluster(name.clone()),
        StoreName::Namespaced(name) => StoreKey::Namespaced(name.clone()),
    };
    let stores = checked.stores();
    if stores.contains_key(&key) {
        return;
    }
    let kind = match key {
        StoreKey::Cluster(_) => "ClusterSecretStore",
        StoreKey::Namespaced(_) => "SecretStore",
    };
    let names: Vec<String> = stores
        .keys()
        .map(|key| match key {
            StoreKey::Cluster(name) => name.clone(),
            StoreKey::Namespaced(name) => name.to_string(),
        })
        .collect();
    let twin = names
        .iter()
        .find(|other| other.rsplit('/').next() == name.to_string().rsplit('/').next());
    let help = match twin {
        Some(twin) => Some(format!("did you mean `{twin}`?")),
        None => did_you_mean_object(&name.to_string(), &names),
    };
    missing(
        checked,
        name.span,
        format!("no applied manifest has the {kind} `{name}`"),
        help,
        found,
    );
}

/// An error; a warning where a manifest makes objects by rules that are not followed here.
fn missing(
    checked: &Checked<'_>,
    span: Span,
    message: String,
    help: Option<String>,
    found: &mut Vec<Diagnostic>,
) {
    let unsure = checked.has_kind("ClusterExternalSecret");
    let diagnostic = if unsure {
        Diagnostic::warning(checked.source, span, message)
    } else {
        Diagnostic::error(checked.source, span, message)
    };
    found.push(diagnostic.maybe_help(help));
}

fn did_you_mean_object(name: &str, names: &[String]) -> Option<String> {
    did_you_mean(name, names.iter().map(String::as_str))
        .map(|near| format!("did you mean `{near}`?"))
}

fn says_nothing(subject: &Subject) -> bool {
    match subject {
        Subject::ExternalSecret(one) => {
            one.ready.is_none()
                && one.not_ready.is_none()
                && one.message.is_none()
                && one.refreshed_since.is_none()
                && one.refresh_unmoved_since.is_none()
        }
        Subject::Store(one) => {
            one.ready.is_none() && one.not_ready.is_none() && one.message.is_none()
        }
        Subject::Secret(one) => {
            one.is.is_none()
                && one.keys.is_empty()
                && one.has_keys.is_none()
                && one.absent.is_none()
                && one.owned_by.is_none()
                && one.labels.is_empty()
                && one.annotations.is_empty()
                && one.immutable.is_none()
                && one.contains.is_empty()
        }
        Subject::Pod(one) => {
            one.env.is_empty()
                && one.files.is_empty()
                && one.phase.is_none()
                && one.waiting.is_none()
                && one.logs.is_none()
        }
        Subject::Job(one) => one.succeeded.is_none() && one.failed.is_none(),
        Subject::NotebookValidationJob(one) => one.phase.is_none() && one.condition.is_none(),
        Subject::Requests(one) => {
            one.count.is_none() && one.at_least.is_none() && one.at_most.is_none()
        }
        Subject::Event(_) => false,
        Subject::Staleness(one) => one.max.is_none() && one.p95.is_none(),
    }
}

fn contradiction(
    checked: &Checked<'_>,
    step: &Step,
    subject: &Subject,
    found: &mut Vec<Diagnostic>,
) {
    let both =
        |ready: &Option<String>, not_ready: &Option<String>| ready.is_some() && not_ready.is_some();
    let message = match subject {
        Subject::ExternalSecret(one) if both(&one.ready, &one.not_ready) => {
            "it cannot be `ready` and `not-ready` at once"
        }
        Subject::Store(one) if both(&one.ready, &one.not_ready) => {
            "it cannot be `ready` and `not-ready` at once"
        }
        Subject::Requests(one)
            if one.count.is_some() && (one.at_least.is_some() || one.at_most.is_some()) =>
        {
            "`count` is exact; leave `at-least` and `at-most` out"
        }
        Subject::Requests(one) if one.at_least > one.at_most && one.at_most.is_some() => {
            "`at-least` is more than `at-most`"
        }
        Subject::Secret(one)
            if one.absent == Some(true)
                && (one.is.is_some() || !one.keys.is_empty() || one.has_keys.is_some()) =>
        {
            "a Secret that is absent holds nothing"
        }
        _ => return,
    };
    found.push(Diagnostic::error(checked.source, step.span, message));
}
