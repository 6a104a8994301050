//! robfig/cron v3.0.1 as ESO uses it: five fields or a descriptor, in UTC, and when a schedule fires next
//! (`parser.go`, `spec.go`, `constantdelay.go`).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use rotaproof_kinds::GoDuration;

/// Calendar years after which the search for a firing ends.
const YEARS: i16 = 5;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something happens again and again.
pub(super) enum Schedule {
    /// At the times that all fields allow.
    Fields(Fields),
    /// One delay after whenever it is asked.
    Every(SignedDuration),
}

pub(super) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// A day has to be right by both its number and its weekday where either is `*`, and by one of them otherwise.
    both_days: bool,
}

impl Schedule {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(delay) = text.strip_prefix("@every ") {
            let delay: GoDuration = delay.parse().ok()?;
            let seconds = i64::try_from(delay.to_std().as_secs()).ok()?;
            return Some(Self::Every(SignedDuration::from_secs(seconds.max(1))));
        }
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
        let (days, any_day) = field(days, 1, 31, &[])?;
        let (weekdays, any_weekday) = field(weekdays, 0, 6, &WEEKDAYS)?;
        Some(Self::Fields(Fields {
            minutes: field(minutes, 0, 59, &[])?.0,
            hours: field(hours, 0, 23, &[])?.0,
            days,
            months: field(months, 1, 12, &MONTHS)?.0,
            weekdays,
            both_days: any_day || any_weekday,
        }))
    }

    /// The first firing after this moment, if there is one.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(delay) => {
                let whole = Timestamp::from_second(after.as_second()).ok()?;
                whole.checked_add(*delay).ok()
            }
            Self::Fields(fields) => fields.next(after),
        }
    }
}

impl Fields {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        // A field of nothing but commas allows nothing.
        if self.minutes == 0 || self.hours == 0 {
            return None;
        }
        let after = TimeZone::UTC.to_datetime(after);
        let last = after.year().checked_add(YEARS)?;
        let minute = after.with().second(0).subsec_nanosecond(0).build().ok()?;
        let mut at = step(minute, 1.minute())?;
        while at.year() <= last {
            let midnight = DateTime::from_parts(at.date(), jiff::civil::Time::midnight());
            if !has(self.months, at.month()) {
                at = step(midnight.first_of_month(), 1.month())?;
            } else if !self.has_day(at) {
                at = step(midnight, 1.day())?;
            } else if !has(self.hours, at.hour()) {
                at = step(at.with().minute(0).build().ok()?, 1.hour())?;
            } else if !has(self.minutes, at.minute()) {
                at = step(at, 1.minute())?;
            } else {
                return TimeZone::UTC.to_timestamp(at).ok();
            }
        }
        None
    }

    fn has_day(&self, at: DateTime) -> bool {
        let day = has(self.days, at.day());
        let weekday = has(self.weekdays, at.weekday().to_sunday_zero_offset());
        if self.both_days {
            day && weekday
        } else {
            day || weekday
        }
    }
}

fn step(at: DateTime, by: Span) -> Option<DateTime> {
    at.checked_add(by).ok()
}

fn has(values: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|bit| values >> bit & 1 == 1)
}

/// The values of a field as a bit set, and whether it is `*`: alone, or among others, but not `*/2`.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<(u64, bool)> {
    let number = |text: &str| {
        let named = names.iter().position(|n| n.eq_ignore_ascii_case(text));
        match named.and_then(|index| u32::try_from(index).ok()) {
            Some(index) => Some(index + low),
            None => text.parse::<u32>().ok(),
        }
    };
    let (mut values, mut star) = (0u64, false);
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok()?)),
            None => (part, None),
        };
        let (start, end) = match range.split_once('-') {
            Some(("*" | "?", _)) => (low, high),
            None if range == "*" || range == "?" => (low, high),
            Some((start, end)) => (number(start)?, number(end)?),
            // `5/10` runs to the end of the field.
            None if step.is_some() => (number(range)?, high),
            None => (number(range)?, number(range)?),
        };
        let step = step.unwrap_or(1);
        if start < low || end > high || start > end || step == 0 {
            return None;
        }
        star |= range.starts_with(['*', '?']) && step == 1;
        for value in (start..=end).step_by(usize::try_from(step).ok()?) {
            values |= 1 << value;
        }
    }
    Some((values, star))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    // 2025-11-08 is a Saturday.
    #[rstest]
    #[case("0 * * * *", "2025-11-08T00:00:00Z", "2025-11-08T01:00:00Z")]
    #[case("0 * * * *", "2025-11-07T23:59:59.9Z", "2025-11-08T00:00:00Z")]
    #[case("@hourly", "2025-11-08T00:59:59Z", "2025-11-08T01:00:00Z")]
    #[case("@yearly", "2025-11-08T00:00:00Z", "2026-01-01T00:00:00Z")]
    #[case("@weekly", "2025-11-08T00:00:00Z", "2025-11-09T00:00:00Z")]
    #[case("*/15 * * * *", "2025-11-08T00:46:00Z", "2025-11-08T01:00:00Z")]
    #[case("5/20 * * * *", "2025-11-08T00:26:00Z", "2025-11-08T00:45:00Z")]
    #[case("10-20/5,,40 * * * *", "2025-11-08T00:20:00Z", "2025-11-08T00:40:00Z")]
    #[case("30 2 1 JAN *", "2025-11-08T00:00:00Z", "2026-01-01T02:30:00Z")]
    #[case("0 0 ? * Mon-Fri", "2025-11-08T00:00:00Z", "2025-11-10T00:00:00Z")]
    #[case::either_day("0 0 13 * 5", "2025-11-08T00:00:00Z", "2025-11-13T00:00:00Z")]
    #[case::star_is_both_days("0 0 1,* * 5", "2025-11-08T00:00:00Z", "2025-11-14T00:00:00Z")]
    #[case::a_step_is_no_star("0 0 */2 * 5", "2025-11-08T00:00:00Z", "2025-11-09T00:00:00Z")]
    #[case::a_step_of_one_is("0 0 */1 * 5", "2025-11-08T00:00:00Z", "2025-11-14T00:00:00Z")]
    #[case("0 0 29 2 *", "2025-11-08T00:00:00Z", "2028-02-29T00:00:00Z")]
    #[case::from_when_it_is_asked("@every 90s", "2025-11-08T00:00:00.5Z", "2025-11-08T00:01:30Z")]
    #[case::a_second_at_least("@every 10ms", "2025-11-08T00:00:00Z", "2025-11-08T00:00:01Z")]
    fn a_schedule_fires_next_as_robfigs_does(
        #[case] schedule: &str,
        #[case] after: Timestamp,
        #[case] expected: Timestamp,
    ) {
        let schedule = Schedule::parse(schedule).unwrap();
        assert_eq!(schedule.next(after), Some(expected));
    }

    #[test]
    fn a_day_that_never_comes_is_not_searched_for_ever() {
        let schedule = Schedule::parse("0 0 31 2 *").unwrap();
        assert_eq!(schedule.next(Timestamp::UNIX_EPOCH), None);
        let nothing = Schedule::parse(", * * * *").unwrap();
        assert_eq!(nothing.next(Timestamp::UNIX_EPOCH), None);
        let late = Schedule::parse("0 0 1 1 *").unwrap();
        assert_eq!(late.next(Timestamp::MAX), None);
    }

    #[rstest]
    #[case("")]
    #[case("not-a-cron")]
    #[case("* * * *")]
    #[case("* * * * * *")]
    #[case("0 0 0 * *")]
    #[case("60 * * * *")]
    #[case("* * * * 7")]
    #[case("* * * * mon-foo")]
    #[case("*/0 * * * *")]
    #[case("*/2/2 * * * *")]
    #[case("5-1 * * * *")]
    #[case("1-2-3 * * * *")]
    #[case("@every soon")]
    #[case("@every 1d")]
    #[case("@never")]
    fn a_malformed_schedule_is_none(#[case] schedule: &str) {
        assert!(Schedule::parse(schedule).is_none());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_time_goes_forward(
            text in "([0-9*?/,a-z-]{1,4} ){4}[0-9*]{1,2}|@?[0-9*/,a-z@ -]{0,20}",
            second in -62_135_596_800_i64..253_402_207_200,
        ) {
            if let Some(schedule) = Schedule::parse(&text) {
                let after = Timestamp::from_second(second).unwrap();
                prop_assert!(schedule.next(after).is_none_or(|next| next > after));
            }
        }
    }
}
