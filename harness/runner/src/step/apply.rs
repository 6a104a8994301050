//! `apply`: a manifest as it is, or one that must be refused.

use rotaproof_events::Event;
use rotaproof_scenario::Span;
use rotaproof_scenario::model::step::Apply;

use super::documents;
use crate::stage::{Stage, Trouble};
use crate::submit::{Version, manifest_name, submit};

pub(super) async fn run(stage: &Stage<'_>, apply: &Apply, span: Span) -> Result<String, Trouble> {
    let path = apply.manifest.value.as_str();
    let mut applied = 0;
    let mut refusal = None;
    let mut trusts_gateway = false;
    let version = match &apply.refused {
        Some(_) => Version::AsWritten,
        None => Version::Served,
    };
    for document in documents(stage, path) {
        match submit(stage, path, &document.object, version, span).await {
            Ok(taken) => {
                applied += 1;
                trusts_gateway |= taken.trusts_gateway;
            }
            Err(error) => {
                refusal = Some((document.line, error.to_string()));
                break;
            }
        }
    }
    match (&refusal, &apply.refused) {
        (None, None) => {}
        (Some((line, error)), None) => {
            let mut trouble = Trouble::failed(format!("the API refused {path}, line {line}"));
            trouble.actual = Some(error.clone());
            return Err(trouble);
        }
        (Some((_, error)), Some(wanted)) if error.contains(wanted.as_str()) => {}
        (refusal, Some(wanted)) => {
            let mut trouble =
                Trouble::failed(format!("the API did not refuse {path} as it should"));
            trouble.expected = Some(format!("refused with `{wanted}`"));
            trouble.actual = Some(match refusal {
                Some((_, error)) => format!("refused with `{error}`"),
                None => "accepted".into(),
            });
            return Err(trouble);
        }
    }
    if let Some(finding) = &apply.finding {
        stage.tell(Event::Finding {
            location: stage.location(span),
            manifest: manifest_name(stage.case.manifests.get(path), path),
            finding: finding.clone(),
            refusal: refusal.as_ref().map(|(_, error)| error.clone()),
            fix: apply.fix.clone(),
        });
    }
    Ok(match refusal {
        Some((_, error)) => format!("refused: {error}"),
        None if trusts_gateway => {
            format!("{applied} applied, trusting the gateway's authority in place of its own")
        }
        None => format!("{applied} applied"),
    })
}
