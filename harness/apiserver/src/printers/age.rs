//! How long ago, in two or three figures (`k8s.io/apimachinery/pkg/util/duration`, HumanDuration).

use jiff::SignedDuration;

/// `45s`, `4m3s`, `3h20m`, `2d4h`, `1y20d`; a moment up to two seconds ahead is now.
pub(super) fn human(age: SignedDuration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    let two = |big: i64, unit: char, small: i64, lesser: char| match small {
        0 => format!("{big}{unit}"),
        _ => format!("{big}{unit}{small}{lesser}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => two(days, 'd', hours % 24, 'h'),
        _ if days < 365 * 2 => format!("{days}d"),
        _ if days < 365 * 8 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The rows of `duration_test.go` (Kubernetes 1.34) that lie at a boundary.
    #[rstest]
    #[case("-2s", "<invalid>")]
    #[case("-1s", "0s")]
    #[case("0s", "0s")]
    #[case("119s", "119s")]
    #[case("120s", "2m")]
    #[case("121s", "2m1s")]
    #[case("10m1s", "10m")]
    #[case("179m59s", "179m")]
    #[case("3h", "3h")]
    #[case("3h1m", "3h1m")]
    #[case("8h5m", "8h")]
    #[case("47h59m", "47h")]
    #[case("48h", "2d")]
    #[case("49h", "2d1h")]
    #[case("191h", "7d23h")]
    #[case("193h", "8d")]
    #[case("17519h", "729d")]
    #[case("17520h", "2y")]
    #[case("17544h", "2y1d")]
    #[case("70080h", "8y")]
    fn an_age_has_two_or_three_figures(#[case] age: &str, #[case] shown: &str) {
        assert_eq!(human(age.parse().unwrap()), shown);
    }
}
