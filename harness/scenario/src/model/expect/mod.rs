//! Expectations: a subject, what must hold of it, and in which tense; one file per subject.

mod event;
mod externalsecret;
mod job;
mod pod;
mod requests;
mod secret;
mod staleness;
mod store;

use std::fmt;

pub use event::{EventExpectation, EventFilter, EventType};
pub use externalsecret::ExternalSecretExpectation;
pub use job::{ConditionExpectation, JobExpectation, NotebookValidationJobExpectation};
pub use pod::{EnvExpectation, PodExpectation};
pub use requests::{RequestFilter, RequestsExpectation};
use schemars::{JsonSchema, Schema, SchemaGenerator};
pub use secret::{Owner, SecretExpectation};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
pub use staleness::{StalenessExpectation, StalenessFilter, Until};
pub use store::StoreExpectation;

use crate::text::from_text;
use crate::tree::marker;
use crate::{Budget, Located, Stretch, ValueRef, VersionName};

/// What must hold, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What it is about, with what must hold of it.
    pub subject: Subject,
    /// When it must hold.
    pub tense: Tense,
}

/// When an expectation must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Tense {
    /// Now.
    Now,
    /// At some time within the budget.
    Within(Located<Budget>),
    /// All the time of the stretch.
    Throughout(Located<Stretch>),
}

/// The subject of an expectation: the one key that says what it is about.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename = "$key-of:an expectation", rename_all = "lowercase")]
#[schemars(rename = "Subject", untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "few exist, and none is moved often"
)]
pub enum Subject {
    /// An ExternalSecret.
    ExternalSecret(ExternalSecretExpectation),
    /// A SecretStore or ClusterSecretStore.
    Store(StoreExpectation),
    /// A Kubernetes Secret.
    Secret(SecretExpectation),
    /// A pod.
    Pod(PodExpectation),
    /// A batch Job.
    Job(JobExpectation),
    /// A NotebookValidationJob.
    NotebookValidationJob(NotebookValidationJobExpectation),
    /// Requests that reached a vault.
    Requests(RequestsExpectation),
    /// A Kubernetes Event.
    Event(EventExpectation),
    /// How long rotations took to arrive.
    Staleness(StalenessExpectation),
}

/// What a place must hold: a version of the value that the manifests map there, or some value by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A version of what is mapped there.
    Version(VersionName),
    /// One value of a vault.
    Value(ValueRef),
}

from_text!(
    Expected,
    "Expected",
    "^(current|previous|initial|v[1-9][0-9]*|[^/]+/.+@(current|previous|initial|v[1-9][0-9]*))$",
    "a version (current, previous, initial, v1) or a value (vault/secret#field@version)"
);

impl std::str::FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            text.parse().map(Self::Value)
        } else {
            text.parse().map(Self::Version)
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Value(value) => value.fmt(f),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenseFields {
    /// It must hold at some time within this budget.
    #[serde(default)]
    within: Option<Located<Budget>>,
    /// It must hold all the time of this stretch.
    #[serde(default)]
    throughout: Option<Located<Stretch>>,
}

impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ExpectationVisitor;
        impl<'de> Visitor<'de> for ExpectationVisitor {
            type Value = Expectation;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with one subject and what must hold of it")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Expectation, A::Error> {
                let (Some(tense), Some(subject)) =
                    (parts.next_element::<TenseFields>()?, parts.next_element()?)
                else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                let tense = match (tense.within, tense.throughout) {
                    (None, None) => Tense::Now,
                    (Some(budget), None) => Tense::Within(budget),
                    (None, Some(stretch)) => Tense::Throughout(stretch),
                    (Some(_), Some(_)) => {
                        return Err(A::Error::custom(
                            "an expectation has one tense: `within` or `throughout`, not both",
                        ));
                    }
                };
                Ok(Expectation { subject, tense })
            }
        }
        deserializer.deserialize_newtype_struct(marker::SPLIT_TENSE, ExpectationVisitor)
    }
}

impl JsonSchema for Expectation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expectation".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        crate::schema::one_of_with::<Subject, TenseFields>(generator)
    }
}
