//! `apply`: a manifest as it is, or one that must be refused.

use rotaproof_events::Event;
use rotaproof_scenario::Span;
use rotaproof_scenario::model::step::Apply;

use super::documents;
use crate::apply::trust_gateway;
use crate::stage::{Stage, Trouble};

pub(super) async fn run(stage: &Stage<'_>, apply: &Apply, span: Span) -> Result<String, Trouble> {
    let path = apply.manifest.value.as_str();
    let mut applied = 0;
    let mut refusal = None;
    let mut trusts_gateway = false;
    for document in documents(stage, path) {
        let mut object = document.object.clone();
        trusts_gateway |= trust_gateway(&mut object, stage.lab.gateway.ca_pem());
        match stage.kinds.apply(&stage.lab.client, &object).await {
            Ok(()) => applied += 1,
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
            manifest: stage
                .case
                .manifests
                .get(path)
                .map_or(path.to_owned(), |m| m.path.display().to_string()),
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
