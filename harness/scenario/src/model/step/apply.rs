//! `apply`: a manifest, or one that must be refused.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::tree::marker;
use crate::{Located, Span};

/// Applies every document of a manifest, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Apply {
    /// The manifest's path, from the scenario's folder.
    pub manifest: Located<String>,
    /// The API must refuse it, with an error that contains this.
    pub refused: Option<String>,
    /// What the report says about it.
    pub finding: Option<String>,
    /// The fix that the report suggests.
    pub fix: Option<String>,
    /// The step's name.
    pub name: Option<Located<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "ApplyFields")]
struct Fields {
    /// The manifest's path, from the scenario's folder.
    manifest: Located<String>,
    /// The API must refuse it, with an error that contains this.
    #[serde(default)]
    refused: Option<String>,
    /// What the report says about it.
    #[serde(default)]
    finding: Option<String>,
    /// The fix that the report suggests.
    #[serde(default)]
    fix: Option<String>,
    /// The step's name.
    #[serde(default, rename = "as")]
    name: Option<Located<String>>,
}

impl<'de> Deserialize<'de> for Apply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ApplyVisitor;
        impl<'de> Visitor<'de> for ApplyVisitor {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a manifest's path, or a mapping with `manifest`")
            }
            fn visit_str<E: Error>(self, path: &str) -> Result<Self::Value, E> {
                Ok(Fields {
                    manifest: Located::new(path.to_owned(), Span::default()),
                    refused: None,
                    finding: None,
                    fix: None,
                    name: None,
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Fields::deserialize(MapAccessDeserializer::new(map))
            }
        }

        /// Read inside a [`Located`], so that a bare path knows its place too.
        struct Either(Fields);
        impl<'de> Deserialize<'de> for Either {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer
                    .deserialize_newtype_struct(marker::TEXT_OR, ApplyVisitor)
                    .map(Self)
            }
        }

        let located = Located::<Either>::deserialize(deserializer)?;
        let Fields {
            mut manifest,
            refused,
            finding,
            fix,
            name,
        } = located.value.0;
        if manifest.span == Span::default() {
            manifest.span = located.span;
        }
        Ok(Self {
            manifest,
            refused,
            finding,
            fix,
            name,
        })
    }
}

impl JsonSchema for Apply {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Apply".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<Fields>();
        json_schema!({
            "description": "A manifest's path, from the scenario's folder; or more about it.",
            "anyOf": [{ "type": "string" }, fields],
        })
    }
}
