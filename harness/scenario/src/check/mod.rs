//! What can be known to be wrong without running: one file per check.

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::load::objects;
use crate::manifest::{Manifests, Mapping};
use crate::model::Scenario;
use crate::model::step::{Action, Step};
use crate::source::Source;

/// What every check sees.
pub(crate) struct Checked<'a> {
    source: &'a Source,
    scenario: &'a Scenario,
    manifests: &'a Manifests,
    mapping: &'a Mapping,
    /// Every object that is applied and not refused.
    objects: Vec<&'a Value>,
}

/// Runs every check; warnings where there is no error.
pub(crate) fn check(
    source: &Source,
    scenario: &Scenario,
    manifests: &Manifests,
    mapping: &Mapping,
) -> Result<Diagnostics, Diagnostics> {
    let checked = Checked {
        source,
        scenario,
        manifests,
        mapping,
        objects: applied(&scenario.steps, manifests),
    };
    let checks: [fn(&Checked<'_>) -> Vec<Diagnostic>; 0] = [];
    let mut found: Vec<Diagnostic> = checks.iter().flat_map(|check| check(&checked)).collect();
    found.sort_by_key(|one| (one.line, one.column));
    let mut diagnostics = Diagnostics::default();
    for one in found {
        diagnostics.push(one);
    }
    if diagnostics.has_errors() {
        Err(diagnostics)
    } else {
        Ok(diagnostics)
    }
}

/// Calls `visit` for every step, those inside `repeat` and `parallel` too, in the order in which they are written.
pub(crate) fn each_step<'a>(steps: &'a [Step], visit: &mut dyn FnMut(&'a Step)) {
    for step in steps {
        visit(step);
        match &step.value {
            Action::Repeat(repeat) => each_step(&repeat.steps, visit),
            Action::Parallel(lists) => lists.iter().for_each(|list| each_step(list, visit)),
            _ => {}
        }
    }
}

/// The objects of every manifest that is applied or started, and not refused.
pub(crate) fn applied<'a>(steps: &[Step], manifests: &'a Manifests) -> Vec<&'a Value> {
    let mut found = Vec::new();
    each_step(steps, &mut |step| {
        let path = match &step.value {
            Action::Apply(apply) if apply.refused.is_none() => &apply.manifest,
            Action::Start(start) => &start.manifest,
            _ => return,
        };
        found.extend(manifests.get(path).into_iter().flat_map(objects));
    });
    found
}
