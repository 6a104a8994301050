//! A manifest's object on its way to the API, and what is changed in it on that way: each change is told, once.

use std::path::{Component, Path, PathBuf};

use rotaproof_events::Event;
use rotaproof_scenario::{Document, Manifest, Period, Span};

use crate::apply::{ApplyError, RETIRED, SERVED, trust_gateway};
use crate::stage::Stage;

/// What became of an object that was taken.
#[derive(Default)]
pub(crate) struct Taken {
    /// It trusts the gateway's authority in place of its own.
    pub(crate) trusts_gateway: bool,
}

/// Whether an API version that is no longer served may be replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// As written: the step wants to see it refused.
    AsWritten,
    /// Where v1beta1 is not served and v1 is, as v1: what the author has to do, and is told.
    Served,
}

/// Applies an object of the manifest that the step at `span` names `path`.
pub(crate) async fn submit(
    stage: &Stage<'_>,
    path: &str,
    object: &serde_json::Value,
    version: Version,
    span: Span,
) -> Result<Taken, ApplyError> {
    let mut object = object.clone();
    let trusts_gateway = trust_gateway(&mut object, stage.lab.gateway.ca_pem());
    if let Some(to) = stage.refresh
        && let Some(from) = crate::refresh::shorten(&mut object, to)
    {
        announce(stage, from, Period(to));
    }
    let admitted = stage.lab.cluster.admit(&mut object).await;
    admitted.map_err(|error| ApplyError::Refused(error.to_string()))?;
    let client = &stage.lab.client;
    match version {
        Version::AsWritten => stage.kinds.apply(client, &object).await?,
        Version::Served => {
            if let Some(refusal) = stage.kinds.apply_served(client, &object).await? {
                tell_retired(stage, path, &refusal, span);
            }
        }
    }
    Ok(Taken { trusts_gateway })
}

/// Tells once per scenario that ExternalSecrets refresh more often than they say.
fn announce(stage: &Stage<'_>, from: Period, to: Period) {
    if stage.first_time(format!("refresh {from}")) {
        stage.tell(Event::RefreshShortened {
            from: from.to_string(),
            to: to.to_string(),
        });
    }
}

/// Tells once per file that its API version is not served.
fn tell_retired(stage: &Stage<'_>, path: &str, refusal: &ApplyError, span: Span) {
    if !stage.first_time(format!("retired {path}")) {
        return;
    }
    let retired = |document: &&Document| document.object["apiVersion"] == RETIRED;
    let lines: Vec<String> = stage
        .case
        .manifests
        .get(path)
        .into_iter()
        .flat_map(|manifest| manifest.documents.iter().filter(retired))
        .map(|document| document.version_line.to_string())
        .collect();
    let plural = if lines.len() == 1 { "" } else { "s" };
    stage.tell(Event::Finding {
        location: stage.location(span),
        manifest: manifest_name(stage.case.manifests.get(path), path),
        finding: format!(
            "`apiVersion: {RETIRED}` in line{plural} {} is not served here; applied as {SERVED}",
            lines.join(", ")
        ),
        refusal: Some(refusal.to_string()),
        fix: Some(format!(
            "write `apiVersion: {SERVED}`, which ESO serves from 0.16 on"
        )),
    });
}

/// A manifest's file as a report names it: the same for every scenario that reaches it, by whatever way.
pub(crate) fn manifest_name(manifest: Option<&Manifest>, path: &str) -> String {
    let path = manifest.map_or(Path::new(path), |manifest| manifest.path.as_path());
    let mut short = PathBuf::new();
    for part in path.components() {
        let last = short.components().next_back();
        if part == Component::ParentDir && matches!(last, Some(Component::Normal(_))) {
            short.pop();
        } else {
            short.push(part);
        }
    }
    short.display().to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "scenarios/faults/../seed/aws/store.yaml",
        "scenarios/seed/aws/store.yaml"
    )]
    #[case("../manifests/store.yaml", "../manifests/store.yaml")]
    #[case("../../a/../store.yaml", "../../store.yaml")]
    #[case("/a/../store.yaml", "/store.yaml")]
    #[case("store.yaml", "store.yaml")]
    fn a_manifest_has_one_name(#[case] path: &str, #[case] name: &str) {
        assert_eq!(manifest_name(None, path), name);
    }
}
