//! Numbers, converted as github.com/spf13/cast does: what is no number is 0.

use gotmpl::{Result, Value};

use super::Entry;
use super::arguments::{at_least, exactly, fail, items, text, whole};

/// The longest list that `until` and `untilStep` may make.
const LONGEST: usize = 100_000;

pub(super) const TABLE: &[Entry] = &[
    ("atoi", exactly(1), |a| {
        Ok(Value::Int(text(a, 0)?.parse().unwrap_or(0)))
    }),
    ("int", exactly(1), |a| Ok(Value::Int(number(a, 0)))),
    ("int64", exactly(1), |a| Ok(Value::Int(number(a, 0)))),
    ("float64", exactly(1), |a| {
        Ok(Value::Float(a.first().map_or(0.0, to_float)))
    }),
    ("add1", exactly(1), |a| {
        Ok(Value::Int(number(a, 0).wrapping_add(1)))
    }),
    ("add", at_least(0), |a| {
        Ok(Value::Int(
            a.iter().map(to_whole).fold(0, i64::wrapping_add),
        ))
    }),
    ("sub", exactly(2), |a| {
        Ok(Value::Int(number(a, 0).wrapping_sub(number(a, 1))))
    }),
    ("mul", at_least(1), |a| {
        Ok(Value::Int(
            a.iter().map(to_whole).fold(1, i64::wrapping_mul),
        ))
    }),
    ("div", exactly(2), |a| {
        divided(number(a, 0).checked_div(number(a, 1)))
    }),
    ("mod", exactly(2), |a| {
        divided(number(a, 0).checked_rem(number(a, 1)))
    }),
    ("max", at_least(1), |a| {
        Ok(Value::Int(a.iter().map(to_whole).max().unwrap_or(0)))
    }),
    ("biggest", at_least(1), |a| {
        Ok(Value::Int(a.iter().map(to_whole).max().unwrap_or(0)))
    }),
    ("min", at_least(1), |a| {
        Ok(Value::Int(a.iter().map(to_whole).min().unwrap_or(0)))
    }),
    ("floor", exactly(1), |a| {
        Ok(Value::Float(a.first().map_or(0.0, to_float).floor()))
    }),
    ("ceil", exactly(1), |a| {
        Ok(Value::Float(a.first().map_or(0.0, to_float).ceil()))
    }),
    ("until", exactly(1), |a| {
        let count = whole(a, 0)?;
        steps(0, count, if count < 0 { -1 } else { 1 })
    }),
    ("untilStep", exactly(3), |a| {
        steps(whole(a, 0)?, whole(a, 1)?, whole(a, 2)?)
    }),
];

fn number(arguments: &[Value], at: usize) -> i64 {
    arguments.get(at).map_or(0, to_whole)
}

fn divided(result: Option<i64>) -> Result<Value> {
    match result {
        Some(number) => Ok(Value::Int(number)),
        None => fail("runtime error: integer divide by zero"),
    }
}

/// `cast.ToInt64`.
pub(super) fn to_whole(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Uint(number) => i64::try_from(*number).unwrap_or(i64::MAX),
        Value::Float(number) => *number as i64,
        Value::Bool(truth) => i64::from(*truth),
        Value::String(text) => whole_of(text),
        _ => 0,
    }
}

/// Go's `ParseInt(s, 0, 0)`, after a fraction of zeros is cut.
fn whole_of(text: &str) -> i64 {
    let text = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return 0,
        None => text,
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return 0;
    }
    let number = i64::from_str_radix(digits, radix).unwrap_or(0);
    if negative { -number } else { number }
}

fn to_float(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::String(text) => text.parse().unwrap_or(0.0),
        other => to_whole(other) as f64,
    }
}

fn steps(start: i64, stop: i64, step: i64) -> Result<Value> {
    let mut numbers = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        if numbers.len() == LONGEST {
            return fail("the list would be too long");
        }
        numbers.push(Value::Int(at));
        at = at.saturating_add(step);
    }
    items(numbers)
}
