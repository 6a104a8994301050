//! The small texts of a scenario: budgets, durations, names, versions. Each parses, prints, and knows its schema.

mod budget;
mod names;
mod period;
mod stretch;
mod version;

pub use budget::Budget;
pub use names::{ClientName, Mark, ObjectName, PodRef, ResourceRef, SecretRef, StoreName};
pub use period::Period;
pub use stretch::Stretch;
pub use version::{ValueRef, VersionName};

/// Reads a type from its text wherever serde asks for it, and describes it in the schema as a string.
macro_rules! from_text {
    ($type:ty, $name:literal, $pattern:literal, $about:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($about)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": $about })
            }
        }
    };
}
pub(crate) use from_text;
