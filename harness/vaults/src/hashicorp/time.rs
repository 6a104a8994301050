//! Times and durations as Go writes and reads them.

use std::time::Duration;

use jiff::Timestamp;

/// `time.Duration.String()` of whole seconds: `0s`, `1m30s`, `768h0m0s`.
pub(super) fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (h, m) {
        (0, 0) => format!("{s}s"),
        (0, _) => format!("{m}m{s}s"),
        _ => format!("{h}h{m}m{s}s"),
    }
}

/// Vault's `ParseDurationSecond`: a number of seconds, or `1h30m`, `90s`, `2d`. `None` if it is neither.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Duration::ZERO);
    }
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let part = match rest.get(..unit)? {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            "d" => Duration::from_secs(number.checked_mul(86400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = rest.get(unit..)?;
    }
    Some(total)
}

/// A later instant; stops at the end of time.
pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0s")]
    #[case(90, "1m30s")]
    #[case(2_764_800, "768h0m0s")]
    fn durations_are_written_as_go_does(#[case] seconds: u64, #[case] text: &str) {
        assert_eq!(go_duration(Duration::from_secs(seconds)), text);
        assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)));
    }

    #[rstest]
    #[case("2d", Some(172_800))]
    #[case("45", Some(45))]
    #[case("", Some(0))]
    #[case("h", None)]
    #[case("1x", None)]
    #[case("99999999999999999999h", None)]
    fn durations_are_read_as_vault_does(#[case] text: &str, #[case] seconds: Option<u64>) {
        assert_eq!(parse_duration(text), seconds.map(Duration::from_secs));
    }
}
