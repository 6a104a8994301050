//! `quote` and `squote`.

use gotmpl::Value;

use super::Entry;
use super::arguments::{at_least, printed, string};
use crate::template::text::escaped_byte;

pub(super) const TABLE: &[Entry] = &[
    ("quote", at_least(0), |a| {
        string(each(a, |value| quoted(&printed(value))))
    }),
    ("squote", at_least(0), |a| {
        string(each(a, |value| format!("'{}'", printed(value))))
    }),
];

fn each(arguments: &[Value], quote: impl Fn(&Value) -> String) -> String {
    let parts: Vec<String> = arguments
        .iter()
        .filter(|value| !matches!(value, Value::Nil))
        .map(quote)
        .collect();
    parts.join(" ")
}

/// Go's `strconv.Quote`.
fn quoted(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 2);
    result.push('"');
    for c in text.chars() {
        if let Some(byte) = escaped_byte(c) {
            result.push_str(&format!("\\x{byte:02x}"));
            continue;
        }
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\u{7}' => result.push_str("\\a"),
            '\u{8}' => result.push_str("\\b"),
            '\u{c}' => result.push_str("\\f"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '\u{b}' => result.push_str("\\v"),
            c if c < ' ' || c == '\u{7f}' => result.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if unprintable(c) && u32::from(c) > 0xFFFF => {
                result.push_str(&format!("\\U{:08x}", u32::from(c)))
            }
            c if unprintable(c) => result.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => result.push(c),
        }
    }
    result.push('"');
    result
}

/// Go escapes what Rust's `Debug` escapes, apart from what is handled before.
fn unprintable(c: char) -> bool {
    c != '\'' && c.escape_debug().count() > 1
}
