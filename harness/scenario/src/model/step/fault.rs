//! `fault` and `heal`: a vault misbehaves, and stops doing so.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{
    Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer,
};

use crate::tree::marker;
use crate::{Located, Period};

/// Makes requests to a vault go wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The vault's name.
    pub vault: Located<String>,
    /// What goes wrong.
    pub model: FaultModel,
    /// Only requests of this operation; all unless given.
    pub operation: Option<String>,
    /// Only the first N such requests; all until healed unless given.
    pub first: Option<u32>,
    /// The fault's name, for `heal`.
    pub name: Option<Located<String>>,
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultModel {
    /// The answer comes this much later.
    Latency(Period),
    /// The vault is not asked; the answer has this status.
    Status(Status),
    /// The connection is reset.
    Reset(True),
    /// No answer ever comes.
    Hang(True),
}

/// The word `true`: the only thing that `reset` and `hang` take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct True;

/// A status in place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The HTTP status, 400 to 599.
    pub code: u16,
    /// A `Retry-After` header, in whole seconds.
    pub retry_after: Option<Period>,
}

/// Ends one fault by name, or all faults of a vault.
#[derive(Clone, Debug, PartialEq)]
pub struct Heal {
    /// What is healed.
    pub target: HealTarget,
    /// The step's name.
    pub name: Option<Located<String>>,
}

/// What a `heal` ends.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealTarget {
    /// One fault, by its name.
    Fault(Located<String>),
    /// Every fault of a vault.
    Vault(Located<String>),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "FaultFields")]
struct Fields {
    /// The vault's name.
    vault: Located<String>,
    /// Only requests of this operation; all unless given.
    #[serde(default)]
    operation: Option<String>,
    /// Only the first N such requests; all until healed unless given.
    #[serde(default)]
    first: Option<u32>,
    /// The fault's name, for `heal`.
    #[serde(default, rename = "as")]
    name: Option<Located<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HealFields")]
struct HealFields {
    /// The step's name.
    #[serde(default, rename = "as")]
    name: Option<Located<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StatusFields")]
struct StatusFields {
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    code: u16,
    /// A `Retry-After` header, in whole seconds.
    #[serde(default)]
    retry_after: Option<Period>,
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FaultVisitor;
        impl<'de> Visitor<'de> for FaultVisitor {
            type Value = Fault;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with `vault` and one of latency, status, reset, hang")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Fault, A::Error> {
                let (Some(model), Some(fields)) =
                    (parts.next_element()?, parts.next_element::<Fields>()?)
                else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                parts.next_element::<IgnoredAny>()?;
                Ok(Fault {
                    vault: fields.vault,
                    model,
                    operation: fields.operation,
                    first: fields.first,
                    name: fields.name,
                })
            }
        }
        deserializer.deserialize_newtype_struct(marker::SPLIT_FAULT, FaultVisitor)
    }
}

impl<'de> Deserialize<'de> for Heal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HealVisitor;
        impl<'de> Visitor<'de> for HealVisitor {
            type Value = Heal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{ fault: name }` or `{ vault: name }`")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Heal, A::Error> {
                let (Some(target), Some(fields)) =
                    (parts.next_element()?, parts.next_element::<HealFields>()?)
                else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                Ok(Heal {
                    target,
                    name: fields.name,
                })
            }
        }
        deserializer.deserialize_newtype_struct(marker::SPLIT_HEAL, HealVisitor)
    }
}

impl<'de> Deserialize<'de> for True {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if bool::deserialize(deserializer)? {
            Ok(Self)
        } else {
            Err(D::Error::custom(
                "only `true` makes sense here; leave the field out otherwise",
            ))
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StatusVisitor;
        impl<'de> Visitor<'de> for StatusVisitor {
            type Value = Status;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status such as 503, or `{ code: 429, retry_after: 2s }`")
            }
            fn visit_str<E: Error>(self, code: &str) -> Result<Status, E> {
                let code = code
                    .parse()
                    .map_err(|_| E::custom(format!("`{code}` is not an HTTP status")))?;
                status(code, None)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Status, A::Error> {
                let fields = StatusFields::deserialize(MapAccessDeserializer::new(map))?;
                status(fields.code, fields.retry_after)
            }
        }
        fn status<E: Error>(code: u16, retry_after: Option<Period>) -> Result<Status, E> {
            if (400..=599).contains(&code) {
                Ok(Status { code, retry_after })
            } else {
                Err(E::custom(format!(
                    "a fault's status is 400 to 599, not {code}"
                )))
            }
        }
        deserializer.deserialize_newtype_struct(marker::TEXT_OR, StatusVisitor)
    }
}

impl JsonSchema for True {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "True".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": true })
    }
}

impl JsonSchema for Status {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Status".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<StatusFields>();
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 400, "maximum": 599 }, fields] })
    }
}

impl JsonSchema for Fault {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fault".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        crate::schema::one_of_with::<FaultModel, Fields>(generator)
    }
}

impl JsonSchema for Heal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Heal".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        crate::schema::one_of_with::<HealTarget, HealFields>(generator)
    }
}
