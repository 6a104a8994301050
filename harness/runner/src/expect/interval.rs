//! The refresh intervals of ExternalSecrets, as the cluster has them.

use std::time::Duration;

use rotaproof_scenario::Period;

use crate::explain::target;
use crate::world::{Kind, Seen, State};

/// ESO's default where the CRD has set none.
const DEFAULT: Duration = Duration::from_secs(3600);

/// Of one ExternalSecret, `namespace/name`.
pub(crate) fn of_external_secret(state: &State, name: &str) -> Duration {
    state
        .object(Kind::ExternalSecret, name)
        .map_or_else(|| longest(state), |seen| of(seen))
}

/// Of the ExternalSecret that makes a Secret, `namespace/name`.
pub(crate) fn of_secret(state: &State, name: &str) -> Duration {
    let maker = state
        .objects(Kind::ExternalSecret)
        .find(|(es, seen)| target(es, seen) == name);
    maker.map_or_else(|| longest(state), |(_, seen)| of(seen))
}

/// The longest of all.
pub(crate) fn longest(state: &State) -> Duration {
    let all = state
        .objects(Kind::ExternalSecret)
        .map(|(_, seen)| of(seen));
    all.max().unwrap_or(DEFAULT)
}

fn of(seen: &Seen) -> Duration {
    match seen.text("/spec/refreshInterval") {
        // Go reads a bare 0 as no time at all.
        Some("0") => Duration::ZERO,
        Some(text) => text.parse::<Period>().map_or(DEFAULT, |period| period.0),
        None => DEFAULT,
    }
}
