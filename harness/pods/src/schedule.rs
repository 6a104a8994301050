//! The five fields of a CronJob's schedule, as `robfig/cron` reads them for Kubernetes (`ParseStandard`):
//! where both days are restricted, either is enough; Sunday is 0; `@hourly` and the like, and `@every 10m`.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};

/// When a CronJob is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Fields(Box<Fields>),
    Every(Duration),
}

/// A bit for each value that a field allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    any_day: bool,
    any_weekday: bool,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The longest search: a date like 29 February comes back within eight years.
const YEARS: i16 = 9;

impl Schedule {
    /// Reads a schedule.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let unknown = || format!("unparseable schedule {text:?}");
        if let Some(every) = text.strip_prefix("@every ") {
            let every: SignedDuration = every.trim().parse().map_err(|_| unknown())?;
            let every = Duration::try_from(every).map_err(|_| unknown())?;
            return Ok(Self::Every(Duration::from_secs(every.as_secs().max(1))));
        }
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            text => text,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(format!(
                "{}: expected exactly 5 fields, found {}",
                unknown(),
                fields.len()
            ));
        };
        let field = |text, low, high, names| field(text, low, high, names).ok_or_else(unknown);
        let (days, any_day) = field(days, 1, 31, &[])?;
        let (weekdays, any_weekday) = field(weekdays, 0, 6, &WEEKDAYS)?;
        Ok(Self::Fields(Box::new(Fields {
            minutes: field(minutes, 0, 59, &[])?.0,
            hours: field(hours, 0, 23, &[])?.0,
            months: field(months, 1, 12, &MONTHS)?.0,
            days,
            weekdays,
            any_day,
            any_weekday,
        })))
    }

    /// The first moment after this one; nothing where there is none.
    pub(crate) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(every) => {
                let second = Timestamp::from_second(after.as_second()).ok()?;
                second.checked_add(*every).ok()
            }
            Self::Fields(fields) => fields.next(after, zone),
        }
    }
}

impl Fields {
    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let civil = zone.to_datetime(after);
        let last = civil.year().checked_add(YEARS)?;
        let mut at = civil.with().second(0).subsec_nanosecond(0).build().ok()?;
        at = step(at, 1.minute())?;
        while at.year() <= last {
            if !has(self.months, at.month()) {
                at = step(midnight(at)?.with().day(1).build().ok()?, 1.month())?;
            } else if !self.allows_day(at) {
                at = step(midnight(at)?, 1.day())?;
            } else if !has(self.hours, at.hour()) {
                at = step(at.with().minute(0).build().ok()?, 1.hour())?;
            } else if !has(self.minutes, at.minute()) {
                at = step(at, 1.minute())?;
            } else {
                // A time that a clock change skips does not happen; one that it repeats happens once.
                let moment = zone.to_ambiguous_timestamp(at).compatible().ok()?;
                if zone.to_datetime(moment) == at && moment > after {
                    return Some(moment);
                }
                at = step(at, 1.minute())?;
            }
        }
        None
    }

    fn allows_day(&self, at: DateTime) -> bool {
        let day = has(self.days, at.day());
        let weekday = has(self.weekdays, at.weekday().to_sunday_zero_offset());
        if self.any_day || self.any_weekday {
            day && weekday
        } else {
            day || weekday
        }
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits & (1 << value) != 0)
}

fn midnight(at: DateTime) -> Option<DateTime> {
    at.with().hour(0).minute(0).build().ok()
}

fn step(at: DateTime, by: Span) -> Option<DateTime> {
    at.checked_add(by).ok()
}

/// The bits of a field, and whether it allows everything.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<(u64, bool)> {
    let mut all = 0;
    let mut any = false;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (
                range,
                Some(step.parse::<u32>().ok().filter(|step| *step > 0)?),
            ),
            None => (part, None),
        };
        let (from, to) = if range == "*" || range == "?" {
            any |= step.is_none_or(|step| step == 1);
            (low, high)
        } else if let Some((from, to)) = range.split_once('-') {
            (value(from, low, names)?, value(to, low, names)?)
        } else {
            let from = value(range, low, names)?;
            (from, if step.is_some() { high } else { from })
        };
        if from < low || to > high || from > to {
            return None;
        }
        for value in (from..=to).step_by(step.unwrap_or(1) as usize) {
            all |= 1 << value;
        }
    }
    Some((all, any))
}

fn value(text: &str, low: u32, names: &[&str]) -> Option<u32> {
    let named = names
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text));
    match named {
        Some(index) => u32::try_from(index).ok().map(|index| index + low),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, after: &str, zone: &str) -> String {
        let schedule = Schedule::parse(schedule).unwrap();
        let zone = TimeZone::get(zone).unwrap();
        schedule
            .next(after.parse().unwrap(), &zone)
            .map_or("never".into(), |at| at.to_string())
    }

    #[rstest::rstest]
    #[case("0 * * * *", "2025-11-08T00:00:00Z", "2025-11-08T01:00:00Z")]
    #[case("@hourly", "2025-11-08T00:59:59Z", "2025-11-08T01:00:00Z")]
    #[case("*/15 * * * *", "2025-11-08T00:46:00Z", "2025-11-08T01:00:00Z")]
    #[case("5/20 * * * *", "2025-11-08T00:26:00Z", "2025-11-08T00:45:00Z")]
    #[case("30 2 1 jan *", "2025-11-08T00:00:00Z", "2026-01-01T02:30:00Z")]
    #[case("0 0 * * mon-fri", "2025-11-08T00:00:00Z", "2025-11-10T00:00:00Z")]
    #[case("0 0 13 * 5", "2025-11-08T00:00:00Z", "2025-11-13T00:00:00Z")]
    #[case("0 0 29 2 *", "2025-11-08T00:00:00Z", "2028-02-29T00:00:00Z")]
    #[case("0 0 31 2 *", "2025-11-08T00:00:00Z", "never")]
    #[case("@every 90s", "2025-11-08T00:00:00.5Z", "2025-11-08T00:01:30Z")]
    fn the_next_moment_is_that_of_standard_cron(
        #[case] schedule: &str,
        #[case] after: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(next(schedule, after, "UTC"), expected);
    }

    #[test]
    fn a_time_that_the_clock_change_skips_does_not_happen() {
        // Europe/Berlin goes from 02:00 to 03:00 on 29 March 2026.
        let after = "2026-03-28T12:00:00Z";
        assert_eq!(
            next("30 2 * * *", after, "Europe/Berlin"),
            "2026-03-30T00:30:00Z"
        );
        assert_eq!(
            next("30 3 * * *", after, "Europe/Berlin"),
            "2026-03-29T01:30:00Z"
        );
    }

    #[rstest::rstest]
    #[case("* * * *")]
    #[case("0 0 0 * *")]
    #[case("60 * * * *")]
    #[case("* * * * 7")]
    #[case("*/0 * * * *")]
    #[case("5-1 * * * *")]
    #[case("@every soon")]
    #[case("@never")]
    fn a_malformed_schedule_is_refused(#[case] schedule: &str) {
        assert!(Schedule::parse(schedule).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[0-9*/,a-z@ -]{0,20}") {
            if let Ok(schedule) = Schedule::parse(&text) {
                let after = "2025-11-08T00:00:00Z".parse().unwrap();
                if let Some(next) = schedule.next(after, &TimeZone::UTC) {
                    proptest::prop_assert!(next > after);
                }
            }
        }
    }
}
