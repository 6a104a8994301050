//! How long rotations took to arrive.

use std::time::Duration;

use rotaproof_events::{Lag, Percentiles, human};
use rotaproof_scenario::model::expect::{StalenessExpectation, Until};

use super::{Checked, Mismatch, interval};
use crate::explain::About;
use crate::stage::Stage;

pub(super) fn check(stage: &Stage<'_>, expected: &StalenessExpectation) -> Checked {
    let secret = expected
        .staleness
        .secret
        .as_ref()
        .map(|secret| secret.value.to_string());
    let state = stage.world.state();
    let lags = state.lags(secret.as_deref(), &stage.world.journal);
    let subject = secret.clone().unwrap_or_else(|| "every secret".into());
    let about = || About::Vault(subject.split('/').next().unwrap_or_default().to_owned());
    let lag_us = |lag: &Lag| match expected.until {
        Until::Pod => lag.total_us,
        Until::Secret => Some(lag.fetched_us? + lag.synced_us?),
    };
    let arrived: Vec<u64> = lags.iter().filter_map(lag_us).collect();
    let mismatch = |expected: String, actual: String| Mismatch {
        what: format!("the staleness of {subject} is not as expected"),
        expected,
        actual,
        about: about(),
    };
    if arrived.len() < lags.len() || lags.is_empty() {
        return Err(mismatch(
            "every rotation has arrived".into(),
            format!("{} of {} rotations have arrived", arrived.len(), lags.len()),
        ));
    }
    let Some(measured) = Percentiles::of(arrived) else {
        return Err(mismatch("a rotation".into(), "none".into()));
    };
    let interval = interval::longest(&state, stage.default_interval());
    let bounds = [
        ("max", &expected.max, measured.max_us),
        ("p95", &expected.p95, measured.p95_us),
    ];
    for (name, bound, actual) in bounds {
        let Some(bound) = bound else { continue };
        let limit = bound.at(interval);
        let actual = Duration::from_micros(actual);
        if actual > limit {
            return Err(mismatch(
                format!("{name} at most {} ({})", bound.value, human(limit)),
                format!("{name} {}", human(actual)),
            ));
        }
    }
    let max = human(Duration::from_micros(measured.max_us));
    Ok(format!(
        "{} rotations of {subject}, worst {max}",
        measured.count
    ))
}
