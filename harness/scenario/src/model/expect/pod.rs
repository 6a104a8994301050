//! Expectations on a pod.

use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use super::Expected;
use crate::tree::marker;
use crate::{Located, PodRef};

/// What must hold of a pod.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PodExpectation {
    /// The pod.
    pub pod: Located<PodRef>,
    /// Environment variables and what they hold.
    #[serde(default)]
    pub env: IndexMap<Located<String>, Located<EnvExpectation>>,
    /// Files by absolute path and what they hold.
    #[serde(default)]
    pub files: IndexMap<Located<String>, Located<Expected>>,
    /// The pod's phase.
    #[serde(default)]
    pub phase: Option<String>,
    /// The reason for which a container waits: `CreateContainerConfigError`.
    #[serde(default)]
    pub waiting: Option<String>,
    /// Its log contains this.
    #[serde(default)]
    pub logs: Option<String>,
}

/// What an environment variable must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvExpectation {
    /// A version or a value.
    Holds(Expected),
    /// Nothing: it is not set.
    Absent,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AbsentFields")]
struct Fields {
    /// The variable is not set.
    #[expect(dead_code, reason = "only `true` can be written")]
    absent: crate::model::step::True,
}

impl<'de> Deserialize<'de> for EnvExpectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnvVisitor;
        impl<'de> Visitor<'de> for EnvVisitor {
            type Value = EnvExpectation;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version, a value, or `{ absent: true }`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<EnvExpectation, E> {
                text.parse().map(EnvExpectation::Holds).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EnvExpectation, A::Error> {
                Fields::deserialize(MapAccessDeserializer::new(map)).map(|_| EnvExpectation::Absent)
            }
        }
        deserializer.deserialize_newtype_struct(marker::TEXT_OR, EnvVisitor)
    }
}

impl JsonSchema for EnvExpectation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EnvExpectation".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (expected, absent) = (
            generator.subschema_for::<Expected>(),
            generator.subschema_for::<Fields>(),
        );
        json_schema!({ "anyOf": [expected, absent] })
    }
}
