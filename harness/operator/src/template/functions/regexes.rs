//! Regular expressions. Go's RE2 syntax is what the `regex` crate reads too.

use gotmpl::{Result, TemplateError, Value};
use regex::{NoExpand, Regex};

use super::Entry;
use super::arguments::{exactly, string, strings, text, whole};

pub(super) const TABLE: &[Entry] = &[
    ("regexMatch", exactly(2), |a| {
        Ok(Value::Bool(pattern(a)?.is_match(text(a, 1)?)))
    }),
    ("mustRegexMatch", exactly(2), |a| {
        Ok(Value::Bool(pattern(a)?.is_match(text(a, 1)?)))
    }),
    ("regexFind", exactly(2), find),
    ("mustRegexFind", exactly(2), find),
    ("regexFindAll", exactly(3), find_all),
    ("mustRegexFindAll", exactly(3), find_all),
    ("regexReplaceAll", exactly(3), replace_all),
    ("mustRegexReplaceAll", exactly(3), replace_all),
    ("regexReplaceAllLiteral", exactly(3), replace_literal),
    ("mustRegexReplaceAllLiteral", exactly(3), replace_literal),
    ("regexSplit", exactly(3), split),
    ("mustRegexSplit", exactly(3), split),
    ("regexQuoteMeta", exactly(1), |a| {
        string(quote_meta(text(a, 0)?))
    }),
];

fn pattern(arguments: &[Value]) -> Result<Regex> {
    let source = text(arguments, 0)?;
    Regex::new(source).map_err(|_| {
        TemplateError::Exec(format!(
            "regexp: Compile({source:?}): not a regular expression"
        ))
    })
}

fn find(arguments: &[Value]) -> Result<Value> {
    let pattern = pattern(arguments)?;
    let found = pattern.find(text(arguments, 1)?);
    string(found.map_or("", |found| found.as_str()))
}

fn find_all(arguments: &[Value]) -> Result<Value> {
    let most = usize::try_from(whole(arguments, 2)?).unwrap_or(usize::MAX);
    let pattern = pattern(arguments)?;
    strings(
        pattern
            .find_iter(text(arguments, 1)?)
            .take(most)
            .map(|found| found.as_str()),
    )
}

fn replace_all(arguments: &[Value]) -> Result<Value> {
    // `$1`, `${name}` and `$$` mean the same in Go and here.
    string(pattern(arguments)?.replace_all(text(arguments, 1)?, text(arguments, 2)?))
}

fn replace_literal(arguments: &[Value]) -> Result<Value> {
    string(pattern(arguments)?.replace_all(text(arguments, 1)?, NoExpand(text(arguments, 2)?)))
}

fn split(arguments: &[Value]) -> Result<Value> {
    let pattern = pattern(arguments)?;
    let value = text(arguments, 1)?;
    match usize::try_from(whole(arguments, 2)?) {
        Ok(most) => strings(pattern.splitn(value, most)),
        Err(_) => strings(pattern.split(value)),
    }
}

/// Go's `regexp.QuoteMeta`; the crate's own escapes more.
fn quote_meta(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}
