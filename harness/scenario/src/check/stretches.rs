//! Plain times that mean something else where the refresh interval is another.

use std::time::Duration;

use super::{Checked, each_step};
use crate::diagnostic::Diagnostic;
use crate::model::expect::{Subject, Tense};
use crate::model::step::{Action, Step};
use crate::{Located, Period, Stretch};

/// From here on a plain time is about refreshes rather than about how fast things are.
const LONG: Duration = Duration::from_secs(5 * 60);
/// From here on a lane on the real clock shortens the interval by much.
const SLOW: Duration = Duration::from_secs(10 * 60);

/// Warns about long plain times in a scenario whose ExternalSecrets refresh rarely, other than those that are real
/// whatever the interval: what lasts while a fault does is about back-off and time-outs, and a store has an interval
/// of its own.
pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let intervals = checked
        .external_secrets()
        .into_iter()
        .map(|one| one.interval);
    let Some(interval) = intervals.max().filter(|interval| *interval >= SLOW) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut at_fault = false;
    each_step(&checked.scenario.steps, &mut |step| {
        match &step.value {
            Action::Fault(_) => at_fault = true,
            Action::Heal(_) => at_fault = false,
            _ => {}
        }
        if let Some(stretch) = stretch(step)
            && let Stretch::Budget(budget) = stretch.value
            && budget.refreshes == 0.0
            && budget.extra >= LONG
            && !at_fault
        {
            let time = Period(budget.extra);
            found.push(
                Diagnostic::warning(
                    checked.source,
                    stretch.span,
                    format!("a plain {time}, where ExternalSecrets refresh every {}", Period(interval)),
                )
                .label("means something else where the interval is shorter")
                .help(format!(
                    "write it in refreshes, so that it means the same on every lane: `until refresh`, `0.2 refresh`, `2 refreshes`; or `exactly {time}`, where the interval does not matter"
                )),
            );
        }
    });
    found
}

fn stretch(step: &Step) -> Option<&Located<Stretch>> {
    match &step.value {
        Action::Advance(stretch) => Some(stretch),
        Action::Expect(expect) if !matches!(expect.subject, Subject::Store(_)) => {
            match &expect.tense {
                Tense::Throughout(stretch) => Some(stretch),
                Tense::Now | Tense::Within(_) => None,
            }
        }
        _ => None,
    }
}
