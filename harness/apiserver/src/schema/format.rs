//! The `format`s of texts that a CRD may ask for (kube-openapi `pkg/validation/strfmt`); unknown ones pass.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

pub(super) fn conforms(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "byte" => BASE64_STANDARD.decode(text).is_ok(),
        "duration" => is_go_duration(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "ip" => text.parse::<IpAddr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => text.split(':').count() == 6 && text.split(':').all(|part| is_hex(part, 2)),
        "uuid" => uuid::Uuid::parse_str(text).is_ok(),
        "uuid3" | "uuid4" | "uuid5" => uuid::Uuid::parse_str(text)
            .is_ok_and(|uuid| format.ends_with(&uuid.get_version_num().to_string())),
        "email" => text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && is_host(domain)),
        "hostname" => is_host(text),
        "uri" => is_uri(text),
        _ => true,
    }
}

/// Go's `time.ParseDuration`: signed decimal numbers with units.
fn is_go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        if !number.contains(|c: char| c.is_ascii_digit()) || number.matches('.').count() > 1 {
            return false;
        }
        let unit = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"]
            .iter()
            .filter_map(|unit| tail.strip_prefix(unit))
            .min_by_key(|left| left.len());
        let Some(left) = unit else {
            return false;
        };
        rest = left;
    }
    true
}

fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        let most = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    })
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// Go's `url.ParseRequestURI`: absolute, or an absolute path.
fn is_uri(text: &str) -> bool {
    let printable = !text
        .bytes()
        .any(|byte| byte.is_ascii_control() || byte == b' ');
    let absolute = text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    printable && (absolute || text.starts_with('/'))
}
