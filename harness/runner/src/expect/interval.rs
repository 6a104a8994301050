//! The refresh intervals of ExternalSecrets, as the cluster has them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rotaproof_scenario::Period;

use crate::explain::target;
use crate::world::{Kind, Seen, State};

/// ESO's default where the CRD has set none.
pub(crate) const DEFAULT: Duration = Duration::from_secs(3600);

/// ESO stores `refreshTime` in whole seconds, so it may tell a refresh up to so much earlier than it was; and this much
/// before it is due none is under way, whoever's clock is a little off.
const GRAIN: Duration = Duration::from_secs(1);

/// Of one ExternalSecret, `namespace/name`; `default` where there is none, or it never refreshes.
pub(crate) fn of_external_secret(state: &State, name: &str, default: Duration) -> Duration {
    match state.object(Kind::ExternalSecret, name) {
        Some(seen) => counted(of(seen), default),
        None => longest(state, default),
    }
}

/// Of the ExternalSecret that makes a Secret, `namespace/name`.
pub(crate) fn of_secret(state: &State, name: &str, default: Duration) -> Duration {
    match maker(state, name) {
        Some(maker) => of_external_secret(state, &maker, default),
        None => longest(state, default),
    }
}

/// The ExternalSecret that makes a Secret, both `namespace/name`.
pub(crate) fn maker(state: &State, secret: &str) -> Option<String> {
    let mut all = state.objects(Kind::ExternalSecret);
    let maker = all.find(|(es, seen)| target(es, seen) == secret);
    maker.map(|(es, _)| es.to_owned())
}

/// How long it is until the next refresh of one ExternalSecret, or of whichever is first, is due: `refreshTime` and the
/// interval, less [`GRAIN`]. No time at all where it is due already.
///
/// # Errors
/// Nothing tells when that is.
pub(crate) fn until_refresh(
    state: &State,
    whose: Option<&str>,
    now: Timestamp,
) -> Result<Duration, String> {
    let all = state.objects(Kind::ExternalSecret);
    let asked = all.filter(|(name, _)| whose.is_none_or(|whose| whose == *name));
    let first = asked.filter_map(|(_, seen)| due(seen)).min();
    match first {
        Some(due) => {
            let left =
                due.duration_since(now) - SignedDuration::try_from(GRAIN).unwrap_or_default();
            Ok(Duration::try_from(left).unwrap_or_default())
        }
        None => Err(format!(
            "no next refresh is due: {} never refreshed, or never will again",
            whose.unwrap_or("every ExternalSecret has"),
        )),
    }
}

/// When an ExternalSecret asks its store again by itself.
fn due(seen: &Seen) -> Option<Timestamp> {
    let interval = of(seen);
    let counted = !matches!(
        seen.text("/spec/refreshPolicy"),
        Some("CreatedOnce" | "OnChange")
    );
    let refreshed: Timestamp = seen.text("/status/refreshTime")?.parse().ok()?;
    (counted && !interval.is_zero())
        .then(|| refreshed.saturating_add(interval).unwrap_or(Timestamp::MAX))
}

/// The longest of all.
pub(crate) fn longest(state: &State, default: Duration) -> Duration {
    let all = state
        .objects(Kind::ExternalSecret)
        .map(|(_, seen)| of(seen));
    counted(all.max().unwrap_or_default(), default)
}

/// What a budget counts: refreshes of no time at all would be none.
fn counted(interval: Duration, default: Duration) -> Duration {
    match interval.is_zero() {
        true => default,
        false => interval,
    }
}

fn of(seen: &Seen) -> Duration {
    match seen.text("/spec/refreshInterval") {
        // Go reads a bare 0 as no time at all.
        Some("0") => Duration::ZERO,
        Some(text) => text.parse::<Period>().map_or(DEFAULT, |period| period.0),
        None => DEFAULT,
    }
}
