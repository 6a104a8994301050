//! Content types: what a client sends, and which form it takes.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;

use super::query::Query;
use super::table::Include;
use crate::protobuf::{self, ProtobufError};
use crate::status::ApiError;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Object,
    /// `as=PartialObjectMetadata` and `as=PartialObjectMetadataList`.
    Metadata,
    /// `as=Table`.
    Table(Include),
}

impl Form {
    /// The first of the accepted media types that can be served; clauses for other forms (protobuf, `v1beta1` of a Table) are passed over.
    pub(super) fn accepted(headers: &HeaderMap, query: &Query) -> Result<Self, ApiError> {
        let accept: Vec<&str> = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        if accept.iter().all(|value| value.trim().is_empty()) {
            return Ok(Self::Object);
        }
        let clauses = accept.iter().flat_map(|value| value.split(','));
        for clause in clauses {
            let mut parts = clause.split(';').map(str::trim);
            if !matches!(
                parts.next(),
                Some("application/json" | "*/*" | "application/*")
            ) {
                continue;
            }
            let parameters: Vec<&str> = parts.collect();
            let form = parameters.iter().find_map(|it| it.strip_prefix("as="));
            match form {
                None => return Ok(Self::Object),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => {
                    return Ok(Self::Metadata);
                }
                Some("Table") if parameters.contains(&"v=v1") => {
                    return Include::parse(query.text("includeObject")).map(Self::Table);
                }
                Some(_) => {}
            }
        }
        Err(ApiError::not_acceptable())
    }
}

/// The media type of a body, without parameters; JSON where none is stated.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map_or("application/json", str::trim)
}

/// Reads the body of a write: JSON, YAML, or Protobuf of a built-in kind.
pub(super) fn body(headers: &HeaderMap, body: &[u8]) -> Result<Value, ApiError> {
    match media_type(headers) {
        "" | "application/json" | "*/*" => json(body),
        "application/yaml" | "application/vnd.kubernetes.yaml" => yaml(body),
        PROTOBUF => protobuf::decode(body).map_err(|error| match error {
            // As for custom resources, which have no Protobuf form.
            ProtobufError::UnknownKind(_) => {
                ApiError::unsupported_media_type("application/json, application/yaml")
            }
            error => ApiError::bad_request(error.to_string()),
        }),
        _ => Err(ApiError::unsupported_media_type(
            "application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

pub(super) fn json(body: &[u8]) -> Result<Value, ApiError> {
    // Position only: the text of a body may be secret.
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!(
            "couldn't get version/kind; json parse error at line {} column {}",
            error.line(),
            error.column()
        ))
    })
}

pub(super) fn yaml(body: &[u8]) -> Result<Value, ApiError> {
    // JSON is YAML, and what clients send.
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| ApiError::bad_request("the request body is not UTF-8"))?;
    serde_saphyr::from_str(text)
        .map_err(|_| ApiError::bad_request("error parsing the request body as YAML"))
}
