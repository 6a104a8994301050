//! How long something is watched, or time is let pass.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Budget, Period, from_text};

/// A stretch of time: a budget such as `0.2 refresh`, `until refresh`, or `exactly 10m`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stretch {
    /// So many refreshes, so much time, or both.
    Budget(Budget),
    /// Until the next refresh is due; less the second that `refreshTime` may hide, since ESO stores whole seconds.
    UntilRefresh,
    /// So much time whatever the refresh interval is: where a back-off, a time-out or a lifetime is meant.
    Exactly(Duration),
}

const UNTIL_REFRESH: &str = "until refresh";
const EXACTLY: &str = "exactly ";

from_text!(
    Stretch,
    "Stretch",
    "^\\s*(until refresh|exactly\\s+([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+|[0-9]+(\\.[0-9]+)?\\s*refresh(es)?(\\s*\\+\\s*([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+)?|([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+(\\s*\\+\\s*[0-9]+(\\.[0-9]+)?\\s*refresh(es)?)?)\\s*$",
    "`until refresh`, `0.2 refresh`, `1 refresh + 10s`, 90s, or `exactly 10m` where the refresh interval does not matter"
);

impl From<Budget> for Stretch {
    fn from(budget: Budget) -> Self {
        Self::Budget(budget)
    }
}

impl From<Duration> for Stretch {
    fn from(time: Duration) -> Self {
        Self::Budget(time.into())
    }
}

impl FromStr for Stretch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == UNTIL_REFRESH {
            return Ok(Self::UntilRefresh);
        }
        match text.strip_prefix(EXACTLY) {
            Some(time) => Ok(Self::Exactly(time.trim().parse::<Period>()?.0)),
            None if text.starts_with("until") => Err(format!(
                "`{text}` is not known; it can be `{UNTIL_REFRESH}`"
            )),
            None => text.parse().map(Self::Budget),
        }
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget(budget) => budget.fmt(f),
            Self::UntilRefresh => f.write_str(UNTIL_REFRESH),
            Self::Exactly(time) => write!(f, "{EXACTLY}{}", Period(*time)),
        }
    }
}
