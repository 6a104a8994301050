//! Why a tree could not be read as a type, and where.

use std::fmt;

use crate::Span;
use crate::diagnostic::did_you_mean;

/// A refusal, located as soon as it passes a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reject(Box<Reason>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reason {
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
    pub(crate) span: Option<Span>,
    /// The field that is unknown, if that is it.
    pub(crate) unknown: Option<String>,
}

impl std::ops::Deref for Reject {
    type Target = Reason;

    fn deref(&self) -> &Reason {
        &self.0
    }
}

impl Reject {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Reason {
            message: message.into(),
            label: String::new(),
            help: None,
            span: None,
            unknown: None,
        }))
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.0.label = label.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Says what was found instead, where all that is known is what was expected.
    pub(crate) fn found(mut self, what: &str) -> Self {
        if self.span.is_none() && self.label.is_empty() && self.message.starts_with("expected ") {
            self.0.message = format!("{}, found {what}", self.message);
        }
        self
    }

    /// The reason itself.
    pub(crate) fn into_reason(self) -> Reason {
        *self.0
    }

    /// Says where, unless something further inside already did.
    pub(crate) fn or_at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Reject {}

/// What serde calls a number, for people.
fn plainly(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" => "a text",
        other => other,
    }
}

fn among(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

impl serde::de::Error for Reject {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(_: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::new(format!("expected {}", plainly(&expected.to_string())))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::new(format!(
            "{found} does not fit: expected {}",
            plainly(&expected.to_string())
        ))
    }

    fn unknown_field(field: &str, fields: &'static [&'static str]) -> Self {
        let mut reject = Self::new(format!("unknown field `{field}`"));
        reject.0.unknown = Some(field.to_owned());
        if fields.is_empty() {
            return reject.label("no field is expected here");
        }
        let reject = reject.label(format!("expected one of {}", among(fields)));
        match did_you_mean(field, fields.iter().copied()) {
            Some(name) => reject.help(format!("did you mean `{name}`?")),
            None => reject,
        }
    }

    fn unknown_variant(variant: &str, variants: &'static [&'static str]) -> Self {
        let reject = Self::new(format!("`{variant}` is not known here"))
            .label(format!("expected one of {}", among(variants)));
        match did_you_mean(variant, variants.iter().copied()) {
            Some(name) => reject.help(format!("did you mean `{name}`?")),
            None => reject,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing")).label(format!("`{field}` is required here"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is given twice"))
    }
}
