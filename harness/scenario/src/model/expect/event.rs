//! Expectations on Kubernetes Events.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Located, Mark, ResourceRef};

/// That an Event was recorded.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EventExpectation {
    /// Which Events.
    pub event: EventFilter,
    /// The message contains this.
    #[serde(default)]
    pub message: Option<String>,
    /// Recorded so often, repeats counted.
    #[serde(default)]
    pub count: Option<u64>,
    /// Recorded so often or more; 1 unless `count` is given.
    #[serde(default)]
    pub at_least: Option<u64>,
    /// Only after this mark.
    #[serde(default)]
    pub since: Option<Located<Mark>>,
}

/// Which Events are meant: all that match every field.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EventFilter {
    /// The object that the Event is about.
    pub on: Located<ResourceRef>,
    /// Its reason: `UpdateFailed`.
    #[serde(default)]
    pub reason: Option<String>,
    /// Its type.
    #[serde(default)]
    pub r#type: Option<EventType>,
}

/// The type of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum EventType {
    /// `Normal`.
    Normal,
    /// `Warning`.
    Warning,
}

impl EventType {
    /// The type as Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}
