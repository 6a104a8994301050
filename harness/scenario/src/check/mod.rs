//! What can be known to be wrong without running: one file per check.

mod azure;
mod budgets;
mod gcp;
mod keys;
mod names;
mod stores;
mod strategies;
mod stretches;
mod subjects;
mod vaults;

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::Value;

use crate::ObjectName;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::load::objects;
use crate::manifest::{Declared, Manifests, Mapping, ObjectRef, Origin, Store, StoreKey};
use crate::model::Scenario;
use crate::model::step::{Action, Step};
use crate::source::Source;

/// So many states on the way are looked at.
const MAX_STATES: usize = 64;

/// What every check sees.
pub(crate) struct Checked<'a> {
    source: &'a Source,
    scenario: &'a Scenario,
    manifests: &'a Manifests,
    /// The mapping after each `apply` that changes an object, and at the end: what holds at some time is no mistake.
    states: Vec<Mapping>,
    /// Every object that is applied and not refused.
    objects: Vec<&'a Value>,
}

impl<'a> Checked<'a> {
    /// Whether something makes this Secret at some time.
    fn makes(&self, secret: &ObjectName) -> bool {
        self.states.iter().any(|state| state.makes(secret))
    }

    /// Where a key comes from, at the end or else at some time; one that can be followed first.
    fn key(&self, secret: &ObjectName, key: &str) -> Option<Origin> {
        let mut origins = self
            .states
            .iter()
            .filter_map(|state| state.key(secret, key));
        let first = origins.next()?;
        match first {
            Origin::Vault { .. } => Some(first),
            Origin::Unmapped { .. } => Some(
                origins
                    .find(|origin| matches!(origin, Origin::Vault { .. }))
                    .unwrap_or(first),
            ),
        }
    }

    /// The state in which `find` finds something; that at the end first.
    fn at_some_time<T>(&self, find: impl Fn(&Mapping) -> Option<T>) -> Option<T> {
        self.states.iter().find_map(find)
    }

    fn external_secrets(&self) -> Vec<Declared<'a>> {
        crate::manifest::external_secrets(self.objects.iter().copied())
    }

    fn stores(&self) -> IndexMap<StoreKey, Store> {
        crate::manifest::stores(self.objects.iter().copied(), &self.scenario.vaults)
    }

    fn has_kind(&self, kind: &str) -> bool {
        self.objects
            .iter()
            .any(|object| ObjectRef(object).kind() == kind)
    }

    /// Whether a `write` step gives this secret its content.
    fn is_written(&self, vault: &str, secret: &str) -> bool {
        let mut written = false;
        each_step(&self.scenario.steps, &mut |step| {
            if let Action::Write(write) = &step.value {
                written |= write.secret.vault == vault && write.secret.secret == secret;
            }
        });
        written
    }
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
        states: states(scenario, manifests, mapping),
        objects: applied(&scenario.steps, manifests),
    };
    let checks: [fn(&Checked<'_>) -> Vec<Diagnostic>; 10] = [
        vaults::check,
        azure::check,
        names::check,
        strategies::check,
        gcp::check,
        stores::check,
        subjects::check,
        keys::check,
        budgets::check,
        stretches::check,
    ];
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

/// The mapping at the end, preceded by those on the way where an object is applied more than once.
fn states(scenario: &Scenario, manifests: &Manifests, end: &Mapping) -> Vec<Mapping> {
    let mut groups: Vec<Vec<&Value>> = Vec::new();
    each_step(&scenario.steps, &mut |step| {
        groups.push(applied(std::slice::from_ref(step), manifests));
    });
    groups.retain(|group| !group.is_empty());
    let names: Vec<_> = groups
        .iter()
        .flatten()
        .map(|object| (ObjectRef(object).kind(), ObjectRef(object).object_name()))
        .collect();
    let distinct: HashSet<_> = names.iter().collect();
    let mut states = vec![end.clone()];
    if distinct.len() < names.len() {
        let mut so_far = Vec::new();
        // The last one is the end itself. Scenarios with very many steps are checked less closely.
        for group in groups.iter().take(MAX_STATES) {
            so_far.extend(group.iter().copied());
            states.push(Mapping::of(so_far.iter().copied(), &scenario.vaults));
        }
    }
    states
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
