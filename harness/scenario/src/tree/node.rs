//! The tree itself.

use crate::Span;

/// A node and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: NodeValue,
    pub(crate) span: Span,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeValue {
    /// A text; `plain` if it was written without quotes, so that it may also be a number, a boolean or null.
    Scalar { text: String, plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in order.
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

/// What a plain scalar means under YAML 1.2's core schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plain<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

impl Node {
    /// The entry of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            NodeValue::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The text of a scalar, as written.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether it is null: nothing, `~` or `null`, unquoted.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, NodeValue::Scalar { text, plain: true } if Plain::of(text) == Plain::Null)
    }

    /// What a message calls it. Texts are quoted only where they are short.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            NodeValue::List(_) => "a list".to_owned(),
            NodeValue::Map(_) => "a mapping".to_owned(),
            NodeValue::Scalar { .. } if self.is_null() => "nothing".to_owned(),
            NodeValue::Scalar { text, .. }
                if text.chars().count() <= 40 && !text.contains('\n') =>
            {
                format!("`{text}`")
            }
            NodeValue::Scalar { .. } => "a text".to_owned(),
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            NodeValue::List(items) => items,
            _ => &[],
        }
    }
}

impl<'a> Plain<'a> {
    /// The meaning of an unquoted text. `0644` and `yes`, which YAML 1.1 and 1.2 read differently, are texts.
    pub(crate) fn of(text: &'a str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            _ => {}
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let starts_as_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        if !starts_as_number || leading_zero {
            return Self::Text(text);
        }
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            if let Ok(value) = text.parse() {
                return Self::Unsigned(value);
            }
            return text.parse().map_or(Self::Text(text), Self::Signed);
        }
        let float_like = digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
        match text.parse::<f64>() {
            Ok(value) if float_like && value.is_finite() => Self::Float(value),
            _ => Self::Text(text),
        }
    }
}
