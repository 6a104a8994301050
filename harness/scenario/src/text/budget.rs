//! How long something may take, in refreshes and in time, so that it means the same in every lane.

use std::fmt;
use std::ops::{Add, Mul};
use std::str::FromStr;
use std::time::Duration;

use super::{Period, from_text};

/// A budget: `1 refresh + 10s`, `2 refreshes`, `90s`.
///
/// `refreshes` counts refresh intervals of the ExternalSecret in question; `extra` comes on top and is never scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Refresh intervals, at least 0.
    pub refreshes: f64,
    /// Time on top.
    pub extra: Duration,
}

from_text!(
    Budget,
    "Budget",
    "^\\s*([0-9]+(\\.[0-9]+)?\\s*refresh(es)?(\\s*\\+\\s*([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+)?|([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+(\\s*\\+\\s*[0-9]+(\\.[0-9]+)?\\s*refresh(es)?)?)\\s*$",
    "a budget such as `1 refresh + 10s`, `2 refreshes` or 90s"
);

impl Budget {
    /// The budget as time, where one refresh takes `interval`.
    pub fn at(&self, interval: Duration) -> Duration {
        let refreshes = interval.as_secs_f64() * self.refreshes;
        Duration::try_from_secs_f64(refreshes)
            .unwrap_or(Duration::MAX)
            .saturating_add(self.extra)
    }
}

impl From<Duration> for Budget {
    fn from(extra: Duration) -> Self {
        Self {
            refreshes: 0.0,
            extra,
        }
    }
}

/// `1 refresh + 10s`
impl Add<Duration> for Budget {
    type Output = Self;

    fn add(mut self, extra: Duration) -> Self {
        self.extra = self.extra.saturating_add(extra);
        self
    }
}

/// `2 refreshes`
impl Mul<u32> for Budget {
    type Output = Self;

    fn mul(self, times: u32) -> Self {
        Self {
            refreshes: self.refreshes * f64::from(times),
            extra: self.extra.saturating_mul(times),
        }
    }
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut refreshes = None;
        let mut extra = None;
        for term in text.split('+').map(str::trim) {
            let count = term
                .strip_suffix("refreshes")
                .or_else(|| term.strip_suffix("refresh"));
            if let Some(count) = count {
                let count: f64 = count
                    .trim()
                    .parse()
                    .ok()
                    .filter(|n: &f64| n.is_finite() && (0.0..=1_000_000.0).contains(n))
                    .ok_or_else(|| {
                        format!("`{term}` is not a number of refreshes; write it as `1 refresh`")
                    })?;
                if refreshes.replace(count).is_some() {
                    return Err(format!("`{text}` counts refreshes twice"));
                }
            } else if term.is_empty() {
                return Err(format!(
                    "`{text}` is not a budget; write it as `1 refresh + 10s` or 90s"
                ));
            } else if term.contains(' ') {
                return Err(format!(
                    "`{term}` is neither a duration such as 90s nor a number of refreshes such as `1 refresh`"
                ));
            } else if extra.replace(term.parse::<Period>()?.0).is_some() {
                return Err(format!(
                    "`{text}` names a time twice; write it as one, as in 1h30m"
                ));
            }
        }
        Ok(Self {
            refreshes: refreshes.unwrap_or_default(),
            extra: extra.unwrap_or_default(),
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.refreshes > 0.0 {
            let plural = if self.refreshes > 1.0 { "es" } else { "" };
            write!(f, "{} refresh{plural}", self.refreshes)?;
            if self.extra.is_zero() {
                return Ok(());
            }
            f.write_str(" + ")?;
        }
        Period(self.extra).fmt(f)
    }
}
