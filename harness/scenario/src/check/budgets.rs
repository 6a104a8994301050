//! Budgets that no refresh interval can meet.

use std::time::Duration;

use super::{Checked, each_step};
use crate::diagnostic::Diagnostic;
use crate::manifest::Declared;
use crate::model::expect::{Expected, SecretExpectation, Subject, Tense};
use crate::model::step::{Action, Step};
use crate::{Budget, Located, Period, Span, Stretch, VersionName};

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
    }
    each_step(&checked.scenario.steps, &mut |step| {
        found.extend(nothing(checked, &declared, step));
    });
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

/// A tense over no time at all, or up to a refresh that never comes.
fn nothing(checked: &Checked<'_>, declared: &[Declared<'_>], step: &Step) -> Option<Diagnostic> {
    let (span, none) = match &step.value {
        Action::Advance(stretch) => (stretch.span, none_of(&stretch.value)),
        Action::Expect(expect) => match &expect.tense {
            Tense::Within(budget) => (budget.span, is_none(&budget.value)),
            Tense::Throughout(stretch) if stretch.value == Stretch::UntilRefresh => {
                return never(checked, declared, &expect.subject, stretch.span);
            }
            Tense::Throughout(stretch) => (stretch.span, none_of(&stretch.value)),
            Tense::Now => return None,
        },
        _ => return None,
    };
    none.then(|| Diagnostic::error(checked.source, span, "a budget of no time at all"))
}

fn none_of(stretch: &Stretch) -> bool {
    match stretch {
        Stretch::Budget(budget) => is_none(budget),
        Stretch::Exactly(time) => time.is_zero(),
        Stretch::UntilRefresh => false,
    }
}

fn is_none(budget: &Budget) -> bool {
    budget.refreshes == 0.0 && budget.extra.is_zero()
}

/// `until refresh` of an ExternalSecret that never refreshes, at no time of the scenario.
fn never(
    checked: &Checked<'_>,
    declared: &[Declared<'_>],
    subject: &Subject,
    span: Span,
) -> Option<Diagnostic> {
    let mut subjects = declared.iter().filter(|one| match subject {
        Subject::ExternalSecret(expected) => one.name == expected.externalsecret.value,
        Subject::Secret(expected) => one.target.as_ref() == Some(&expected.secret.value),
        _ => true,
    });
    let first = subjects.next()?;
    let refreshes = !first.interval.is_zero() || subjects.any(|one| !one.interval.is_zero());
    (!refreshes).then(|| {
        Diagnostic::error(
            checked.source,
            span,
            format!(
                "ExternalSecret `{}` never refreshes: there is no next refresh",
                first.name
            ),
        )
        .help("its `refreshInterval` is 0, or its `refreshPolicy` is not Periodic")
    })
}
