//! Validation errors in the words of Kubernetes (k8s.io/apimachinery `pkg/util/validation/field`, v0.34).

use std::fmt;

use serde_json::Value;

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

impl FieldError {
    fn new(field: &str, reason: FieldErrorReason, detail: String) -> Self {
        Self {
            field: if field.is_empty() { "<nil>" } else { field }.to_owned(),
            reason,
            detail,
        }
    }

    pub(super) fn required(field: &str, detail: &str) -> Self {
        Self::new(
            field,
            FieldErrorReason::Required,
            with("Required value", detail),
        )
    }

    pub(super) fn forbidden(field: &str, detail: &str) -> Self {
        Self::new(
            field,
            FieldErrorReason::Forbidden,
            with("Forbidden", detail),
        )
    }

    /// `Invalid value: "x": detail`.
    pub(super) fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::new(
            field,
            FieldErrorReason::Invalid,
            with(&format!("Invalid value: {value}"), detail),
        )
    }

    /// `Invalid value: detail`, for a message that shows what it wants of the value itself.
    pub(super) fn invalid_unshown(field: &str, detail: &str) -> Self {
        Self::new(
            field,
            FieldErrorReason::Invalid,
            with("Invalid value", detail),
        )
    }

    /// A value of another type or format than `wanted`; `got` is the type's name, or the ill-formed text.
    pub(super) fn type_invalid(field: &str, wanted: &str, got: &str) -> Self {
        Self::new(
            field,
            FieldErrorReason::TypeInvalid,
            format!(
                "Invalid value: {got:?}: {} must be of type {wanted}: {got:?}",
                in_body(field)
            ),
        )
    }

    pub(super) fn not_supported(field: &str, value: &Value, allowed: &[Value]) -> Self {
        let allowed: Vec<String> = allowed
            .iter()
            .map(|value| match value {
                Value::String(text) => format!("{text:?}"),
                other => format!("{:?}", other.to_string()),
            })
            .collect();
        Self::new(
            field,
            FieldErrorReason::NotSupported,
            format!(
                "Unsupported value: {value}: supported values: {}",
                allowed.join(", ")
            ),
        )
    }

    pub(super) fn duplicate(field: &str, value: &Value) -> Self {
        Self::new(
            field,
            FieldErrorReason::Duplicate,
            format!("Duplicate value: {value}"),
        )
    }

    pub(super) fn too_long(field: &str, most: u64) -> Self {
        Self::new(
            field,
            FieldErrorReason::TooLong,
            format!("Too long: may not be more than {most} bytes"),
        )
    }

    pub(super) fn too_many(field: &str, count: usize, most: u64) -> Self {
        Self::new(
            field,
            FieldErrorReason::TooMany,
            format!(
                "Too many: {count}: must have at most {most} {}",
                if most == 1 { "item" } else { "items" }
            ),
        )
    }

    /// Whether the value is of another JSON type than its field; formats are types in name only.
    pub(crate) fn is_of_wrong_type(&self) -> bool {
        const TYPES: [&str; 7] = [
            "string",
            "integer",
            "number",
            "boolean",
            "array",
            "object",
            "integer,string",
        ];
        self.reason == FieldErrorReason::TypeInvalid
            && !self.detail.ends_with(r#""null""#)
            && TYPES
                .iter()
                .any(|name| self.detail.contains(&format!("must be of type {name}: ")))
    }

    /// Errors after which the apiserver does not run CEL rules.
    pub(super) fn blocks_rules(&self) -> bool {
        matches!(
            self.reason,
            FieldErrorReason::Required
                | FieldErrorReason::TooLong
                | FieldErrorReason::TooMany
                | FieldErrorReason::NotSupported
                | FieldErrorReason::TypeInvalid
        )
    }

    pub(super) fn rules_not_checked() -> Self {
        Self::invalid(
            "",
            &Value::Null,
            "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
        )
    }
}

/// How kube-openapi names a field in its own sentences.
pub(super) fn in_body(field: &str) -> String {
    format!("{field} in body").trim_start().to_owned()
}

fn with(head: &str, detail: &str) -> String {
    if detail.is_empty() {
        head.to_owned()
    } else {
        format!("{head}: {detail}")
    }
}
