//! Budgets that no refresh interval can meet.

use std::time::Duration;

use super::Checked;
use crate::diagnostic::Diagnostic;
use crate::manifest::Declared;
use crate::model::expect::{Expected, SecretExpectation, Subject, Tense};
use crate::model::step::{Action, Step};
use crate::{Budget, Located, Period, VersionName};

/// Follows the steps in order: right after a rotation, with no time passed and no other cause for a sync, a new value
/// takes up to one interval. Nested steps are left alone: their order is not that of the text.
pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let declared = checked.external_secrets();
    let mut rotated = false;
    for step in &checked.scenario.steps {
        match &step.value {
            Action::Rotate(_) | Action::Write(_) => rotated = true,
            Action::Expect(expect) => {
                let Tense::Within(budget) = &expect.tense else {
                    // Time passes during a `throughout`: the next refresh may be near.
                    rotated &= matches!(expect.tense, Tense::Now);
                    continue;
                };
                if rotated
                    && let Subject::Secret(secret) = &expect.subject
                    && wants_current(secret)
                {
                    let makers = declared
                        .iter()
                        .filter(|one| one.target.as_ref() == Some(&secret.secret.value));
                    for maker in makers {
                        found.extend(too_short(checked, maker, budget));
                    }
                }
                rotated = false;
            }
            other => {
                if causes_or_waits(other) {
                    rotated = false;
                }
            }
        }
        if let Some(one) = zero(checked, step) {
            found.push(one);
        }
    }
    found
}

/// Steps that may sync by themselves, or let time pass.
fn causes_or_waits(action: &Action) -> bool {
    !matches!(action, Action::Fault(_) | Action::Heal(_))
}

fn wants_current(secret: &SecretExpectation) -> bool {
    let current = VersionName::Current;
    secret.is.as_ref().is_some_and(|is| is.value == current)
        || secret.keys.values().any(|expected| match &expected.value {
            Expected::Version(version) => *version == current,
            Expected::Value(value) => value.version == current,
        })
}

fn too_short(
    checked: &Checked<'_>,
    maker: &Declared<'_>,
    budget: &Located<Budget>,
) -> Option<Diagnostic> {
    if maker.interval.is_zero() {
        return Some(
            Diagnostic::warning(
                checked.source,
                budget.span,
                format!(
                    "ExternalSecret `{}` never refreshes: the new value cannot arrive",
                    maker.name
                ),
            )
            .help("its `refreshInterval` is 0, or its `refreshPolicy` is not Periodic"),
        );
    }
    let allowed = budget.at(maker.interval);
    (allowed < maker.interval).then(|| {
        Diagnostic::warning(
            checked.source,
            budget.span,
            format!(
                "a refresh of `{}` takes up to {}; this allows {}",
                maker.name,
                Period(maker.interval),
                Period(whole_seconds(allowed)),
            ),
        )
        .label("shorter than one refresh")
        .help("write `within: 1 refresh + 10s`, or put a `force-sync` before it")
    })
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

/// A tense over no time at all.
fn zero(checked: &Checked<'_>, step: &Step) -> Option<Diagnostic> {
    let budget = match &step.value {
        Action::Advance(budget) => budget,
        Action::Expect(expect) => match &expect.tense {
            Tense::Within(budget) | Tense::Throughout(budget) => budget,
            Tense::Now => return None,
        },
        _ => return None,
    };
    (budget.refreshes == 0.0 && budget.extra.is_zero())
        .then(|| Diagnostic::error(checked.source, budget.span, "a budget of no time at all"))
}
