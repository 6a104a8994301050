//! Why a step ended the scenario, on its way to being told.

use std::ops::{Deref, DerefMut};

use rotaproof_cluster::Error;
use rotaproof_events::{Evidence, FailureKind};
use rotaproof_scenario::Span;

use crate::explain::About;

/// Why a step ended the scenario.
#[derive(Debug)]
pub(crate) struct Trouble(pub(crate) Box<Details>);

/// What is known of a [`Trouble`].
#[derive(Debug)]
pub(crate) struct Details {
    pub(crate) kind: FailureKind,
    pub(crate) what: String,
    pub(crate) expected: Option<String>,
    pub(crate) actual: Option<String>,
    pub(crate) about: Option<About>,
    /// What explains it, besides what is known of `about`.
    pub(crate) evidence: Vec<Evidence>,
    /// What to do, where more is known than follows from `about`.
    pub(crate) next: Option<String>,
    /// Where the step stands, and its text, once it is known.
    pub(crate) step: Option<(Span, String)>,
}

impl Trouble {
    /// A step that was refused, or an expectation that did not hold.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind: FailureKind::Expectation,
            what: what.into(),
            expected: None,
            actual: None,
            about: None,
            evidence: Vec::new(),
            next: None,
            step: None,
        }))
    }

    /// The environment failed.
    pub(crate) fn environment(what: impl Into<String>) -> Self {
        let mut trouble = Self::failed(what);
        trouble.kind = FailureKind::Environment;
        trouble
    }

    pub(crate) fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }
}

/// The lane failed.
impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let mut trouble = Self::environment(error.to_string());
        trouble.evidence.extend(printed_by(&error));
        trouble.next = error.next;
        trouble
    }
}

/// What the operator printed, where it printed anything.
pub(crate) fn printed(lines: Vec<String>) -> Option<Evidence> {
    told("The operator's last lines".into(), lines)
}

/// What the part of the lane printed that failed, where it printed anything.
pub(crate) fn printed_by(error: &Error) -> Option<Evidence> {
    match (error.part, error.action) {
        // It said nothing: this is what stands against it.
        (_, "be used") => told("What stands against it".into(), error.evidence.clone()),
        ("the External Secrets Operator", _) => printed(error.evidence.clone()),
        (part, _) => told(format!("What {part} said last"), error.evidence.clone()),
    }
}

fn told(title: String, lines: Vec<String>) -> Option<Evidence> {
    (!lines.is_empty()).then_some(Evidence { title, lines })
}

impl Deref for Trouble {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Trouble {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}
