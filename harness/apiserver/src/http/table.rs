//! `as=Table`: what `kubectl get` asks for (`meta.k8s.io/v1` Table).

use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::status::ApiError;
use crate::store::Object;
use crate::write::Target;

/// What each row carries of its object (`includeObject`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Include {
    None,
    Metadata,
    Object,
}

impl Include {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "None" => Ok(Self::None),
            "" | "Metadata" => Ok(Self::Metadata),
            "Object" => Ok(Self::Object),
            other => Err(ApiError::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: \"{other}\": must be 'Metadata', 'Object', 'None', or empty"
            ))),
        }
    }
}

/// A table of objects of one resource.
pub(super) struct Table<'a> {
    pub(super) target: &'a Target,
    pub(super) include: Include,
    /// Whether the columns are defined; a watch does so in its first event only.
    pub(super) headers: bool,
    pub(super) now: Timestamp,
}

impl Table<'_> {
    /// Of one object.
    pub(super) fn of(&self, object: &Object) -> Bytes {
        let revision = crate::object::meta_text(&object.value, "resourceVersion");
        self.write(&json!({"resourceVersion": revision}), [object])
    }

    /// Of a list with this ListMeta.
    pub(super) fn write<'o>(
        &self,
        meta: &Value,
        objects: impl IntoIterator<Item = &'o Object>,
    ) -> Bytes {
        let printer = &self.target.version.printer;
        let columns = match self.headers {
            true => printer.definitions(),
            false => Value::Null,
        };
        let api_version = self.target.api_version();
        let mut body = BytesMut::new();
        body.put_slice(b"{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":");
        body.put_slice(meta.to_string().as_bytes());
        body.put_slice(b",\"columnDefinitions\":");
        body.put_slice(columns.to_string().as_bytes());
        body.put_slice(b",\"rows\":[");
        for (at, object) in objects.into_iter().enumerate() {
            if at > 0 {
                body.put_u8(b',');
            }
            let cells = Value::from(printer.cells(&object.value, self.now));
            body.put_slice(b"{\"cells\":");
            body.put_slice(cells.to_string().as_bytes());
            body.put_slice(b",\"object\":");
            match self.include {
                Include::None => body.put_slice(b"null"),
                Include::Metadata => body.put_slice(&object.partial()),
                Include::Object => body.put_slice(&object.json(&api_version)),
            }
            body.put_u8(b'}');
        }
        body.put_slice(b"]}");
        body.freeze()
    }
}
