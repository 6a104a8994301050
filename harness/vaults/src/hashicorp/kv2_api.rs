//! The endpoints of KV v2 (vault-plugin-secrets-kv, `path_*.go`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use rotaproof_base::{Fingerprinter, SecretValue};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Envelope};
use super::fields::{Fields, check_and_set};
use super::kv2::{CasError, Content, Kv2, Secret, Version};
use super::route::{Action, Kv2Endpoint};
use super::time::go_duration;
use crate::contract::ServedVersion;

/// One request to a KV v2 engine.
pub(super) struct Kv2Request<'a> {
    pub(super) action: Action,
    pub(super) endpoint: Kv2Endpoint,
    pub(super) key: &'a str,
    /// The secret's name in the journal.
    pub(super) name: &'a str,
    pub(super) fields: &'a Fields,
    pub(super) now: Timestamp,
    pub(super) fingerprinter: &'a Fingerprinter,
}

/// Answers one request.
pub(super) fn answer(kv: &mut Kv2, request: &Kv2Request<'_>) -> Answer {
    use Action::{Delete, List, Patch, Read, Update};
    let result = match (request.endpoint, request.action) {
        (Kv2Endpoint::Data, Read) => read(kv, request),
        (Kv2Endpoint::Data, Update) => write(kv, request),
        (Kv2Endpoint::Data, Patch) => patch(kv, request),
        (Kv2Endpoint::Data, Delete) => {
            kv.delete(request.key, request.now);
            Ok(Answer::no_content())
        }
        (Kv2Endpoint::Delete, Update) => versions(request, |numbers| {
            kv.delete_versions(request.key, numbers, request.now);
        }),
        (Kv2Endpoint::Undelete, Update) => {
            versions(request, |numbers| kv.undelete(request.key, numbers))
        }
        (Kv2Endpoint::Destroy, Update) => {
            versions(request, |numbers| kv.destroy(request.key, numbers))
        }
        (Kv2Endpoint::Metadata, Read) => Ok(match kv.get(request.key) {
            Some(secret) => Answer::data(&metadata(secret), "kv"),
            None => Answer::not_found(),
        }),
        (Kv2Endpoint::Metadata, List) => Ok(match kv.list(request.key).as_slice() {
            [] => Answer::not_found(),
            keys => Answer::data(&json!({ "keys": keys }), "kv"),
        }),
        (Kv2Endpoint::Metadata, Update | Patch) => write_metadata(kv, request),
        (Kv2Endpoint::Metadata, Delete) => {
            kv.remove(request.key);
            Ok(Answer::no_content())
        }
        (Kv2Endpoint::Subkeys, Read) => subkeys(kv, request),
        (Kv2Endpoint::Config, Read) => Ok(Answer::data(&config(kv), "kv")),
        (Kv2Endpoint::Config, Update) => write_config(kv, request),
        (Kv2Endpoint::Root, _) => Ok(warning(
            "Non-listing operations on the root of a K/V v2 mount are not supported.".to_owned(),
        )),
        (Kv2Endpoint::Invalid, action) => Ok(match action {
            Patch => Answer::unsupported_operation(),
            Read => invalid_path("get"),
            List => invalid_path("list"),
            Update => invalid_path("put"),
            Delete => invalid_path("delete"),
        }),
        _ => Ok(Answer::unsupported_operation()),
    };
    result.unwrap_or_else(|refusal| refusal)
}

fn warning(text: String) -> Answer {
    Answer::gone(
        Envelope {
            warnings: vec![text],
            ..Envelope::default()
        },
        "invalid path",
    )
}

fn invalid_path(verb: &str) -> Answer {
    warning(format!(
        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. \
         If using the Vault CLI, use 'vault kv {verb}' for this operation."
    ))
}

fn time(at: Option<Timestamp>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

fn version_metadata(secret: &Secret, number: u64, version: &Version) -> Value {
    json!({
        "created_time": version.created.to_string(),
        "custom_metadata": secret.custom_metadata,
        "deletion_time": time(version.deletion),
        "destroyed": version.destroyed(),
        "version": number,
    })
}

fn requested(request: &Kv2Request<'_>) -> Result<Option<u64>, Answer> {
    let number = request.fields.number("version")?;
    Ok(number
        .and_then(|n| u64::try_from(n).ok())
        .filter(|n| *n > 0))
}

/// The version asked for with its content, or the answer where there is none; `member` is what it would be under.
fn find<'a>(
    kv: &'a Kv2,
    request: &Kv2Request<'_>,
    member: &str,
) -> Result<(u64, &'a Content, Value), Answer> {
    let number = requested(request)?;
    let secret = kv.get(request.key).ok_or_else(Answer::not_found)?;
    let (number, version) = secret.version(number).ok_or_else(Answer::not_found)?;
    let metadata = version_metadata(secret, number, version);
    let gone = |refusal: &str| {
        let mut data = Map::new();
        data.insert(member.to_owned(), Value::Null);
        data.insert("metadata".to_owned(), metadata.clone());
        data.sort_keys();
        let envelope = Envelope {
            data: Value::Object(data).to_string(),
            ..Envelope::default()
        };
        Answer::gone(envelope, refusal)
    };
    let content = version.content.as_ref();
    match content {
        _ if version.deleted(request.now) => Err(gone("version is deleted")),
        None => Err(gone("version is destroyed")),
        Some(content) => Ok((number, content, metadata)),
    }
}

fn read(kv: &Kv2, request: &Kv2Request<'_>) -> Result<Answer, Answer> {
    let (number, content, metadata) = find(kv, request, "data")?;
    let json = content.json.expose_str().unwrap_or_default();
    let envelope = Envelope {
        data: format!("{{\"data\":{json},\"metadata\":{metadata}}}"),
        mount_type: "kv",
        ..Envelope::default()
    };
    Ok(Answer::ok(envelope).serving(ServedVersion {
        secret: request.name.to_owned(),
        version: number.to_string(),
        value: content.fingerprint.clone(),
    }))
}

/// Replaces every leaf by `null`.
fn strip(value: &mut Value) {
    match value {
        Value::Object(members) if !members.is_empty() => members.values_mut().for_each(strip),
        leaf => *leaf = Value::Null,
    }
}

fn subkeys(kv: &Kv2, request: &Kv2Request<'_>) -> Result<Answer, Answer> {
    let (_, content, metadata) = find(kv, request, "subkeys")?;
    let mut keys: Value = serde_json::from_slice(content.json.expose()).unwrap_or_default();
    if let Value::Object(members) = &mut keys {
        members.values_mut().for_each(strip);
    }
    let data = json!({ "metadata": metadata, "subkeys": keys });
    Ok(Answer::data(&data, "kv"))
}

fn check(kv: &Kv2, request: &Kv2Request<'_>) -> Result<(), Answer> {
    let options = request.fields.object("options")?.flatten();
    let cas = match options.and_then(|options| options.get("cas")) {
        None => None,
        Some(value) => Some(
            check_and_set(value)
                .ok_or_else(|| Answer::bad_request("error parsing check-and-set parameter"))?,
        ),
    };
    kv.check(request.key, cas).map_err(|error| {
        Answer::bad_request(match error {
            CasError::Mismatch => "check-and-set parameter did not match the current version",
            CasError::Required => "check-and-set parameter required for this call",
        })
    })
}

fn store(kv: &mut Kv2, request: &Kv2Request<'_>, mut data: Value) -> Answer {
    data.sort_all_objects();
    let text = data.to_string();
    let content = Content {
        fingerprint: request.fingerprinter.of(text.as_bytes()),
        json: SecretValue::new(text),
    };
    let secret = kv.write(request.key, content, request.now);
    match secret.version(None) {
        Some((number, version)) => Answer::data(&version_metadata(secret, number, version), "kv"),
        // A write always leaves its version; a limit is at least one.
        None => Answer::no_content(),
    }
}

fn write(kv: &mut Kv2, request: &Kv2Request<'_>) -> Result<Answer, Answer> {
    let data = request
        .fields
        .object("data")?
        .ok_or_else(|| Answer::bad_request("no data provided"))?;
    let data = data.cloned().map_or(Value::Null, Value::Object);
    check(kv, request)?;
    Ok(store(kv, request, data))
}

/// RFC 7396.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    if let Value::Object(members) = into {
        for (name, change) in changes {
            if change.is_null() {
                members.remove(name);
            } else {
                merge(members.entry(name.as_str()).or_insert(Value::Null), change);
            }
        }
    }
}

fn patch(kv: &mut Kv2, request: &Kv2Request<'_>) -> Result<Answer, Answer> {
    let changes = request
        .fields
        .object("data")?
        .ok_or_else(|| Answer::bad_request("no data provided"))?;
    let changes = changes.cloned().map_or(Value::Null, Value::Object);
    let Some(secret) = kv.get(request.key) else {
        return Ok(Answer::not_found());
    };
    check(kv, request)?;
    let (number, version) = secret.version(None).ok_or_else(Answer::not_found)?;
    let content = match &version.content {
        Some(content) if !version.deleted(request.now) => content,
        _ => {
            let envelope = Envelope {
                data: version_metadata(secret, number, version).to_string(),
                ..Envelope::default()
            };
            return Ok(Answer::gone(envelope, "version is deleted"));
        }
    };
    let mut data: Value = serde_json::from_slice(content.json.expose()).unwrap_or_default();
    if changes.is_object() {
        merge(&mut data, &changes);
    }
    Ok(store(kv, request, data))
}

fn versions(request: &Kv2Request<'_>, mut change: impl FnMut(&[u64])) -> Result<Answer, Answer> {
    let numbers = request.fields.numbers("versions")?;
    if numbers.is_empty() {
        return Err(Answer::bad_request("No version number provided"));
    }
    change(&numbers);
    Ok(Answer::no_content())
}

fn metadata(secret: &Secret) -> Value {
    let versions: BTreeMap<String, Value> = secret
        .versions
        .iter()
        .map(|(number, version)| {
            let value = json!({
                "created_time": version.created.to_string(),
                "deletion_time": time(version.deletion),
                "destroyed": version.destroyed(),
            });
            (number.to_string(), value)
        })
        .collect();
    json!({
        "cas_required": secret.settings.cas_required,
        "created_time": secret.created.to_string(),
        "current_version": secret.current,
        "custom_metadata": secret.custom_metadata,
        "delete_version_after": go_duration(secret.settings.delete_version_after),
        "max_versions": secret.settings.max_versions,
        "oldest_version": secret.oldest,
        "updated_time": secret.updated.to_string(),
        "versions": versions,
    })
}

fn config(kv: &Kv2) -> Value {
    json!({
        "cas_required": kv.config.cas_required,
        "delete_version_after": go_duration(kv.config.delete_version_after),
        "max_versions": kv.config.max_versions,
    })
}

fn max_versions(fields: &Fields) -> Result<Option<u64>, Answer> {
    match fields.number("max_versions")? {
        Some(n) if n < 0 => Err(Answer::bad_request("max_versions must not be negative")),
        n => Ok(n.and_then(|n| u64::try_from(n).ok())),
    }
}

fn write_config(kv: &mut Kv2, request: &Kv2Request<'_>) -> Result<Answer, Answer> {
    let max = max_versions(request.fields)?;
    let cas = request.fields.truth("cas_required")?;
    let after = request.fields.duration("delete_version_after")?;
    kv.config.max_versions = max.unwrap_or(kv.config.max_versions);
    kv.config.cas_required = cas.unwrap_or(kv.config.cas_required);
    kv.config.delete_version_after = after.unwrap_or(kv.config.delete_version_after);
    Ok(Answer::no_content())
}

/// Custom metadata as sent; `None` for a value that is to be removed.
fn custom(fields: &Fields) -> Result<Option<BTreeMap<String, Option<String>>>, Answer> {
    const FAILED: &str = "custom_metadata validation failed";
    let Some(members) = fields.object("custom_metadata")? else {
        return Ok(None);
    };
    let members = members.cloned().unwrap_or_default();
    if members.len() > 64 {
        return Err(Answer::bad_request(format!(
            "{FAILED}: payload must contain at most 64 keys, provided {}",
            members.len()
        )));
    }
    let mut custom = BTreeMap::new();
    let mut errors = Vec::new();
    for (name, value) in members {
        if name.is_empty() || name.len() > 128 {
            errors.push(format!(
                "{FAILED}: length of key {name:?} is {} but must be 0 < len(key) <= 128",
                name.len()
            ));
        }
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(yes) => Some(if yes { "1" } else { "0" }.to_owned()),
            Value::Array(_) | Value::Object(_) => {
                return Err(Answer::bad_request(format!(
                    "{FAILED}: '' expected type 'string' for key {name:?}"
                )));
            }
        };
        if let Some(text) = value.as_deref().filter(|t| t.is_empty() || t.len() > 512) {
            errors.push(format!(
                "{FAILED}: length of value for key {name:?} is {} but must be 0 < len(value) <= 512",
                text.len()
            ));
        }
        custom.insert(name, value);
    }
    if errors.is_empty() {
        return Ok(Some(custom));
    }
    let count = match errors.len() {
        1 => "1 error".to_owned(),
        n => format!("{n} errors"),
    };
    let lines: String = errors.iter().map(|e| format!("\t* {e}\n")).collect();
    Err(Answer::bad_request(format!("{count} occurred:\n{lines}\n")))
}

fn write_metadata(kv: &mut Kv2, request: &Kv2Request<'_>) -> Result<Answer, Answer> {
    let fields = request.fields;
    if request.key.is_empty() {
        return Err(Answer::bad_request("missing path"));
    }
    let max = max_versions(fields)?;
    let cas = fields.truth("cas_required")?;
    let after = fields.duration("delete_version_after")?;
    let custom = custom(fields)?;
    let patching = request.action == Action::Patch;
    if patching && kv.get(request.key).is_none() {
        return Ok(Answer::not_found());
    }
    let nothing = max.is_none() && cas.is_none() && after.is_none() && custom.is_none();
    if nothing {
        return Ok(Answer::no_content());
    }
    let ignored = kv.config.cas_required && cas == Some(false);
    let secret = kv.metadata_mut(request.key, request.now);
    secret.settings.max_versions = max.unwrap_or(secret.settings.max_versions);
    secret.settings.cas_required = cas.unwrap_or(secret.settings.cas_required);
    secret.settings.delete_version_after = after.unwrap_or(secret.settings.delete_version_after);
    if let Some(custom) = custom {
        let mut merged = match (&secret.custom_metadata, patching) {
            (Some(before), true) => before.clone(),
            _ => BTreeMap::new(),
        };
        for (name, value) in custom {
            match value {
                Some(value) => merged.insert(name, value),
                None => merged.remove(&name),
            };
        }
        secret.custom_metadata = Some(merged);
    }
    if ignored {
        return Ok(Answer::ok(Envelope {
            warnings: vec![
                "\"cas_required\" set to false, but is mandated by backend config. This value will be ignored."
                    .to_owned(),
            ],
            mount_type: "kv",
            ..Envelope::default()
        }));
    }
    Ok(Answer::no_content())
}
