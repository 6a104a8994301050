//! core/v1 Secret and ConfigMap (`pkg/apis/core/validation`, ValidateSecret and ValidateConfigMap).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use crate::resource::Strategy;
use crate::schema::{FieldError, FieldErrorReason};

/// The sum of the values, decoded.
const MAX_SIZE: usize = 1024 * 1024;
const KEY_RULE: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

pub(super) struct Secret;
pub(super) struct ConfigMap;

impl Strategy for Secret {
    fn decode(&self, object: &mut Value) -> Result<(), String> {
        normalize(object, &["data", "stringData"])?;
        if let Some(data) = object.get("data").and_then(Value::as_object) {
            for value in data.values() {
                check_base64(value.as_str().unwrap_or_default())?;
            }
        }
        let Some(map) = object.as_object_mut() else {
            return Ok(());
        };
        if let Some(Value::Object(texts)) = map.shift_remove("stringData") {
            let data = map
                .entry("data")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(data) = data.as_object_mut() {
                for (key, text) in texts {
                    let text = BASE64_STANDARD.encode(text.as_str().unwrap_or_default());
                    data.insert(key, text.into());
                }
            }
        }
        Ok(())
    }

    fn default(&self, object: &mut Value) {
        let kind = object
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if kind.is_empty() {
            crate::object::set_at(object, &["type"], "Opaque");
        }
    }

    fn prepare_update(&self, new: &mut Value, old: &Value, _now: &str) {
        let unset = new
            .get("type")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty);
        if unset {
            crate::object::copy_member(new, old, "type");
        }
    }

    fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = check_keys(new, &["data"]);
        let size: usize = values(new, "data")
            .map(|(_, value)| value.len() / 4 * 3)
            .sum();
        check_size(size, &mut errors);
        let has = |key: &str| values(new, "data").any(|(known, _)| known == key);
        let mut require = |key: &str| {
            if !has(key) {
                errors.push(error(
                    format!("data[{key}]"),
                    FieldErrorReason::Required,
                    "Required value",
                ));
            }
        };
        match new.get("type").and_then(Value::as_str).unwrap_or_default() {
            "kubernetes.io/service-account-token" => {
                const ACCOUNT: &str = "kubernetes.io/service-account.name";
                let named = crate::object::meta(new, "annotations").and_then(|it| it.get(ACCOUNT));
                if named.is_none() {
                    errors.push(error(
                        format!("metadata.annotations[{ACCOUNT}]"),
                        FieldErrorReason::Required,
                        "Required value",
                    ));
                }
            }
            "kubernetes.io/dockerconfigjson" => require(".dockerconfigjson"),
            "kubernetes.io/dockercfg" => require(".dockercfg"),
            "kubernetes.io/ssh-auth" => require("ssh-privatekey"),
            "kubernetes.io/tls" => {
                require("tls.crt");
                require("tls.key");
            }
            "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
                require("username");
                require("password");
            }
            _ => {}
        }
        errors.extend(check_docker_config(new));
        if let Some(old) = old {
            if new.get("type") != old.get("type") {
                let kind = new.get("type").and_then(Value::as_str).unwrap_or_default();
                let detail = format!("Invalid value: \"{kind}\": field is immutable");
                errors.push(error("type", FieldErrorReason::Invalid, &detail));
            }
            check_immutable(new, old, &["data"], &mut errors);
        }
        errors
    }

    fn field(&self, object: &Value, field: &str) -> Option<String> {
        match field {
            "type" => super::text_at(object, "/type"),
            _ => None,
        }
    }
}

impl Strategy for ConfigMap {
    fn decode(&self, object: &mut Value) -> Result<(), String> {
        normalize(object, &["data", "binaryData"])?;
        for (_, value) in values(object, "binaryData") {
            check_base64(value)?;
        }
        Ok(())
    }

    fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = check_keys(new, &["data", "binaryData"]);
        for (key, _) in values(new, "binaryData") {
            if values(new, "data").any(|(known, _)| known == key) {
                errors.push(error(
                    format!("data[{key}]"),
                    FieldErrorReason::Invalid,
                    &format!("Invalid value: \"{key}\": duplicate of key present in binaryData"),
                ));
            }
        }
        let texts: usize = values(new, "data").map(|(_, value)| value.len()).sum();
        let bytes: usize = values(new, "binaryData")
            .map(|(_, value)| value.len() / 4 * 3)
            .sum();
        check_size(texts + bytes, &mut errors);
        if let Some(old) = old {
            check_immutable(new, old, &["data", "binaryData"], &mut errors);
        }
        errors
    }
}

fn values<'a>(object: &'a Value, member: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let map = object.get(member).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))
}

/// A docker configuration has to be JSON. Of its text nothing is shown but the character that Go names.
fn check_docker_config(secret: &Value) -> Option<FieldError> {
    let key = match secret.get("type")?.as_str()? {
        "kubernetes.io/dockerconfigjson" => ".dockerconfigjson",
        "kubernetes.io/dockercfg" => ".dockercfg",
        _ => return None,
    };
    let (_, encoded) = values(secret, "data").find(|(name, _)| *name == key)?;
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    let wrong = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).err()?;
    let why = match bytes.get(wrong.column().saturating_sub(1)) {
        Some(byte) if !wrong.is_eof() => {
            format!(
                "invalid character '{}' looking for beginning of value",
                char::from(*byte)
            )
        }
        _ => "unexpected end of JSON input".to_owned(),
    };
    let detail = format!("Invalid value: \"<secret contents redacted>\": {why}");
    Some(error(
        format!("data[{key}]"),
        FieldErrorReason::Invalid,
        &detail,
    ))
}

/// Drops what a typed server does not keep: null and empty maps, null values.
fn normalize(object: &mut Value, members: &[&str]) -> Result<(), String> {
    let Some(object) = object.as_object_mut() else {
        return Ok(());
    };
    for member in members {
        let keep = match object.get_mut(*member) {
            None => continue,
            Some(Value::Null) => false,
            Some(Value::Object(map)) => {
                for (key, value) in map.iter_mut() {
                    if value.is_null() {
                        *value = "".into();
                    } else if !value.is_string() {
                        return Err(format!(
                            "json: cannot unmarshal {} into Go struct field .{member}.{key} of type string",
                            go_type(value)
                        ));
                    }
                }
                !map.is_empty()
            }
            Some(other) => {
                return Err(format!(
                    "json: cannot unmarshal {} into Go struct field .{member} of type map[string]string",
                    go_type(other)
                ));
            }
        };
        if !keep {
            object.shift_remove(*member);
        }
    }
    if object.get("immutable").is_some_and(Value::is_null) {
        object.shift_remove("immutable");
    }
    Ok(())
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// As Go words it; the position says where, and no part of the value is shown.
fn check_base64(text: &str) -> Result<(), String> {
    match BASE64_STANDARD.decode(text) {
        Ok(_) => Ok(()),
        Err(
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _),
        ) => Err(format!("illegal base64 data at input byte {at}")),
        Err(_) => Err(format!(
            "illegal base64 data at input byte {}",
            text.len() / 4 * 4
        )),
    }
}

fn error(field: impl Into<String>, reason: FieldErrorReason, detail: &str) -> FieldError {
    FieldError {
        field: field.into(),
        reason,
        detail: detail.to_owned(),
    }
}

fn check_keys(object: &Value, members: &[&str]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for member in members {
        let mut keys: Vec<&str> = values(object, member).map(|(key, _)| key).collect();
        keys.sort_unstable();
        for key in keys {
            let fine = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            let why = if key.len() > 253 {
                "must be no more than 253 characters"
            } else if key.is_empty() || !key.bytes().all(fine) {
                KEY_RULE
            } else if key == "." {
                "must not be '.'"
            } else if key == ".." {
                "must not be '..'"
            } else if key.starts_with("..") {
                "must not start with '..'"
            } else {
                continue;
            };
            errors.push(error(
                format!("{member}[{key}]"),
                FieldErrorReason::Invalid,
                &format!("Invalid value: \"{key}\": {why}"),
            ));
        }
    }
    errors
}

fn check_size(size: usize, errors: &mut Vec<FieldError>) {
    if size > MAX_SIZE {
        let detail = format!("Too long: may not be more than {MAX_SIZE} bytes");
        errors.push(error("", FieldErrorReason::TooLong, &detail));
    }
}

fn check_immutable(new: &Value, old: &Value, members: &[&str], errors: &mut Vec<FieldError>) {
    const TRUE: Option<&Value> = Some(&Value::Bool(true));
    if old.get("immutable") != TRUE {
        return;
    }
    let mut forbid = |member: &str| {
        errors.push(error(
            member,
            FieldErrorReason::Forbidden,
            "Forbidden: field is immutable when `immutable` is set",
        ));
    };
    if new.get("immutable") != TRUE {
        forbid("immutable");
    }
    for member in members {
        if new.get(member) != old.get(member) {
            forbid(member);
        }
    }
}
