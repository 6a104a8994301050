//! `filterPEM` (ESO 2.9.0, `runtime/template/v2/pem.go`).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gotmpl::{Result, Value};

use super::Entry;
use super::arguments::{exactly, fail, string, text};
use crate::value::{Alphabet, decode_base64};

pub(super) const TABLE: &[Entry] = &[("filterPEM", exactly(2), filter)];

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The blocks of one type, in their order, wrapped anew.
fn filter(arguments: &[Value]) -> Result<Value> {
    let (wanted, mut rest) = (text(arguments, 0)?, text(arguments, 1)?);
    let mut kept = String::new();
    while let Some((kind, body, after)) = next_block(rest) {
        rest = after;
        if kind.eq_ignore_ascii_case(wanted) {
            kept.push_str(&encoded(kind, &body));
        }
    }
    if kept.is_empty() && !rest.is_empty() {
        return fail("error filtering pem: found junk");
    }
    string(kept)
}

/// The next whole block: its type, its bytes, and what follows it.
fn next_block(text: &str) -> Option<(&str, Vec<u8>, &str)> {
    let mut from = text;
    loop {
        from = &from[from.find(BEGIN)? + BEGIN.len()..];
        let (kind, body) = from.split_once(DASHES)?;
        let end = format!("-----END {kind}-----");
        let Some((body, after)) = body.split_once(&end) else {
            continue;
        };
        let body: Vec<u8> = body
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        if let Ok(bytes) = decode_base64(Alphabet::Standard, &body) {
            let after = after.trim_start_matches([' ', '\t', '\r']);
            return Some((kind, bytes, after.strip_prefix('\n').unwrap_or(after)));
        }
    }
}

fn encoded(kind: &str, bytes: &[u8]) -> String {
    /// Digits on a line.
    const WIDTH: usize = 64;
    let digits = BASE64_STANDARD.encode(bytes);
    let mut pem = format!("{BEGIN}{kind}{DASHES}\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(WIDTH.min(rest.len()));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {kind}{DASHES}\n"));
    pem
}
