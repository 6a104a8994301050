//! Text.

use gotmpl::{Result, Value};

use super::Entry;
use super::arguments::{at_least, exactly, fail, items, printed, string, strings, text, whole};
use crate::template::text::{from_bytes, to_bytes};

/// The longest text that `repeat`, `indent` and the like may make.
const LONGEST: usize = 4 << 20;

pub(super) const TABLE: &[Entry] = &[
    ("upper", exactly(1), |a| string(text(a, 0)?.to_uppercase())),
    ("lower", exactly(1), |a| string(text(a, 0)?.to_lowercase())),
    ("title", exactly(1), title),
    ("untitle", exactly(1), |a| {
        string(first_letter(text(a, 0)?, |c| c.to_lowercase().collect()))
    }),
    ("trim", exactly(1), |a| string(text(a, 0)?.trim())),
    ("trimAll", exactly(2), trim_all),
    ("trimall", exactly(2), trim_all),
    ("trimPrefix", exactly(2), |a| {
        let value = text(a, 1)?;
        string(value.strip_prefix(text(a, 0)?).unwrap_or(value))
    }),
    ("trimSuffix", exactly(2), |a| {
        let value = text(a, 1)?;
        string(value.strip_suffix(text(a, 0)?).unwrap_or(value))
    }),
    ("nospace", exactly(1), |a| {
        string(text(a, 0)?.split_whitespace().collect::<String>())
    }),
    ("replace", exactly(3), |a| {
        string(text(a, 2)?.replace(text(a, 0)?, text(a, 1)?))
    }),
    ("contains", exactly(2), |a| {
        Ok(Value::Bool(text(a, 1)?.contains(text(a, 0)?)))
    }),
    ("hasPrefix", exactly(2), |a| {
        Ok(Value::Bool(text(a, 1)?.starts_with(text(a, 0)?)))
    }),
    ("hasSuffix", exactly(2), |a| {
        Ok(Value::Bool(text(a, 1)?.ends_with(text(a, 0)?)))
    }),
    ("repeat", exactly(2), repeat),
    ("indent", exactly(2), |a| string(indented(a)?)),
    ("nindent", exactly(2), |a| {
        string(format!("\n{}", indented(a)?))
    }),
    ("substr", exactly(3), substr),
    ("trunc", exactly(2), trunc),
    ("plural", exactly(3), |a| {
        string(if whole(a, 2)? == 1 {
            text(a, 0)?
        } else {
            text(a, 1)?
        })
    }),
    ("toString", exactly(1), |a| {
        string(a.iter().map(printed).collect::<String>())
    }),
    ("toStrings", exactly(1), |a| strings(texts(a, 0))),
    ("join", exactly(2), |a| {
        string(texts(a, 1).join(text(a, 0)?))
    }),
    ("split", exactly(2), |a| {
        numbered(text(a, 1)?.split(text(a, 0)?))
    }),
    ("splitn", exactly(3), |a| {
        let most = usize::try_from(whole(a, 1)?).unwrap_or(usize::MAX);
        numbered(text(a, 2)?.splitn(most, text(a, 0)?))
    }),
    ("splitList", exactly(2), |a| {
        split_list(text(a, 0)?, text(a, 1)?)
    }),
    ("cat", at_least(0), |a| {
        let parts: Vec<String> = a
            .iter()
            .filter(|value| !matches!(value, Value::Nil))
            .map(printed)
            .collect();
        string(parts.join(" "))
    }),
    ("base", exactly(1), |a| {
        let path = text(a, 0)?;
        let last = path
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        string(match (path, last) {
            ("", _) => ".",
            (_, "") => "/",
            (_, last) => last,
        })
    }),
];

/// sprig's `strslice`: a list's items as text, without the absent ones; anything else is a list of itself.
pub(super) fn texts(arguments: &[Value], at: usize) -> Vec<String> {
    match arguments.get(at) {
        Some(Value::List(items)) => items
            .iter()
            .filter(|item| !matches!(item, Value::Nil))
            .map(printed)
            .collect(),
        Some(Value::Nil) | None => Vec::new(),
        Some(other) => vec![printed(other)],
    }
}

fn first_letter(text: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| change(first) + chars.as_str())
}

fn title(arguments: &[Value]) -> Result<Value> {
    let mut result = String::new();
    let mut inside = false;
    for c in text(arguments, 0)?.chars() {
        if inside {
            result.push(c)
        } else {
            result.extend(c.to_uppercase())
        }
        inside = c.is_alphanumeric() || c == '_' || c == '\'';
    }
    string(result)
}

fn trim_all(arguments: &[Value]) -> Result<Value> {
    let cut: Vec<char> = text(arguments, 0)?.chars().collect();
    string(text(arguments, 1)?.trim_matches(cut.as_slice()))
}

fn repeat(arguments: &[Value]) -> Result<Value> {
    let value = text(arguments, 1)?;
    let Ok(count) = usize::try_from(whole(arguments, 0)?) else {
        return fail("strings: negative Repeat count");
    };
    if value.len().saturating_mul(count) > LONGEST {
        return fail("the text would be too long");
    }
    string(value.repeat(count))
}

fn indented(arguments: &[Value]) -> Result<String> {
    let value = text(arguments, 1)?;
    let Ok(spaces) = usize::try_from(whole(arguments, 0)?) else {
        return fail("strings: negative Repeat count");
    };
    if value
        .matches('\n')
        .count()
        .saturating_add(1)
        .saturating_mul(spaces)
        > LONGEST
    {
        return fail("the text would be too long");
    }
    let pad = " ".repeat(spaces);
    Ok(format!("{pad}{}", value.replace('\n', &format!("\n{pad}"))))
}

/// Go counts bytes here.
fn substr(arguments: &[Value]) -> Result<Value> {
    let (start, end) = (whole(arguments, 0)?, whole(arguments, 1)?);
    let bytes = to_bytes(text(arguments, 2)?);
    let end = if start >= 0 && (end < 0 || usize::try_from(end).is_ok_and(|end| end > bytes.len()))
    {
        bytes.len()
    } else {
        usize::try_from(end).unwrap_or(usize::MAX)
    };
    let start = usize::try_from(start).unwrap_or(0);
    match bytes.get(start..end) {
        Some(part) => string(from_bytes(part)),
        None => fail(format!(
            "runtime error: slice bounds out of range [{start}:{end}] with length {}",
            bytes.len()
        )),
    }
}

fn trunc(arguments: &[Value]) -> Result<Value> {
    let count = whole(arguments, 0)?;
    let bytes = to_bytes(text(arguments, 1)?);
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if wanted >= bytes.len() {
        return string(from_bytes(&bytes));
    }
    let part = if count < 0 {
        bytes.get(bytes.len() - wanted..)
    } else {
        bytes.get(..wanted)
    };
    string(from_bytes(part.unwrap_or_default()))
}

/// `_0`, `_1`, ...
fn numbered<'t>(parts: impl Iterator<Item = &'t str>) -> Result<Value> {
    Ok(Value::Map(std::sync::Arc::new(
        parts
            .enumerate()
            .map(|(index, part)| (format!("_{index}").into(), Value::String(part.into())))
            .collect(),
    )))
}

fn split_list(separator: &str, value: &str) -> Result<Value> {
    if separator.is_empty() {
        return items(value.chars().map(|c| Value::String(c.to_string().into())));
    }
    strings(value.split(separator))
}
