//! What must hold of a lab, and when: a function per subject.
//!
//! `secret("team/db").is(Version::Current).within(REFRESH + Duration::from_secs(10))`: a subject, what must hold of it,
//! and a tense: none (now), [`within`](Expect::within) (by then), [`throughout`](Expect::throughout) (until then, at
//! every change). [`Lab::expect`](crate::Lab::expect) waits for it.

mod kubernetes;
mod pod;
mod secret;
mod vault;

pub use kubernetes::{
    Event, ExternalSecret, Job, NotebookValidationJob, Store, event, externalsecret, job,
    notebookvalidationjob, store,
};
pub use pod::{Pod, pod};
use rotaproof_scenario::ValueRef;
use rotaproof_scenario::VersionName;
use rotaproof_scenario::model::expect::{self as declared, Expectation, Expected, Tense};
use rotaproof_scenario::{Budget, Stretch};
pub use secret::{Secret, secret};
pub use vault::{Requests, Staleness, requests, staleness};

/// An expectation under construction: its methods are those of its subject, and the tenses.
#[derive(Clone, Debug)]
#[must_use = "hand it to `Lab::expect`"]
pub struct Expect<S> {
    subject: Result<S, String>,
    tense: Tense,
}

impl<S> Expect<S> {
    /// It must hold at some time within the budget: a `Duration`, [`REFRESH`](crate::REFRESH)es, or both.
    pub fn within(mut self, budget: impl Into<Budget>) -> Self {
        let budget: Budget = budget.into();
        self.tense = Tense::Within(budget.into());
        self
    }

    /// It must hold all the time: for a budget, or up to the next refresh
    /// ([`UNTIL_REFRESH`](crate::UNTIL_REFRESH)).
    pub fn throughout(mut self, stretch: impl Into<Stretch>) -> Self {
        let stretch: Stretch = stretch.into();
        self.tense = Tense::Throughout(stretch.into());
        self
    }

    fn of(subject: Result<S, String>) -> Self {
        Self {
            subject,
            tense: Tense::Now,
        }
    }

    fn with(self, say: impl FnOnce(&mut S)) -> Self {
        self.try_with(|subject| {
            say(subject);
            Ok(())
        })
    }

    fn try_with(mut self, say: impl FnOnce(&mut S) -> Result<(), String>) -> Self {
        self.subject = self
            .subject
            .and_then(|mut subject| say(&mut subject).map(|()| subject));
        self
    }
}

impl<S: Subject> Expect<S> {
    pub(super) fn build(self) -> Result<Expectation, String> {
        Ok(Expectation {
            subject: self.subject?.declared(),
            tense: self.tense,
        })
    }
}

/// What an expectation can be about. Only the types of this module are.
pub trait Subject: sealed::Sealed {}

impl<S: sealed::Sealed> Subject for S {}

mod sealed {
    use rotaproof_scenario::model::expect as declared;

    pub trait Sealed {
        fn declared(self) -> declared::Subject;
    }
}

/// Makes a type of the scenario's model a subject of its own.
macro_rules! subject {
    ($(#[$doc:meta])* $name:ident, $model:ident, $variant:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name($crate::lab::expect::declared::$model);

        impl $crate::lab::expect::sealed::Sealed for $name {
            fn declared(self) -> $crate::lab::expect::declared::Subject {
                $crate::lab::expect::declared::Subject::$variant(self.0)
            }
        }
    };
}
use subject;

/// What a place holds: a [`Version`](crate::Version) of what the manifests map there, or one value by its full name,
/// `"vault/secret#field@version"`.
#[derive(Clone, Debug)]
pub struct Holds(Result<Expected, String>);

impl From<VersionName> for Holds {
    fn from(version: VersionName) -> Self {
        Self(Ok(Expected::Version(version)))
    }
}

impl From<&str> for Holds {
    fn from(value: &str) -> Self {
        Self(value.parse::<ValueRef>().map(Expected::Value))
    }
}
