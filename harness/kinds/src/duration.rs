//! Durations as Go writes them: `1h0m0s`, `1.5h`, `250ms`, `-3s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration in nanoseconds that reads and prints as Go's `time.Duration`; it may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(i64);

/// Why a text is not a Go duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing, or no number where one must be.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit that Go does not know; days are none.
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl GoDuration {
    /// A duration; longer than 292 years saturates.
    pub fn new(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Whether it is zero or negative: ESO's "never again".
    pub fn is_never(self) -> bool {
        self.0 <= 0
    }

    /// As an unsigned duration; a negative one is zero.
    pub fn to_std(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self::new(duration)
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;

    /// Go 1.26 `time.ParseDuration`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let number = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let (whole, fraction) = match rest[..number].split_once('.') {
                Some((whole, fraction)) => (whole, fraction),
                None => (&rest[..number], ""),
            };
            if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
                return Err(invalid());
            }
            rest = &rest[number..];
            let length = rest
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(rest.len());
            let unit: i128 = match &rest[..length] {
                "" => return Err(DurationError::MissingUnit(text.to_owned())),
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                unknown => {
                    return Err(DurationError::UnknownUnit {
                        unit: unknown.to_owned(),
                        text: text.to_owned(),
                    });
                }
            };
            rest = &rest[length..];
            if !whole.is_empty() {
                let whole: i128 = whole.parse().map_err(|_| invalid())?;
                total = whole
                    .checked_mul(unit)
                    .and_then(|part| total.checked_add(part))
                    .ok_or_else(invalid)?;
            }
            let mut place = unit;
            for digit in fraction.bytes() {
                place /= 10;
                total += i128::from(digit - b'0') * place;
            }
        }
        let total = if negative { -total } else { total };
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let decimal = |f: &mut fmt::Formatter<'_>, unit: u64, name: &str| {
            let (whole, part) = (nanos / unit, nanos % unit);
            if part == 0 {
                return write!(f, "{whole}{name}");
            }
            let width = unit.ilog10() as usize;
            let part = format!("{part:0width$}");
            write!(f, "{whole}.{}{name}", part.trim_end_matches('0'))
        };
        match nanos {
            0 => f.write_str("0s"),
            1..=999 => decimal(f, 1, "ns"),
            1_000..=999_999 => decimal(f, 1_000, "µs"),
            1_000_000..=999_999_999 => decimal(f, 1_000_000, "ms"),
            _ => {
                let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                let (seconds, part) = (rest / 1_000_000_000, rest % 1_000_000_000);
                write!(f, "{seconds}")?;
                if part != 0 {
                    write!(f, ".{}", format!("{part:09}").trim_end_matches('0'))?;
                }
                f.write_str("s")
            }
        }
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1h", "1h0m0s")]
    #[case("1h0m0s", "1h0m0s")]
    #[case("90m", "1h30m0s")]
    #[case("1.5h", "1h30m0s")]
    #[case("0", "0s")]
    #[case("-3s", "-3s")]
    #[case("250ms", "250ms")]
    #[case("1m0.5s", "1m0.5s")]
    #[case("1500us", "1.5ms")]
    fn a_go_duration_reads_and_prints_as_go_does(#[case] text: &str, #[case] printed: &str) {
        assert_eq!(text.parse::<GoDuration>().unwrap().to_string(), printed);
    }

    #[rstest]
    #[case("", r#"time: invalid duration """#)]
    #[case("5", r#"time: missing unit in duration "5""#)]
    #[case("1d", r#"time: unknown unit "d" in duration "1d""#)]
    #[case("h", r#"time: invalid duration "h""#)]
    #[case("999999999h", r#"time: invalid duration "999999999h""#)]
    fn what_go_refuses_is_refused_in_its_words(#[case] text: &str, #[case] error: &str) {
        assert_eq!(text.parse::<GoDuration>().unwrap_err().to_string(), error);
    }
}
