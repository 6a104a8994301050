//! Signature Version 4, verified: the canonical request is rebuilt from what arrived.
//!
//! After "Create a signed AWS API request" of the IAM User Guide. Only the Authorization header is known here; a
//! presigned query counts as unsigned.

use std::borrow::Cow;

use http::{HeaderMap, Method};
use jiff::{Timestamp, civil};
use ring::{digest, hmac};

use super::error::Unauthenticated;

/// How far a request's date may lie from the service's clock.
const SKEW_SECONDS: i64 = 15 * 60;
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The parts of an Authorization header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    pub(super) access_key_id: &'a str,
    /// `20250830/us-east-1/secretsmanager/aws4_request`.
    pub(super) scope: &'a str,
    pub(super) signed_headers: Vec<&'a str>,
    pub(super) signature: &'a str,
}

/// The request as received.
pub(super) struct Received<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    /// The value of the Host header, or the authority of HTTP/2.
    pub(super) host: &'a str,
    pub(super) body: &'a [u8],
}

/// Reads an Authorization header; what is missing is named as AWS names it.
pub(super) fn parse(header: &str) -> Result<Authorization<'_>, Unauthenticated> {
    let Some(rest) = header.strip_prefix(ALGORITHM) else {
        return Err(Unauthenticated::Incomplete(
            "Unsupported AWS 'algorithm': expected 'AWS4-HMAC-SHA256'.".into(),
        ));
    };
    let (mut credential, mut signed, mut signature) = (None, None, None);
    for part in rest.split(',') {
        match part.trim().split_once('=') {
            Some(("Credential", value)) => credential = Some(value),
            Some(("SignedHeaders", value)) => signed = Some(value),
            Some(("Signature", value)) => signature = Some(value),
            _ => {}
        }
    }
    let mut absent = String::new();
    for (name, part) in [
        ("Credential", credential),
        ("Signature", signature),
        ("SignedHeaders", signed),
    ] {
        if part.is_none_or(str::is_empty) {
            absent.push_str(&format!(
                "Authorization header requires '{name}' parameter. "
            ));
        }
    }
    let (Some(credential), Some(signed), Some(signature), true) =
        (credential, signed, signature, absent.is_empty())
    else {
        return Err(Unauthenticated::Incomplete(format!(
            "{absent}Authorization={ALGORITHM}"
        )));
    };
    let scoped = credential
        .split_once('/')
        .filter(|(_, scope)| scope.split('/').count() == 4);
    let Some((access_key_id, scope)) = scoped else {
        return Err(Unauthenticated::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        )));
    };
    Ok(Authorization {
        access_key_id,
        scope,
        signed_headers: signed.split(';').collect(),
        signature,
    })
}

/// Derives the key that signs everything of one day, region and service.
pub(super) fn signing_key(secret_access_key: &[u8], scope: &str) -> hmac::Key {
    let mut secret = zeroize::Zeroizing::new(b"AWS4".to_vec());
    secret.extend_from_slice(secret_access_key);
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    for part in scope.split('/') {
        key = hmac::Key::new(
            hmac::HMAC_SHA256,
            hmac::sign(&key, part.as_bytes()).as_ref(),
        );
    }
    key
}

/// Checks date, scope, signed headers and, last, the signature itself.
pub(super) fn verify(
    authorization: &Authorization<'_>,
    received: &Received<'_>,
    region: &str,
    service: &str,
    now: Timestamp,
    key: impl FnOnce(&str) -> hmac::Key,
) -> Result<(), Unauthenticated> {
    let date = received
        .headers
        .get("x-amz-date")
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| {
            Unauthenticated::Incomplete(format!(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization={ALGORITHM}"
            ))
        })?;
    check_date(date, now)?;
    check_scope(authorization.scope, date, region, service)?;
    check_signed_headers(authorization, received)?;
    let canonical = canonical_request(received, &authorization.signed_headers);
    let text = format!(
        "{ALGORITHM}\n{date}\n{}\n{}",
        authorization.scope,
        sha256_hex(canonical.as_bytes())
    );
    let signature = hmac::sign(&key(authorization.scope), text.as_bytes());
    if hex::encode(signature) != authorization.signature {
        return Err(Unauthenticated::Mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.".into(),
        ));
    }
    Ok(())
}

fn check_date(date: &str, now: Timestamp) -> Result<(), Unauthenticated> {
    let signed = civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .ok()
        .filter(|_| date.len() == 16)
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .map(|time| time.timestamp())
        .ok_or_else(|| {
            Unauthenticated::Incomplete(format!(
                "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
            ))
        })?;
    let earliest = Timestamp::from_second(now.as_second() - SKEW_SECONDS).unwrap_or(Timestamp::MIN);
    let latest = Timestamp::from_second(now.as_second() + SKEW_SECONDS).unwrap_or(Timestamp::MAX);
    if signed < earliest {
        return Err(Unauthenticated::Mismatch(format!(
            "Signature expired: {date} is now earlier than {} ({} - 15 min.)",
            basic(earliest),
            basic(now)
        )));
    }
    if signed > latest {
        return Err(Unauthenticated::Mismatch(format!(
            "Signature not yet current: {date} is still later than {} ({} + 15 min.)",
            basic(latest),
            basic(now)
        )));
    }
    Ok(())
}

/// ISO 8601 basic format, in whole seconds.
fn basic(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn check_scope(
    scope: &str,
    date: &str,
    region: &str,
    service: &str,
) -> Result<(), Unauthenticated> {
    let mut parts = scope.split('/');
    let mut next = || parts.next().unwrap_or_default();
    let (day, scoped_region, scoped_service, end) = (next(), next(), next(), next());
    let expected = date.get(..8).unwrap_or_default();
    let wrong = |message: String| Err(Unauthenticated::Mismatch(message));
    if end != "aws4_request" {
        return wrong(format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'."
        ));
    }
    if day != expected {
        return wrong(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{day}' != '{expected}', from '{date}'."
        ));
    }
    if scoped_region != region {
        return wrong(format!(
            "Credential should be scoped to a valid region, not '{scoped_region}'. "
        ));
    }
    if scoped_service != service {
        return wrong(format!(
            "Credential should be scoped to correct service: '{service}'. "
        ));
    }
    Ok(())
}

/// Host and every `x-amz-` header must be signed, and nothing that is absent may be.
fn check_signed_headers(
    authorization: &Authorization<'_>,
    received: &Received<'_>,
) -> Result<(), Unauthenticated> {
    let signs = |name: &str| authorization.signed_headers.contains(&name);
    if !signs("host") {
        return Err(Unauthenticated::Mismatch(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".into(),
        ));
    }
    for name in received.headers.keys() {
        if name.as_str().starts_with("x-amz-") && !signs(name.as_str()) {
            return Err(Unauthenticated::Mismatch(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    Ok(())
}

fn canonical_request(received: &Received<'_>, signed_headers: &[&str]) -> String {
    let mut text = String::with_capacity(512);
    text.push_str(received.method.as_str());
    text.push('\n');
    text.push_str(&canonical_path(received.path));
    text.push('\n');
    text.push_str(&canonical_query(received.query));
    text.push('\n');
    for &name in signed_headers {
        text.push_str(name);
        text.push(':');
        if name == "host" {
            text.push_str(received.host);
        } else if name == "content-length" {
            // Whatever carried the request here: it is the body's length that was signed.
            text.push_str(&received.body.len().to_string());
        } else {
            let mut first = true;
            for value in received.headers.get_all(name) {
                if !std::mem::take(&mut first) {
                    text.push(',');
                }
                collapse(&mut text, &String::from_utf8_lossy(value.as_bytes()));
            }
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed_headers.join(";"));
    text.push('\n');
    text.push_str(&sha256_hex(received.body));
    text
}

/// Appends `value` without outer spaces and with each run of spaces as one.
fn collapse(text: &mut String, value: &str) {
    for (index, word) in value.split_ascii_whitespace().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Dot segments and empty segments removed, then each segment encoded once more.
fn canonical_path(path: &str) -> Cow<'_, str> {
    if path == "/" || path.is_empty() {
        return Cow::Borrowed("/");
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut text = String::with_capacity(path.len());
    for segment in &segments {
        text.push('/');
        encode(&mut text, segment.as_bytes());
    }
    let ends_open = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if text.is_empty() || ends_open {
        text.push('/');
    }
    Cow::Owned(text)
}

fn canonical_query(query: &str) -> String {
    let canonical = |part: &str| {
        let mut text = String::new();
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(part).collect();
        encode(&mut text, &decoded);
        text
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (canonical(name), canonical(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(n, v)| format!("{n}={v}")).collect();
    pairs.join("&")
}

/// AWS's UriEncode: everything but the unreserved characters, in upper-case hex.
fn encode(text: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;
