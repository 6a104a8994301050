//! The table of messages, read once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The fields of one Go type, by the number that each has in Protobuf.
pub(crate) struct Message(BTreeMap<u64, Field>);

/// One field.
pub(crate) struct Field {
    /// In JSON; empty where the message's fields are its parent's.
    pub(crate) name: String,
    pub(crate) kind: Type,
    /// Whether Go has a pointer, which tells a zero from nothing.
    pub(crate) pointer: bool,
}

/// The type of a field.
pub(crate) enum Type {
    Text,
    /// `int32` or `int64`.
    Integer(&'static str),
    Boolean,
    Double,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    /// JSON in bytes: `FieldsV1`, `RawExtension`.
    Json,
    /// A message that is a list of texts in JSON (`ExtraValue`).
    Texts,
    Message(String),
    List(Box<Type>),
    Map(Box<Type>),
}

impl Type {
    /// As Go names it in an error.
    pub(crate) fn go_name(&self) -> String {
        match self {
            Self::Text => "string".to_owned(),
            Self::Integer(name) => (*name).to_owned(),
            Self::Boolean => "bool".to_owned(),
            Self::Double => "float64".to_owned(),
            Self::Bytes => "[]uint8".to_owned(),
            Self::Time => "v1.Time".to_owned(),
            Self::MicroTime => "v1.MicroTime".to_owned(),
            Self::Quantity => "resource.Quantity".to_owned(),
            Self::IntOrString => "intstr.IntOrString".to_owned(),
            Self::Json => "runtime.RawExtension".to_owned(),
            Self::Texts => "v1.ExtraValue".to_owned(),
            Self::Message(name) => format!("v1.{name}"),
            Self::List(inner) => format!("[]{}", inner.go_name()),
            Self::Map(inner) => format!("map[string]{}", inner.go_name()),
        }
    }
}

impl Message {
    pub(crate) fn field(&self, number: u64) -> Option<&Field> {
        self.0.get(&number)
    }

    /// A field by its name in JSON, those of inlined messages included.
    pub(crate) fn named(&self, name: &str) -> Option<&Field> {
        self.0.values().find_map(|field| match &field.kind {
            Type::Message(inlined) if field.name.is_empty() => message(inlined)?.named(name),
            _ => Some(field).filter(|field| field.name == name),
        })
    }
}

/// A message by its name.
pub(crate) fn message(name: &str) -> Option<&'static Message> {
    static MESSAGES: OnceLock<BTreeMap<&'static str, Message>> = OnceLock::new();
    let lines = || include_str!("messages.txt").lines();
    MESSAGES
        .get_or_init(|| {
            let lines = lines().filter(|line| !line.starts_with('#'));
            lines.filter_map(read).collect()
        })
        .get(name)
}

/// `Secret 1:metadata:ObjectMeta 2:data:{}bytes ...`
fn read(line: &'static str) -> Option<(&'static str, Message)> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let field = |word: &str| {
        let mut parts = word.split(':');
        let number = parts.next()?.parse().ok()?;
        let name = parts.next()?.to_owned();
        let kind = parts.next()?;
        let field = Field {
            name,
            kind: kind_of(kind.trim_end_matches('?')),
            pointer: kind.ends_with('?'),
        };
        Some((number, field))
    };
    Some((name, Message(words.filter_map(field).collect())))
}

fn kind_of(text: &str) -> Type {
    if let Some(inner) = text.strip_prefix("[]") {
        return Type::List(Box::new(kind_of(inner)));
    }
    if let Some(inner) = text.strip_prefix("{}") {
        return Type::Map(Box::new(kind_of(inner)));
    }
    match text {
        "string" => Type::Text,
        "int32" => Type::Integer("int32"),
        "int64" => Type::Integer("int64"),
        "bool" => Type::Boolean,
        "double" => Type::Double,
        "bytes" => Type::Bytes,
        "Time" => Type::Time,
        "MicroTime" => Type::MicroTime,
        "Quantity" => Type::Quantity,
        "IntOrString" => Type::IntOrString,
        "FieldsV1" | "RawExtension" => Type::Json,
        "ExtraValue" => Type::Texts,
        name => Type::Message(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_whole() {
        for line in include_str!("messages.txt").lines() {
            if line.starts_with('#') {
                continue;
            }
            let (name, Message(fields)) = read(line).unwrap();
            assert_eq!(fields.len(), line.split(' ').count() - 1, "{name}");
        }
    }
}
