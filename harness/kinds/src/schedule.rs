//! Schedules as robfig/cron v3.0.1 reads them (`ParseStandard`) and when they fire next (`parser.go`, `spec.go`,
//! `constantdelay.go`): the library of Kubernetes' CronJobs and of ESO's sync windows.

use std::str::FromStr;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};

use crate::GoDuration;

/// Calendar years after which the search for a firing ends.
const YEARS: i16 = 5;
/// The bit of a field that says `*`: alone or among others, but not `*/2`.
const STAR: u64 = 1 << 63;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something happens again and again: five fields (minute, hour, day of month, month, day of week from Sunday,
/// which is 0), a descriptor such as `@daily`, or `@every` and a Go duration. `TZ=` or `CRON_TZ=`, a zone and a space
/// may stand before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    zone: Option<TimeZone>,
    rule: Rule,
}

/// Why a text is not a schedule, in robfig/cron's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// At the minutes that all fields allow.
    Fields(Fields),
    /// One delay after whenever it is asked.
    Every(SignedDuration),
}

/// A bit for each value that a field allows, and [`STAR`].
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

impl Schedule {
    /// The first firing after this moment; nothing where five calendar years hold none.
    ///
    /// Fields are compared with what the clock shows in `zone`, unless the schedule names its own: a time that a
    /// clock change skips does not happen, one that it repeats happens twice. `@every` counts from `after`, without
    /// its part of a second, and for at least a second.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let before = i64::from(after.subsec_nanosecond() < 0);
        let second = Timestamp::from_second(after.as_second() - before).ok()?;
        match &self.rule {
            Rule::Every(delay) => second.checked_add(*delay).ok(),
            Rule::Fields(fields) => fields.first_from(
                second.checked_add(SignedDuration::from_secs(1)).ok()?,
                self.zone.as_ref().unwrap_or(zone),
            ),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return refuse("empty spec string");
        }
        let named = text
            .strip_prefix("TZ=")
            .or_else(|| text.strip_prefix("CRON_TZ="));
        let Some(named) = named else {
            let rule = text.parse()?;
            return Ok(Self { zone: None, rule });
        };
        let (name, rest) = named.split_once(' ').unwrap_or((named, ""));
        let zone = match name {
            "" => TimeZone::UTC,
            name => TimeZone::get(name)
                .or_else(|error| refuse(format!("provided bad location {name}: {error}")))?,
        };
        Ok(Self {
            zone: Some(zone),
            rule: rest.trim().parse()?,
        })
    }
}

impl FromStr for Rule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(delay) = text.strip_prefix("@every ") {
            let delay: GoDuration = delay
                .parse()
                .or_else(|error| refuse(format!("failed to parse duration {text}: {error}")))?;
            let seconds = i64::try_from(delay.to_std().as_secs()).unwrap_or(i64::MAX);
            return Ok(Self::Every(SignedDuration::from_secs(seconds.max(1))));
        }
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other if other.starts_with('@') => {
                return refuse(format!("unrecognized descriptor: {other}"));
            }
            fields => fields,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return refuse(format!(
                "expected exactly 5 fields, found {}: [{}]",
                fields.len(),
                fields.join(" ")
            ));
        };
        Ok(Self::Fields(Fields {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 0, 6, &WEEKDAYS)?,
        }))
    }
}

impl Fields {
    /// The first firing at this whole second or later. Between two clock changes the zone's clock simply runs, so
    /// each such span is searched on its own.
    fn first_from(&self, mut from: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        // A field of nothing but commas allows nothing.
        if self.minutes == 0 || self.hours == 0 {
            return None;
        }
        let last = zone.to_datetime(from).year().checked_add(YEARS)?;
        loop {
            let offset = zone.to_offset(from);
            let change = zone.following(from).next().map(|next| next.timestamp());
            let end = change.map_or(DateTime::MAX, |change| offset.to_datetime(change));
            let start = offset.to_datetime(from);
            if start.year() > last {
                return None;
            }
            if let Some(found) = self.first_within(start, end, last) {
                return offset.to_timestamp(found).ok();
            }
            from = change?;
        }
    }

    fn first_within(&self, start: DateTime, end: DateTime, last: i16) -> Option<DateTime> {
        let mut at = start.with().second(0).build().ok()?;
        if at < start {
            at = step(at, 1.minute())?;
        }
        while at < end && at.year() <= last {
            let midnight = DateTime::from_parts(at.date(), Time::midnight());
            if !has(self.months, at.month()) {
                at = step(midnight.first_of_month(), 1.month())?;
            } else if !self.has_day(at) {
                at = step(midnight, 1.day())?;
            } else if !has(self.hours, at.hour()) {
                at = step(at.with().minute(0).build().ok()?, 1.hour())?;
            } else if !has(self.minutes, at.minute()) {
                at = step(at, 1.minute())?;
            } else {
                return Some(at);
            }
        }
        None
    }

    /// A day has to be right by both its number and its weekday where either says `*`, and by one of them otherwise.
    fn has_day(&self, at: DateTime) -> bool {
        let day = has(self.days, at.day());
        let weekday = has(self.weekdays, at.weekday().to_sunday_zero_offset());
        if (self.days | self.weekdays) & STAR != 0 {
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

fn refuse<T>(why: impl Into<String>) -> Result<T, ScheduleError> {
    Err(ScheduleError(why.into()))
}

/// The values of a field: ranges between commas.
fn field(text: &str, low: u64, high: u64, names: &[&str]) -> Result<u64, ScheduleError> {
    let mut values = 0;
    for part in text.split(',').filter(|part| !part.is_empty()) {
        values |= range(part, low, high, names)?;
    }
    Ok(values)
}

/// `5`, `5-10`, `*` or `?`, and perhaps a step: `*/15`; `5/10` runs to the end of the field.
fn range(text: &str, low: u64, high: u64, names: &[&str]) -> Result<u64, ScheduleError> {
    let (range, step) = match text.split_once('/') {
        Some((_, step)) if step.contains('/') => {
            return refuse(format!("too many slashes: {text}"));
        }
        Some((range, step)) => (range, Some(number(step)?)),
        None => (text, None),
    };
    let value = |text: &str| match names
        .iter()
        .zip(low..)
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
    {
        Some((_, value)) => Ok(value),
        None => number(text),
    };
    let (first, second) = match range.split_once('-') {
        Some((first, second)) => (first, Some(second)),
        None => (range, None),
    };
    let all = first == "*" || first == "?";
    let (start, end) = match second {
        // Whatever follows `*-` is not looked at.
        _ if all => (low, high),
        Some(second) if second.contains('-') => return refuse(format!("too many hyphens: {text}")),
        Some(second) => (value(first)?, value(second)?),
        None if step.is_some() => (value(first)?, high),
        None => (value(first)?, value(first)?),
    };
    let step = step.unwrap_or(1);
    if start < low {
        return refuse(format!(
            "beginning of range ({start}) below minimum ({low}): {text}"
        ));
    }
    if end > high {
        return refuse(format!(
            "end of range ({end}) above maximum ({high}): {text}"
        ));
    }
    if start > end {
        return refuse(format!(
            "beginning of range ({start}) beyond end of range ({end}): {text}"
        ));
    }
    if step == 0 {
        return refuse(format!("step of range should be a positive number: {text}"));
    }
    let star = if all && step == 1 { STAR } else { 0 };
    let values = (start..=end).filter(|value| (value - start).is_multiple_of(step));
    Ok(values.fold(star, |values, value| values | 1 << value))
}

fn number(text: &str) -> Result<u64, ScheduleError> {
    match text.parse::<i64>() {
        Ok(number) => u64::try_from(number)
            .or_else(|_| refuse(format!("negative number ({number}) not allowed: {text}"))),
        Err(error) => refuse(format!("failed to parse int from {text}: {error}")),
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
