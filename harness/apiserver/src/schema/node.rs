//! One compiled node of a schema.

use indexmap::IndexMap;
use regex::Regex;
use serde_json::{Number, Value};

use super::cel::Rule;

/// The `type` of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl Type {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// `x-kubernetes-list-type`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum ListType {
    #[default]
    Atomic,
    Set,
    /// The fields that identify an item.
    Map(Vec<String>),
}

/// `additionalProperties`.
#[derive(Debug, Default)]
pub(super) enum Additional {
    #[default]
    Absent,
    /// `true`.
    Any,
    Schema(Box<Node>),
}

/// A bound of a number, and whether the bound itself is excluded.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) number: Number,
    pub(super) exclusive: bool,
}

/// A schema node with everything that can be prepared once.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(super) kind: Option<Type>,
    pub(super) nullable: bool,
    pub(super) int_or_string: bool,
    pub(super) preserve_unknown: bool,
    pub(super) embedded: bool,
    pub(super) properties: IndexMap<String, Node>,
    pub(super) additional: Additional,
    pub(super) items: Option<Box<Node>>,
    pub(super) required: Vec<String>,
    pub(super) default: Option<Value>,
    pub(super) allowed: Vec<Value>,
    pub(super) pattern: Option<Regex>,
    pub(super) format: Option<String>,
    pub(super) minimum: Option<Bound>,
    pub(super) maximum: Option<Bound>,
    pub(super) multiple_of: Option<Number>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
    pub(super) unique_items: bool,
    pub(super) list_type: ListType,
    pub(super) atomic_map: bool,
    pub(super) all_of: Vec<Node>,
    pub(super) any_of: Vec<Node>,
    pub(super) one_of: Vec<Node>,
    pub(super) not: Option<Box<Node>>,
    pub(super) rules: Vec<Rule>,
    /// Whether this node or one below has rules; a walk stops where there are none.
    pub(super) rules_below: bool,
    /// Whether a node below has a default.
    pub(super) defaults_below: bool,
    /// Whether this node or one below is a list whose items must be unique.
    pub(super) unique_below: bool,
}

impl Node {
    /// The node of a field: a property, or whatever `additionalProperties` says.
    pub(crate) fn child(&self, field: &str) -> Option<&Node> {
        self.properties.get(field).or(match &self.additional {
            Additional::Schema(node) => Some(node),
            Additional::Absent | Additional::Any => None,
        })
    }

    /// The node of a list's items.
    pub(crate) fn item(&self) -> Option<&Node> {
        self.items.as_deref()
    }

    /// The field's default.
    pub(crate) fn default_value(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// How a list merges.
    pub(crate) fn list_type(&self) -> &ListType {
        &self.list_type
    }

    /// `x-kubernetes-map-type: atomic`.
    pub(crate) fn is_atomic_map(&self) -> bool {
        self.atomic_map
    }

    /// The stored item that an item of the new list continues, where the list says how to tell.
    pub(super) fn correlate<'v>(&self, old: Option<&'v Value>, item: &Value) -> Option<&'v Value> {
        let ListType::Map(keys) = &self.list_type else {
            return None;
        };
        old?.as_array()?
            .iter()
            .find(|known| keys.iter().all(|key| known.get(key) == item.get(key)))
    }
}
