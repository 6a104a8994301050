//! `force-sync`, `restart`, `repeat`: what moves the system or the scenario on.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::Step;
use crate::{Located, ObjectName};

/// Annotates an ExternalSecret so that the operator syncs it now.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ForceSync {
    /// The ExternalSecret.
    pub externalsecret: Located<ObjectName>,
    /// The step's name.
    #[serde(default, rename = "as")]
    pub name: Option<Located<String>>,
}

/// Restarts the operator: the only part that can be, so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Restart;

impl<'de> Deserialize<'de> for Restart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Part;
        impl Visitor<'_> for Part {
            type Value = Restart;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`operator`")
            }
            fn visit_str<E: Error>(self, part: &str) -> Result<Restart, E> {
                match part {
                    "operator" => Ok(Restart),
                    _ => Err(E::unknown_variant(part, &["operator"])),
                }
            }
        }
        deserializer.deserialize_str(Part)
    }
}

impl JsonSchema for Restart {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Restart".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": "operator" })
    }
}

/// Runs steps several times.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Repeat {
    /// How many times.
    pub times: u32,
    /// The steps.
    pub steps: Vec<Step>,
    /// The step's name.
    #[serde(default, rename = "as")]
    pub name: Option<Located<String>>,
}
