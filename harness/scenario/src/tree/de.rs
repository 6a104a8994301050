//! Reads any type from a node; every refusal knows its place.

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::access::{FieldsOf, ItemsOf, LocatedOf, SplitOf, VariantOf, mapping};
use super::node::Plain;
use super::{Entry, Node, NodeValue, Reject, marker};
use crate::diagnostic::did_you_mean;

/// Reads a type from a tree.
pub(crate) fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, Reject> {
    T::deserialize(NodeReader(node)).map_err(|reject| reject.or_at(node.span))
}

/// A node as a serde deserializer.
#[derive(Clone, Copy)]
pub(super) struct NodeReader<'a>(pub(super) &'a Node);

impl<'a> NodeReader<'a> {
    /// Locates a refusal of this node, and adds what was found instead.
    fn locate(self, reject: Reject) -> Reject {
        reject.found(&self.0.describe()).or_at(self.0.span)
    }

    fn mismatch(self, expected: &str) -> Reject {
        self.locate(Reject::new(format!("expected {expected}")))
    }

    fn visit_plainly<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        match &self.0.value {
            NodeValue::Scalar { text, plain: false } => visitor.visit_str(text),
            NodeValue::Scalar { text, plain: true } => match Plain::of(text) {
                Plain::Null => visitor.visit_unit(),
                Plain::Bool(value) => visitor.visit_bool(value),
                Plain::Unsigned(value) => visitor.visit_u64(value),
                Plain::Signed(value) => visitor.visit_i64(value),
                Plain::Float(value) => visitor.visit_f64(value),
                Plain::Text(text) => visitor.visit_str(text),
            },
            NodeValue::List(items) => visitor.visit_seq(ItemsOf::new(items)),
            NodeValue::Map(entries) => visitor.visit_map(FieldsOf::new(entries)),
        }
    }

    fn visit_text_or<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        match &self.0.value {
            NodeValue::Scalar { text, .. } if !self.0.is_null() => visitor.visit_str(text),
            _ => self.visit_plainly(visitor),
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        match &self.0.value {
            NodeValue::Scalar { text, plain: true }
                if text.starts_with('0')
                    && text.len() > 1
                    && text.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Err(Reject::new(format!("`{text}` is ambiguous"))
                    .label("octal to YAML 1.1, decimal to YAML 1.2")
                    .help(format!(
                        "write {} without the leading zero, or quote it if it is a text",
                        text.trim_start_matches('0')
                    ))
                    .or_at(self.0.span))
            }
            _ => self
                .visit_plainly(visitor)
                .map_err(|reject| self.locate(reject)),
        }
    }

    fn entries(self, expected: &str) -> Result<&'a [Entry], Reject> {
        match &self.0.value {
            NodeValue::Map(entries) => Ok(entries),
            _ => Err(self.mismatch(expected)),
        }
    }

    /// `{ kind: aws, ... }` as the variant `aws`, with the other entries as its content.
    fn by_field<'de, V: Visitor<'de>>(
        self,
        field: &str,
        variants: &[&str],
        visitor: V,
    ) -> Result<V::Value, Reject> {
        let entries = self.entries(&format!("a mapping with `{field}`"))?;
        let Some(tag) = entries.iter().find(|entry| entry.key == field) else {
            return Err(Reject::new(format!("`{field}` is missing"))
                .label(format!("`{field}` is required here"))
                .help(format!("`{field}` is one of {}", variants.join(", ")))
                .or_at(self.0.span));
        };
        let Some(name) = tag.value.text() else {
            return Err(NodeReader(&tag.value).mismatch(&format!("one of {}", variants.join(", "))));
        };
        let rest = mapping(
            entries.iter().filter(|entry| entry.key != field),
            self.0.span,
        );
        visitor.visit_enum(VariantOf {
            name,
            name_span: tag.value.span,
            content: Some(&rest),
        })
    }

    /// A mapping with exactly one key among the variants, as that variant with the whole mapping as its content.
    fn by_key<'de, V: Visitor<'de>>(
        self,
        what: &str,
        variants: &[&str],
        visitor: V,
    ) -> Result<V::Value, Reject> {
        let entries = self.entries(&format!("{what} as a mapping"))?;
        let mut subjects = entries
            .iter()
            .filter(|entry| variants.contains(&entry.key.as_str()));
        let Some(subject) = subjects.next() else {
            let reject = Reject::new(format!("{what} needs a subject"))
                .label(format!("expected one of {}", variants.join(", ")));
            let near = entries.iter().find_map(|entry| {
                did_you_mean(&entry.key, variants.iter().copied()).map(|name| (entry, name))
            });
            return Err(match near {
                Some((entry, name)) => reject
                    .help(format!("did you mean `{name}`?"))
                    .or_at(entry.key_span),
                None => reject.or_at(self.0.span),
            });
        };
        if let Some(second) = subjects.next() {
            return Err(Reject::new(format!(
                "{what} has one subject; this one has `{}` and `{}`",
                subject.key, second.key
            ))
            .label("a second subject")
            .help("write it as two expectations")
            .or_at(second.key_span));
        }
        visitor.visit_enum(VariantOf {
            name: &subject.key,
            name_span: subject.key_span,
            content: Some(self.0),
        })
    }

    /// `{ verb: content }`, or a bare `word`.
    fn tagged<'de, V: Visitor<'de>>(
        self,
        name: &str,
        variants: &[&str],
        visitor: V,
    ) -> Result<V::Value, Reject> {
        let entries = match &self.0.value {
            NodeValue::Scalar { text, .. } => {
                return visitor.visit_enum(VariantOf {
                    name: text,
                    name_span: self.0.span,
                    content: None,
                });
            }
            _ => self.entries(&format!("one of {}", variants.join(", ")))?,
        };
        match entries {
            [only] => visitor.visit_enum(VariantOf {
                name: &only.key,
                name_span: only.key_span,
                content: Some(&only.value),
            }),
            [] => Err(
                Reject::new(format!("one of {} is needed", variants.join(", "))).or_at(self.0.span),
            ),
            [first, second, ..] => {
                let reject = if variants.contains(&second.key.as_str()) {
                    Reject::new(format!(
                        "`{}` and `{}` exclude each other here",
                        first.key, second.key
                    ))
                    .label("a second one")
                } else {
                    Reject::new(format!("unknown field `{}`", second.key))
                        .label(format!("beside `{}`", first.key))
                };
                Err(if name == "Step" {
                    reject
                        .help("a step has exactly one verb; indent what belongs to it, and start the next step with `- `")
                        .or_at(second.key_span)
                } else {
                    reject.or_at(second.key_span)
                })
            }
        }
    }
}

/// A misspelt key of one half is refused by the other half, which cannot know what was meant.
fn also(reject: Reject, keys: &[&str]) -> Reject {
    let near = reject
        .unknown
        .as_deref()
        .and_then(|field| did_you_mean(field, keys.iter().copied()));
    match near {
        Some(near) if reject.help.is_none() => reject.help(format!("did you mean `{near}`?")),
        _ => reject,
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
            self.number(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeReader<'_> {
    type Error = Reject;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        self.visit_plainly(visitor)
            .map_err(|reject| self.locate(reject))
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        match &self.0.value {
            NodeValue::Scalar { text, plain: true } => {
                match (Plain::of(text), text.to_ascii_lowercase().as_str()) {
                    (Plain::Bool(value), _) => visitor
                        .visit_bool(value)
                        .map_err(|reject| self.locate(reject)),
                    (_, word @ ("yes" | "on" | "y")) => Err(self
                        .mismatch("`true` or `false`")
                        .help(format!("`{word}` is a text in YAML 1.2; write `true`"))),
                    (_, word @ ("no" | "off" | "n")) => Err(self
                        .mismatch("`true` or `false`")
                        .help(format!("`{word}` is a text in YAML 1.2; write `false`"))),
                    _ => Err(self.mismatch("`true` or `false`")),
                }
            }
            _ => Err(self.mismatch("`true` or `false`")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        match &self.0.value {
            NodeValue::Scalar { text, .. } if !self.0.is_null() => visitor
                .visit_str(text)
                .map_err(|reject| self.locate(reject)),
            _ => self
                .visit_plainly(visitor)
                .map_err(|reject| self.locate(reject)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor
                .visit_some(self)
                .map_err(|reject| self.locate(reject))
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Reject> {
        let node = self.0;
        let result = match name {
            marker::LOCATED => visitor.visit_seq(LocatedOf::new(node.span, self)),
            marker::TEXT_OR => self.visit_text_or(visitor),
            marker::TEXT_OR_GENERATOR => match node.get("generate") {
                Some(entry) if entry.value.text().is_some() => visitor.visit_newtype_struct(self),
                _ => self.visit_text_or(visitor),
            },
            _ => match name.strip_prefix(marker::SPLIT) {
                Some(keys) => {
                    let entries = self.entries("a mapping")?;
                    let keys: Vec<&str> = keys.split(',').collect();
                    let named = |entry: &&Entry| keys.contains(&entry.key.as_str());
                    visitor
                        .visit_seq(SplitOf::new([
                            mapping(entries.iter().filter(|entry| named(entry)), node.span),
                            mapping(entries.iter().filter(|entry| !named(entry)), node.span),
                        ]))
                        .map_err(|reject| also(reject, &keys))
                }
                None => visitor.visit_newtype_struct(self),
            },
        };
        result.map_err(|reject| self.locate(reject))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reject> {
        if let Some(field) = name.strip_prefix(marker::BY) {
            self.by_field(field, variants, visitor)
        } else if let Some(what) = name.strip_prefix(marker::KEY_OF) {
            self.by_key(what, variants, visitor)
        } else {
            self.tagged(name, variants, visitor)
        }
        .map_err(|reject| self.locate(reject))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reject> {
        let entries = self.entries("a mapping")?;
        visitor
            .visit_map(FieldsOf::new(entries))
            .map_err(|reject| self.locate(reject))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        let entries = self.entries("a mapping")?;
        visitor
            .visit_map(FieldsOf::new(entries))
            .map_err(|reject| self.locate(reject))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        match &self.0.value {
            NodeValue::List(items) => visitor
                .visit_seq(ItemsOf::new(items))
                .map_err(|reject| self.locate(reject)),
            _ => Err(self.mismatch("a list")),
        }
    }

    forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}
