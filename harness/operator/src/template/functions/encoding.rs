//! Base64, hex, digests, JSON and YAML.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gotmpl::{Result, Value};
use serde_json::Value as Json;
use sha2::{Digest, Sha256, Sha512};

use super::Entry;
use super::arguments::{exactly, fail, string, text};
use super::convert::{from_json, to_json};
use crate::template::text::{from_bytes, to_bytes};
use crate::template::yaml;
use crate::value::{Alphabet, decode_base64};

pub(super) const TABLE: &[Entry] = &[
    ("b64enc", exactly(1), |a| {
        string(BASE64_STANDARD.encode(to_bytes(text(a, 0)?)))
    }),
    // sprig gives the error's text for a value.
    ("b64dec", exactly(1), |a| {
        string(
            match decode_base64(Alphabet::Standard, text(a, 0)?.as_bytes()) {
                Ok(bytes) => from_bytes(&bytes),
                Err(error) => error,
            },
        )
    }),
    ("hexdec", exactly(1), |a| {
        string(match hex::decode(text(a, 0)?) {
            Ok(bytes) => from_bytes(&bytes),
            Err(hex::FromHexError::OddLength) => "encoding/hex: odd length hex string".to_owned(),
            Err(_) => "encoding/hex: invalid byte".to_owned(),
        })
    }),
    ("sha256sum", exactly(1), |a| {
        string(hex::encode(Sha256::digest(to_bytes(text(a, 0)?))))
    }),
    ("sha512sum", exactly(1), |a| {
        string(hex::encode(Sha512::digest(to_bytes(text(a, 0)?))))
    }),
    ("toJson", exactly(1), |a| {
        string(html_safe(&json_of(a, compact)?))
    }),
    ("mustToJson", exactly(1), |a| {
        string(html_safe(&json_of(a, compact)?))
    }),
    ("toPrettyJson", exactly(1), |a| {
        string(html_safe(&json_of(a, pretty)?))
    }),
    ("mustToPrettyJson", exactly(1), |a| {
        string(html_safe(&json_of(a, pretty)?))
    }),
    ("toRawJson", exactly(1), |a| string(json_of(a, compact)?)),
    ("mustToRawJson", exactly(1), |a| {
        string(json_of(a, compact)?)
    }),
    ("fromJson", exactly(1), |a| {
        Ok(parsed(text(a, 0)?).unwrap_or(Value::Nil))
    }),
    ("mustFromJson", exactly(1), |a| match parsed(text(a, 0)?) {
        Some(value) => Ok(value),
        None => fail("invalid JSON"),
    }),
    ("toYaml", exactly(1), |a| {
        string(
            a.first()
                .and_then(to_json)
                .map(|json| yaml::write(&json))
                .unwrap_or_default(),
        )
    }),
    // ESO's reads a map, and puts an error into it.
    ("fromYaml", exactly(1), |a| {
        Ok(from_json(&match yaml::parse(text(a, 0)?) {
            Ok(Json::Object(object)) => Json::Object(object),
            Ok(Json::Null) => serde_json::json!({}),
            Ok(_) => serde_json::json!({"Error": "error unmarshaling JSON: not an object"}),
            Err(error) => serde_json::json!({ "Error": error.to_string() }),
        }))
    }),
];

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().as_ref().map(from_json)
}

fn compact(json: &Json) -> Option<String> {
    serde_json::to_string(json).ok()
}

fn pretty(json: &Json) -> Option<String> {
    serde_json::to_string_pretty(json).ok()
}

fn json_of(arguments: &[Value], write: fn(&Json) -> Option<String>) -> Result<String> {
    let written = arguments.first().and_then(to_json).as_ref().and_then(write);
    match written {
        Some(text) => Ok(text),
        None => fail("json: unsupported value"),
    }
}

/// Go's `json.Marshal` escapes what could end a script element.
fn html_safe(json: &str) -> String {
    json.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
