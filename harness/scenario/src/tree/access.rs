//! The parts of a node, as serde asks for them one after another.

use serde::de::value::U64Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::de::NodeReader;
use super::{Entry, Node, NodeValue, Reject, marker};
use crate::{Located, Span};

/// A mapping of some entries of another.
pub(super) fn mapping<'a>(entries: impl Iterator<Item = &'a Entry>, span: Span) -> Node {
    Node {
        value: NodeValue::Map(entries.cloned().collect()),
        span,
    }
}

/// The items of a list.
pub(super) struct ItemsOf<'a>(std::slice::Iter<'a, Node>);

impl<'a> ItemsOf<'a> {
    pub(super) fn new(items: &'a [Node]) -> Self {
        Self(items.iter())
    }
}

impl<'de> SeqAccess<'de> for ItemsOf<'_> {
    type Error = Reject;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Reject> {
        self.0
            .next()
            .map(|node| {
                seed.deserialize(NodeReader(node))
                    .map_err(|reject| reject.or_at(node.span))
            })
            .transpose()
    }
}

/// The entries of a mapping.
pub(super) struct FieldsOf<'a> {
    entries: std::slice::Iter<'a, Entry>,
    value: Option<&'a Node>,
}

impl<'a> FieldsOf<'a> {
    pub(super) fn new(entries: &'a [Entry]) -> Self {
        Self {
            entries: entries.iter(),
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for FieldsOf<'_> {
    type Error = Reject;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Reject> {
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(&entry.value);
        let key = NameReader {
            name: &entry.key,
            span: entry.key_span,
        };
        seed.deserialize(key)
            .map(Some)
            .map_err(|reject| reject.or_at(entry.key_span))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Reject> {
        let Some(node) = self.value.take() else {
            return Err(Reject::new("a value without a key"));
        };
        seed.deserialize(NodeReader(node))
            .map_err(|reject| reject.or_at(node.span))
    }
}

/// A key, or the name of a variant.
struct NameReader<'a> {
    name: &'a str,
    span: Span,
}

impl<'de> Deserializer<'de> for NameReader<'_> {
    type Error = Reject;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        visitor
            .visit_str(self.name)
            .map_err(|reject: Reject| reject.or_at(self.span))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Reject> {
        if name == marker::LOCATED {
            visitor.visit_seq(LocatedOf::new(self.span, self))
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A variant and its content.
pub(super) struct VariantOf<'a> {
    pub(super) name: &'a str,
    pub(super) name_span: Span,
    pub(super) content: Option<&'a Node>,
}

impl VariantOf<'_> {
    fn content(&self) -> Result<NodeReader<'_>, Reject> {
        self.content.map(NodeReader).ok_or_else(|| {
            Reject::new(format!("`{}` needs a value", self.name))
                .label(format!("write it as `{}: ...`", self.name))
                .or_at(self.name_span)
        })
    }
}

impl<'de> EnumAccess<'de> for VariantOf<'_> {
    type Error = Reject;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Reject> {
        let name = NameReader {
            name: self.name,
            span: self.name_span,
        };
        let variant = seed
            .deserialize(name)
            .map_err(|reject| reject.or_at(self.name_span))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for VariantOf<'_> {
    type Error = Reject;

    fn unit_variant(self) -> Result<(), Reject> {
        match self.content {
            Some(node) if !node.is_null() => {
                Err(Reject::new(format!("`{}` takes no value", self.name)).or_at(node.span))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Reject> {
        let content = self.content()?;
        seed.deserialize(content)
            .map_err(|reject| reject.or_at(content.0.span))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Reject> {
        self.content()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reject> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}

/// The two halves of a mapping that was split.
pub(super) struct SplitOf {
    parts: [Node; 2],
    next: usize,
}

impl SplitOf {
    pub(super) fn new(parts: [Node; 2]) -> Self {
        Self { parts, next: 0 }
    }
}

impl<'de> SeqAccess<'de> for SplitOf {
    type Error = Reject;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Reject> {
        let Some(part) = self.parts.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        seed.deserialize(NodeReader(part))
            .map(Some)
            .map_err(|reject| reject.or_at(part.span))
    }
}

/// The four numbers of a span, and then the value.
pub(super) struct LocatedOf<D> {
    numbers: std::array::IntoIter<usize, 4>,
    value: Option<D>,
}

impl<D> LocatedOf<D> {
    pub(super) fn new(span: Span, value: D) -> Self {
        Self {
            numbers: [span.line, span.column, span.start, span.end].into_iter(),
            value: Some(value),
        }
    }
}

impl<'de, D: Deserializer<'de, Error = Reject>> SeqAccess<'de> for LocatedOf<D> {
    type Error = Reject;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Reject> {
        if let Some(number) = self.numbers.next() {
            let number: U64Deserializer<Reject> = (number as u64).into_deserializer();
            return seed.deserialize(number).map(Some);
        }
        self.value
            .take()
            .map(|value| seed.deserialize(value))
            .transpose()
    }
}

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LocatedVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: serde::Deserialize<'de>> Visitor<'de> for LocatedVisitor<T> {
            type Value = Located<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value of a scenario file")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Located<T>, A::Error> {
                let mut number = || {
                    parts
                        .next_element::<u64>()
                        .map(|n| n.and_then(|n| usize::try_from(n).ok()).unwrap_or_default())
                };
                let span = Span {
                    line: number()?,
                    column: number()?,
                    start: number()?,
                    end: number()?,
                };
                match parts.next_element()? {
                    Some(value) => Ok(Located::new(value, span)),
                    None => Err(serde::de::Error::invalid_length(4, &self)),
                }
            }
        }

        deserializer
            .deserialize_newtype_struct(marker::LOCATED, LocatedVisitor(std::marker::PhantomData))
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}
