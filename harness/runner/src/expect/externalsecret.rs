//! An ExternalSecret's Ready condition and its `refreshTime`.

use rotaproof_scenario::model::expect::ExternalSecretExpectation;

use super::store::{Readiness, check_ready};
use super::{Checked, Mismatch};
use crate::explain::About;
use crate::stage::{Stage, Trouble};
use crate::world::Kind;

pub(super) fn check(
    stage: &Stage<'_>,
    expected: &ExternalSecretExpectation,
) -> Result<Checked, Trouble> {
    let name = expected.externalsecret.value.to_string();
    let about = || About::ExternalSecret(name.clone());
    let since = |mark: &Option<rotaproof_scenario::Located<rotaproof_scenario::Mark>>| {
        mark.as_ref()
            .map(|mark| Ok::<_, Trouble>((mark.value.0.clone(), stage.marked(&mark.value.0)?)))
            .transpose()
    };
    let moved = since(&expected.refreshed_since)?;
    let unmoved = since(&expected.refresh_unmoved_since)?;
    let state = stage.world.state();
    let readiness = Readiness {
        ready: expected.ready.as_deref(),
        not_ready: expected.not_ready.as_deref(),
        message: expected.message.as_deref(),
    };
    let seen = state.object(Kind::ExternalSecret, &name);
    let condition = seen.map(|seen| seen.condition("Ready"));
    let subject = format!("ExternalSecret {name}");
    let holds = match check_ready(&subject, condition, &readiness, about()) {
        Ok(holds) => holds,
        Err(mismatch) => return Ok(Err(mismatch)),
    };
    let refreshed = |moment: &crate::stage::Moment| state.refreshed_after(&name, moment.change);
    let time = seen
        .and_then(|seen| seen.text("/status/refreshTime"))
        .unwrap_or("not set");
    for (expected, wanted) in [(&moved, true), (&unmoved, false)] {
        let Some((mark, moment)) = expected else {
            continue;
        };
        if refreshed(moment) != wanted {
            let not = if wanted { "" } else { "not " };
            return Ok(Err(Mismatch {
                what: format!("the refreshTime of {subject} is not as expected"),
                expected: format!(
                    "{not}moved since `{mark}` ({})",
                    moment.time.strftime("%FT%TZ")
                ),
                actual: time.to_owned(),
                about: about(),
            }));
        }
    }
    Ok(Ok(holds))
}
