//! Durations as Kubernetes writes them: `90s`, `1h30m`, `500ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::from_text;

/// A duration of whole milliseconds: `500ms`, `90s`, `1h30m`, `2d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period(pub Duration);

from_text!(
    Period,
    "Duration",
    "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$",
    "a duration such as 90s, 1h30m or 500ms"
);

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not a duration; write it as 90s, 1h30m or 500ms");
        let mut rest = text;
        let mut total: f64 = 0.0;
        if rest.is_empty() {
            return Err(invalid());
        }
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(|| {
                    format!("`{text}` has no unit; write it as {text}s, {text}m or {text}h")
                })?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            if unit.is_empty() {
                return Err(invalid());
            }
            let number: f64 = number.parse().map_err(|_| invalid())?;
            let (_, millis) = UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .ok_or_else(|| {
                    format!("`{unit}` in `{text}` is not a unit; the units are ms, s, m, h and d")
                })?;
            #[expect(clippy::cast_precision_loss, reason = "units are small")]
            let millis = *millis as f64;
            total += number * millis;
            rest = tail;
        }
        // A thousand years: far beyond any scenario, far below what overflows a clock.
        if total > 3.2e13 {
            return Err(format!("`{text}` is too long"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above; not negative"
        )]
        Ok(Self(Duration::from_millis(total.round() as u64)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return f.write_str("0s");
        }
        for (unit, size) in UNITS {
            if unit != "d" && millis >= size {
                write!(f, "{}{unit}", millis / size)?;
                millis %= size;
            }
        }
        Ok(())
    }
}
