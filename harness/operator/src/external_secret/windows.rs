//! Windows of time for periodic fetches (ESO 2.9.0, `isPeriodicRefreshAllowedByWindows`, with robfig/cron v3's
//! five fields, in UTC).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rotaproof_kinds::GoDuration;
use rotaproof_kinds::external_secrets::{SyncWindowKind, SyncWindows};

/// The longest window that is searched for its opening: robfig gives up after five years.
const LONGEST: Duration = Duration::from_secs(5 * 366 * 24 * 3600);

/// Whether the windows permit a periodic fetch. A schedule that cannot be read counts as closed.
pub(super) fn permit(windows: Option<&SyncWindows>, now: Timestamp) -> bool {
    let Some(windows) = windows.filter(|windows| !windows.windows.is_empty()) else {
        return true;
    };
    let open = windows
        .windows
        .iter()
        .any(|window| is_open(&window.schedule, window.duration.to_std(), now));
    match windows.kind {
        SyncWindowKind::Allow => open,
        SyncWindowKind::Deny => !open,
    }
}

fn is_open(schedule: &str, duration: Duration, now: Timestamp) -> bool {
    if let Some(every) = schedule.strip_prefix("@every ") {
        // It fires one delay after whenever it is asked, so a window as long as the delay never closes.
        return every.trim().parse::<GoDuration>().is_ok_and(|every| {
            !every.is_never() && every.to_std() <= duration + Duration::from_secs(1)
        });
    }
    let Some(schedule) = Schedule::parse(schedule) else {
        return false;
    };
    let duration = duration.min(LONGEST);
    let minutes = now.as_second().div_euclid(60);
    let span = i64::try_from(duration.as_secs() / 60).unwrap_or(i64::MAX);
    (0..=span.saturating_add(1)).any(|back| {
        let Ok(opened) = Timestamp::from_second((minutes - back) * 60) else {
            return false;
        };
        let age = now.duration_since(opened);
        SignedDuration::try_from(duration).is_ok_and(|duration| age <= duration)
            && schedule.fires_at(opened)
    })
}

/// Minutes, hours, days of the month, months and days of the week as bit sets.
struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether the day fields are restricted: where both are, either suffices.
    any_day: bool,
    any_weekday: bool,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    fn parse(text: &str) -> Option<Self> {
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return None;
        };
        let star = |field: &str| field.starts_with('*') || field.starts_with('?');
        Some(Self {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 0, 6, &WEEKDAYS)?,
            any_day: star(days),
            any_weekday: star(weekdays),
        })
    }

    fn fires_at(&self, at: Timestamp) -> bool {
        let at = at.to_zoned(TimeZone::UTC);
        let has = |set: u64, value: i8| u32::try_from(value).is_ok_and(|bit| set >> bit & 1 == 1);
        let day = has(self.days, at.day());
        let weekday = has(self.weekdays, at.weekday().to_sunday_zero_offset());
        let right_day = if self.any_day || self.any_weekday {
            day && weekday
        } else {
            day || weekday
        };
        right_day
            && has(self.minutes, at.minute())
            && has(self.hours, at.hour())
            && has(self.months, at.month())
    }
}

/// `*`, `5`, `1-5`, `*/10`, `1-30/2`, `mon`, and lists of them.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let number = |text: &str| -> Option<u32> {
        let text = text.to_ascii_lowercase();
        match names.iter().position(|name| *name == text) {
            Some(index) => u32::try_from(index).ok().map(|index| index + low),
            None => text.parse().ok(),
        }
    };
    let mut set = 0u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (start, end) = match range {
            "*" | "?" => (low, high),
            _ => match range.split_once('-') {
                Some((start, end)) => (number(start)?, number(end)?),
                // `5/10` runs to the end of the field.
                None if part.contains('/') => (number(range)?, high),
                None => (number(range)?, number(range)?),
            },
        };
        if start < low || end > high || start > end {
            return None;
        }
        let step = usize::try_from(step).ok()?;
        for value in (start..=end).step_by(step) {
            set |= 1 << value;
        }
    }
    Some(set)
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
