//! UpdateSecret, and the limits of what a secret may carry.

use jiff::Timestamp;

use super::super::error::ApiError;
use super::super::name::Name;
use super::super::proto;
use super::{Answer, Call, agree, secrets, time};

/// Limits of the API reference: labels, topics, aliases, bytes of all annotations.
const LABELS: usize = 64;
const TOPICS: usize = 10;
const ALIASES: usize = 50;
const ANNOTATIONS: usize = 16 * 1024;
const KEY: usize = 63;

pub(super) fn update(
    call: &mut Call<'_>,
    request: proto::UpdateSecret,
) -> Result<Answer, ApiError> {
    let sent = request.secret.unwrap_or_default();
    let (name, id) = Name::secret(&sent.name)?;
    call.permit("secrets.update", &name, &sent.name)?;
    let mask = request.update_mask.unwrap_or_default();
    if mask.paths.is_empty() {
        return Err(ApiError::invalid("The update_mask must name a field."));
    }
    let secret = call.secret(&name, id)?;
    agree(&sent.etag, &secret.etag, &secret.name)?;
    check(&sent)?;
    let expires = expiry(call.now, &sent)?;
    let destroy_after = secrets::destroy_after(&sent)?;
    let newest = i64::try_from(secret.newest()).unwrap_or(i64::MAX);
    for path in &mask.paths {
        // ProtoJSON masks come in lowerCamelCase, gRPC's in snake_case.
        match path.as_str() {
            "version_aliases" | "versionAliases" => {
                let unknown = sent
                    .version_aliases
                    .iter()
                    .find(|(_, number)| !(1..=newest).contains(*number));
                if let Some((alias, number)) = unknown {
                    return Err(ApiError::invalid(format!(
                        "The alias [{alias}] names version {number}, which does not exist."
                    )));
                }
            }
            "labels"
            | "annotations"
            | "topics"
            | "rotation"
            | "ttl"
            | "expire_time"
            | "expireTime"
            | "version_destroy_ttl"
            | "versionDestroyTtl"
            | "etag" => {}
            other => {
                return Err(ApiError::invalid(format!(
                    "The update_mask names [{other}], which is no field that can be updated."
                )));
            }
        }
    }
    let etag = call.store.etag(call.now);
    let missing = call.missing(&name, id);
    let secret = call.store.get_mut(&name, id).ok_or(missing)?;
    for path in mask.paths {
        match path.as_str() {
            "labels" => secret.labels.clone_from(&sent.labels),
            "annotations" => secret.annotations.clone_from(&sent.annotations),
            "topics" => secret.topics.clone_from(&sent.topics),
            "rotation" => secret.rotation.clone_from(&sent.rotation),
            "ttl" | "expire_time" | "expireTime" => secret.expires = expires,
            "version_destroy_ttl" | "versionDestroyTtl" => secret.destroy_after = destroy_after,
            "version_aliases" | "versionAliases" => {
                secret.aliases.clone_from(&sent.version_aliases);
            }
            _ => {}
        }
    }
    secret.etag = etag;
    Ok(Answer::Secret(secrets::show(secret)))
}

/// When a secret expires, by either form.
pub(super) fn expiry(now: Timestamp, sent: &proto::Secret) -> Result<Option<Timestamp>, ApiError> {
    match (&sent.expire_time, &sent.ttl) {
        (Some(at), _) => {
            let at = time::from_wire(at)?;
            if at <= now {
                return Err(ApiError::invalid("The expire_time must be in the future."));
            }
            Ok(Some(at))
        }
        (None, Some(ttl)) => {
            let wait = time::duration(ttl, "ttl", 60..=secrets::FOREVER)?;
            Ok(Some(time::after(now, wait)))
        }
        (None, None) => Ok(None),
    }
}

/// Refuses what no secret may carry. Keys are shown, values are not.
pub(super) fn check(sent: &proto::Secret) -> Result<(), ApiError> {
    let label = |text: &str| {
        let legal = |c: char| {
            c.is_numeric() || matches!(c, '_' | '-') || (c.is_alphabetic() && !c.is_uppercase())
        };
        text.chars().count() <= KEY && text.chars().all(legal)
    };
    let bad = sent.labels.iter().find(|(key, value)| {
        !label(key) || !label(value) || !key.starts_with(|c: char| c.is_alphabetic())
    });
    if let Some((key, _)) = bad {
        return Err(ApiError::invalid(format!(
            "The label [{key}] is not legal."
        )));
    }
    let annotated = |key: &str| {
        let bytes = key.as_bytes();
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        bytes.len() <= KEY && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(legal)
    };
    if let Some(key) = sent.annotations.keys().find(|key| !annotated(key)) {
        return Err(ApiError::invalid(format!(
            "The annotation [{key}] is not legal."
        )));
    }
    let alias = |text: &str| {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        text.len() <= KEY
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(legal)
            && !["latest", "NEW"].contains(&text)
    };
    if let Some(key) = sent.version_aliases.keys().find(|key| !alias(key)) {
        return Err(ApiError::invalid(format!(
            "The alias [{key}] is not legal."
        )));
    }
    let bytes: usize = sent
        .annotations
        .iter()
        .map(|(k, v)| k.len() + v.len())
        .sum();
    for (many, what, most) in [
        (sent.labels.len(), "labels", LABELS),
        (sent.topics.len(), "topics", TOPICS),
        (sent.version_aliases.len(), "version aliases", ALIASES),
        (bytes, "bytes of annotations", ANNOTATIONS),
    ] {
        if many > most {
            return Err(ApiError::invalid(format!(
                "A secret has at most {most} {what}."
            )));
        }
    }
    Ok(())
}
