//! Names given with `as:` are unique, and whatever is referred to exists: aliases of pods, faults, marks.

use indexmap::IndexMap;

use super::{Checked, each_step};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::model::expect::Subject;
use crate::model::step::{Action, Delete, HealTarget, Step};
use crate::{Located, Mark, PodRef, Span};

pub(super) fn check(checked: &Checked<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut names: IndexMap<&str, (Span, &'static str)> = IndexMap::new();
    let mut verbs: IndexMap<&str, Span> = IndexMap::new();
    each_step(&checked.scenario.steps, &mut |step| {
        verbs.entry(step.verb()).or_insert(step.span);
        let Some(name) = step.name() else { return };
        if name.value == Mark::START || Action::VERBS.contains(&name.as_str()) {
            found.push(
                Diagnostic::error(checked.source, name.span, format!("`{name}` already means something else"))
                    .help("a bare verb means the last step of that verb, and `start` the beginning; choose another name"),
            );
        } else if let Some((first, _)) = names.insert(&name.value, (name.span, step.verb())) {
            found.push(
                Diagnostic::error(
                    checked.source,
                    name.span,
                    format!("`{name}` is given to two steps"),
                )
                .label("the second time")
                .help(format!("the first is in line {}", first.line)),
            );
        }
    });
    let known = Known {
        checked,
        names,
        verbs,
    };
    known.walk(&checked.scenario.steps, false, &mut found);
    found
}

struct Known<'a> {
    checked: &'a Checked<'a>,
    names: IndexMap<&'a str, (Span, &'static str)>,
    verbs: IndexMap<&'a str, Span>,
}

impl Known<'_> {
    /// Inside `repeat` and `parallel` the order of the text is not the order of events.
    fn walk(&self, steps: &[Step], loose: bool, found: &mut Vec<Diagnostic>) {
        for step in steps {
            match &step.value {
                Action::Repeat(repeat) => self.walk(&repeat.steps, true, found),
                Action::Parallel(lists) => {
                    lists.iter().for_each(|list| self.walk(list, true, found))
                }
                Action::Heal(heal) => {
                    if let HealTarget::Fault(name) = &heal.target {
                        self.named(name, name.span, "fault", loose, found);
                    }
                }
                Action::Delete(delete) => {
                    if let Delete::Pod(PodRef::Alias(alias)) = &delete.value {
                        self.named(alias, delete.span, "start", loose, found);
                    }
                }
                Action::Expect(expect) => {
                    if let Subject::Pod(pod) = &expect.subject
                        && let PodRef::Alias(alias) = &pod.pod.value
                    {
                        self.named(alias, pod.pod.span, "start", loose, found);
                    }
                    for mark in marks(&expect.subject) {
                        self.mark(mark, loose, found);
                    }
                }
                _ => {}
            }
        }
    }

    fn named(
        &self,
        name: &str,
        span: Span,
        verb: &'static str,
        loose: bool,
        found: &mut Vec<Diagnostic>,
    ) {
        let what = if verb == "start" { "pod" } else { verb };
        let message = match self.names.get(name) {
            Some((at, given)) if *given == verb => {
                if loose || at.start < span.start {
                    return;
                }
                format!("{what} `{name}` is named only later, in line {}", at.line)
            }
            Some((_, given)) => format!("`{name}` names a `{given}` step, not a {what}"),
            None => format!("no {what} is named `{name}`"),
        };
        let names = self
            .names
            .iter()
            .filter(|(_, (_, given))| *given == verb)
            .map(|(name, _)| *name);
        let help = match did_you_mean(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("name it with `as: {name}` in a `{verb}` step"),
        };
        found.push(Diagnostic::error(self.checked.source, span, message).help(help));
    }

    fn mark(&self, mark: &Located<Mark>, loose: bool, found: &mut Vec<Diagnostic>) {
        let name = mark.0.as_str();
        if name == Mark::START {
            return;
        }
        let at = self
            .names
            .get(name)
            .map(|(at, _)| at)
            .or_else(|| self.verbs.get(name));
        let message = match at {
            Some(at) if loose || at.start < mark.span.start => return,
            Some(at) => format!("`{name}` happens only later, in line {}", at.line),
            None if Action::VERBS.contains(&name) => format!("no `{name}` step comes before this"),
            None => format!("no step is named `{name}`"),
        };
        let names = self
            .names
            .keys()
            .copied()
            .chain(Action::VERBS)
            .chain([Mark::START]);
        let help = did_you_mean(name, names).map(|near| format!("did you mean `{near}`?"));
        found.push(
            Diagnostic::error(self.checked.source, mark.span, message)
                .help("a mark is `start`, the name of an earlier step, or a verb")
                .maybe_help(help),
        );
    }
}

fn marks(subject: &Subject) -> Vec<&Located<Mark>> {
    match subject {
        Subject::ExternalSecret(one) => [&one.refreshed_since, &one.refresh_unmoved_since]
            .into_iter()
            .flatten()
            .collect(),
        Subject::Requests(one) => one.since.iter().collect(),
        Subject::Event(one) => one.since.iter().collect(),
        _ => Vec::new(),
    }
}
