//! What a secret holds: literal texts, or values that the harness generates.

use std::fmt;

use indexmap::IndexMap;
use rotaproof_base::SecretValue;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{
    Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer,
};

use crate::Located;
use crate::tree::marker;

/// The content of a secret: one body, or named fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// One plain body.
    Text(Value),
    /// Named fields: a JSON object in AWS, the data of a version in Vault.
    Fields(IndexMap<Located<String>, Value>),
}

/// One value: a literal, or generated anew for every version.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// As written in the file.
    Literal(SecretValue),
    /// Made by the harness.
    Generated(Generator),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(..)"),
            Self::Generated(generator) => generator.fmt(f),
        }
    }
}

/// How a value is generated.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(
    rename = "$by:generate",
    rename_all = "kebab-case",
    deny_unknown_fields
)]
#[schemars(rename = "Generator", tag = "generate")]
pub enum Generator {
    /// Random text.
    Text {
        /// Characters; 32 unless given.
        #[serde(default = "text_length")]
        length: u16,
        /// Which characters.
        #[serde(default)]
        alphabet: Alphabet,
    },
    /// `AKIA` and 16 upper-case characters.
    AwsAccessKeyId {},
    /// 40 characters of base64.
    AwsSecretAccessKey {},
    /// A random UUID.
    Uuid {},
    /// A password of printable characters, with every class in it.
    Password {
        /// Characters; 32 unless given.
        #[serde(default = "text_length")]
        length: u16,
    },
}

fn text_length() -> u16 {
    32
}

/// The characters of a generated text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Alphabet {
    /// Letters and digits.
    #[default]
    Alphanumeric,
    /// Lower-case hex digits.
    Hex,
    /// Every printable ASCII character.
    Printable,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or `{ generate: ... }`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Literal(SecretValue::new(text.as_bytes())))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                generator: D,
            ) -> Result<Value, D::Error> {
                Generator::deserialize(generator).map(Value::Generated)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                Generator::deserialize(MapAccessDeserializer::new(map)).map(Value::Generated)
            }
        }
        deserializer.deserialize_newtype_struct(marker::TEXT_OR_GENERATOR, ValueVisitor)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BodyVisitor;
        impl<'de> Visitor<'de> for BodyVisitor {
            type Value = Body;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, `{ generate: ... }`, or a mapping of fields")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Body, E> {
                Ok(Body::Text(Value::Literal(SecretValue::new(
                    text.as_bytes(),
                ))))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                generator: D,
            ) -> Result<Body, D::Error> {
                Generator::deserialize(generator).map(|g| Body::Text(Value::Generated(g)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
                let mut fields = IndexMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    fields.insert(name, value);
                }
                Ok(Body::Fields(fields))
            }
        }
        deserializer.deserialize_newtype_struct(marker::TEXT_OR_GENERATOR, BodyVisitor)
    }
}

impl JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let generated = generator.subschema_for::<Generator>();
        json_schema!({ "anyOf": [{ "type": ["string", "number", "boolean"] }, generated] })
    }
}

impl JsonSchema for Body {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Body".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<Value>();
        json_schema!({ "anyOf": [value, {
            "type": "object",
            "properties": { "generate": { "type": "object" } },
            "additionalProperties": value,
        }] })
    }
}
