//! Validation errors in the words of Kubernetes (k8s.io/apimachinery `pkg/util/validation/field`).

use std::fmt;

/// The machine-readable reason of a `StatusCause`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldErrorReason {
    /// A value of the wrong form.
    Invalid,
    /// A value of the wrong type.
    TypeInvalid,
    /// A missing value.
    Required,
    /// A value outside of its enumeration.
    NotSupported,
    /// A value that must be unique and is not.
    Duplicate,
    /// A value that may not be given.
    Forbidden,
    /// Too long a text.
    TooLong,
    /// Too many items or properties.
    TooMany,
}

impl FieldErrorReason {
    /// The word in a `StatusCause`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::Required => "FieldValueRequired",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
        }
    }
}

/// One thing that is wrong with an object; displays as `spec.x: Required value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path, e.g. `spec.data[0].remoteRef.key`; `<nil>` for the object as a whole.
    pub field: String,
    /// Its kind.
    pub reason: FieldErrorReason,
    /// The text after the path, e.g. `Unsupported value: "Foo": supported values: "Owner", "Orphan"`.
    pub detail: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}
