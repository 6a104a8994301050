//! What every Kubernetes object has.

use serde_json::Value;

use crate::ObjectName;

/// An object by kind, namespace and name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObjectRef<'a>(pub(crate) &'a Value);

impl<'a> ObjectRef<'a> {
    pub(crate) fn kind(self) -> &'a str {
        self.text("/kind").unwrap_or_default()
    }

    pub(crate) fn name(self) -> &'a str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// The namespace; `default` where none is written, as kubectl does it.
    pub(crate) fn namespace(self) -> &'a str {
        self.text("/metadata/namespace").unwrap_or("default")
    }

    pub(crate) fn object_name(self) -> ObjectName {
        ObjectName::new(self.namespace(), self.name())
    }

    pub(crate) fn text(self, pointer: &str) -> Option<&'a str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    pub(crate) fn list(self, pointer: &str) -> &'a [Value] {
        list(self.0, pointer)
    }
}

pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}
