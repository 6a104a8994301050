//! Windows of time for periodic fetches (ESO 2.9.0, `isPeriodicRefreshAllowedByWindows`).

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rotaproof_kinds::external_secrets::{SyncWindowKind, SyncWindows};
use rotaproof_kinds::{GoDuration, Schedule};

/// Whether the windows permit a periodic fetch. A schedule that cannot be read counts as closed.
pub(super) fn permit(windows: Option<&SyncWindows>, now: Timestamp) -> bool {
    let Some(windows) = windows.filter(|windows| !windows.windows.is_empty()) else {
        return true;
    };
    let open = windows
        .windows
        .iter()
        .any(|window| is_open(&window.schedule, window.duration, now).unwrap_or(false));
    match windows.kind {
        SyncWindowKind::Allow => open,
        SyncWindowKind::Deny => !open,
    }
}

/// `isWithinSyncWindow`: whether the first firing since a window's duration and one second ago opened a window that
/// is open still. Only that firing counts: where windows overlap, the second in which the oldest has closed is
/// outside of all.
fn is_open(schedule: &str, duration: GoDuration, now: Timestamp) -> Option<bool> {
    if duration < GoDuration::default() {
        return None;
    }
    let duration = SignedDuration::try_from(duration.to_std()).ok()?;
    let since = duration.checked_add(SignedDuration::from_secs(1))?;
    let schedule: Schedule = schedule.parse().ok()?;
    let opened = schedule.next(now.checked_sub(since).ok()?, &TimeZone::UTC)?;
    Some(opened <= now && now.duration_since(opened) <= duration)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    // 2025-11-08 is a Saturday.
    #[rstest]
    #[case("0 2 * * *", "1h", "2025-11-08T02:30:00Z", true)]
    #[case("0 2 * * *", "1h", "2025-11-08T03:00:00Z", true)]
    #[case("0 2 * * *", "1h", "2025-11-08T03:00:01Z", false)]
    #[case("0 2 * * *", "1h", "2025-11-08T01:59:59Z", false)]
    #[case("*/15 9-17 * * mon-fri", "5m", "2025-11-07T09:18:00Z", true)]
    #[case("*/15 9-17 * * mon-fri", "5m", "2025-11-08T09:18:00Z", false)]
    #[case("0 0 1 * 6", "24h", "2025-11-08T12:00:00Z", true)]
    #[case::either_day("0 0 */2 * 6", "1h", "2025-11-08T00:30:00Z", true)]
    #[case::one_that_closed_hides_the_next("* * * * *", "1m", "2025-11-08T00:10:00.5Z", false)]
    #[case::until_its_second_is_over("* * * * *", "1m", "2025-11-08T00:10:01Z", true)]
    #[case("0 0 1 1 *", "8760h", "2025-11-08T00:00:00Z", true)]
    #[case("0 2 * * *", "-1h", "2025-11-08T02:00:00Z", false)]
    #[case("0 2 * * *", "0s", "2025-11-08T02:00:00Z", true)]
    #[case("@daily", "10m", "2025-11-08T00:10:00Z", true)]
    #[case("@every 1h", "1h", "2025-11-08T00:10:00Z", true)]
    #[case("@every 2h", "1h", "2025-11-08T00:10:00Z", false)]
    #[case("99 2 * * *", "1h", "2025-11-08T02:30:00Z", false)]
    fn a_window_is_open_for_its_duration_after_each_firing(
        #[case] schedule: &str,
        #[case] duration: &str,
        #[case] now: &str,
        #[case] open: bool,
        #[values("allow", "deny")] kind: &str,
    ) {
        let windows: SyncWindows = serde_json::from_value(
            json!({"kind": kind, "windows": [{"schedule": schedule, "duration": duration}]}),
        )
        .unwrap();
        assert_eq!(
            permit(Some(&windows), now.parse().unwrap()),
            open == (kind == "allow")
        );
    }
}
