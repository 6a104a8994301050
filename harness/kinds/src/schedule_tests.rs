use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn next(schedule: &str, after: &str, zone: &str) -> String {
    let schedule: Schedule = schedule.parse().unwrap();
    let zone = TimeZone::get(zone).unwrap();
    schedule
        .next(after.parse().unwrap(), &zone)
        .map_or("never".into(), |at| at.to_string())
}

// 2025-11-08 is a Saturday.
#[rstest]
#[case("0 * * * *", "2025-11-08T00:00:00Z", "2025-11-08T01:00:00Z")]
#[case("0 * * * *", "2025-11-07T23:59:59.9Z", "2025-11-08T00:00:00Z")]
#[case("@hourly", "2025-11-08T00:59:59Z", "2025-11-08T01:00:00Z")]
#[case("@yearly", "2025-11-08T00:00:00Z", "2026-01-01T00:00:00Z")]
#[case("@annually", "2025-11-08T00:00:00Z", "2026-01-01T00:00:00Z")]
#[case("@monthly", "2025-11-08T00:00:00Z", "2025-12-01T00:00:00Z")]
#[case("@weekly", "2025-11-08T00:00:00Z", "2025-11-09T00:00:00Z")]
#[case("@daily", "2025-11-08T00:00:00Z", "2025-11-09T00:00:00Z")]
#[case("@midnight", "2025-11-08T00:00:00Z", "2025-11-09T00:00:00Z")]
#[case("*/15 * * * *", "2025-11-08T00:46:00Z", "2025-11-08T01:00:00Z")]
#[case("5/20 * * * *", "2025-11-08T00:26:00Z", "2025-11-08T00:45:00Z")]
#[case("10-20/5,,40 * * * *", "2025-11-08T00:20:00Z", "2025-11-08T00:40:00Z")]
#[case("*-7 * * * *", "2025-11-08T00:20:00Z", "2025-11-08T00:21:00Z")]
#[case("30 2 1 jan *", "2025-11-08T00:00:00Z", "2026-01-01T02:30:00Z")]
#[case("30 2 1 JAN *", "2025-11-08T00:00:00Z", "2026-01-01T02:30:00Z")]
#[case("0 0 * * mon-fri", "2025-11-08T00:00:00Z", "2025-11-10T00:00:00Z")]
#[case("0 0 ? * Mon-Fri", "2025-11-08T00:00:00Z", "2025-11-10T00:00:00Z")]
#[case::either_day("0 0 13 * 5", "2025-11-08T00:00:00Z", "2025-11-13T00:00:00Z")]
#[case::star_is_both_days("0 0 1,* * 5", "2025-11-08T00:00:00Z", "2025-11-14T00:00:00Z")]
#[case::a_step_is_no_star("0 0 */2 * 5", "2025-11-08T00:00:00Z", "2025-11-09T00:00:00Z")]
#[case::a_step_of_one_is("0 0 */1 * 5", "2025-11-08T00:00:00Z", "2025-11-14T00:00:00Z")]
#[case("0 0 29 2 *", "2025-11-08T00:00:00Z", "2028-02-29T00:00:00Z")]
#[case::in_the_fifth_year("0 0 29 2 *", "2099-01-01T00:00:00Z", "2104-02-29T00:00:00Z")]
#[case::after_the_fifth_year("0 0 29 2 *", "2098-12-31T00:00:00Z", "never")]
#[case::the_year_of_the_next_second("0 0 29 2 *", "2098-12-31T23:59:59.5Z", "2104-02-29T00:00:00Z")]
#[case("0 0 31 2 *", "2025-11-08T00:00:00Z", "never")]
#[case::from_when_it_is_asked("@every 90s", "2025-11-08T00:00:00.5Z", "2025-11-08T00:01:30Z")]
#[case::before_the_epoch("@every 90s", "1969-12-31T23:50:00.5Z", "1969-12-31T23:51:30Z")]
#[case::go_duration("@every 1h0m1.5s", "2025-11-08T00:00:00Z", "2025-11-08T01:00:01Z")]
#[case::a_second_at_least("@every 10ms", "2025-11-08T00:00:00Z", "2025-11-08T00:00:01Z")]
fn a_schedule_fires_next_as_robfigs_does(
    #[case] schedule: &str,
    #[case] after: &str,
    #[case] expected: &str,
) {
    assert_eq!(next(schedule, after, "UTC"), expected);
}

#[test]
fn a_day_that_never_comes_is_not_searched_for_ever() {
    let next = |schedule: &str, after| {
        let schedule: Schedule = schedule.parse().unwrap();
        schedule.next(after, &TimeZone::UTC)
    };
    assert_eq!(next("0 0 31 2 *", Timestamp::UNIX_EPOCH), None);
    assert_eq!(next(", * * * *", Timestamp::UNIX_EPOCH), None);
    assert_eq!(next("* * * , *", Timestamp::UNIX_EPOCH), None);
    assert_eq!(next("0 0 1 1 *", Timestamp::MAX), None);
}

// Europe/Berlin goes from 02:00 to 03:00 on 29 March 2026 and from 03:00 to 02:00 on 25 October 2026.
#[rstest]
#[case("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z")]
#[case("30 3 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z")]
#[case("0 * * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z")]
fn a_time_that_the_clock_change_skips_does_not_happen(
    #[case] schedule: &str,
    #[case] after: &str,
    #[case] expected: &str,
) {
    assert_eq!(next(schedule, after, "Europe/Berlin"), expected);
}

#[rstest]
#[case("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z")]
#[case("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]
#[case("30 2 * * *", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z")]
#[case("30 2 25 10 *", "2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z")]
#[case("0 * * * *", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z")]
#[case("0 * * * *", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z")]
fn a_time_that_the_clock_change_repeats_happens_twice(
    #[case] schedule: &str,
    #[case] after: &str,
    #[case] expected: &str,
) {
    assert_eq!(next(schedule, after, "Europe/Berlin"), expected);
}

// America/Sao_Paulo goes from 00:00 to 01:00 on 4 November 2018.
#[rstest]
#[case("0 9 10 * *", "2018-10-17T09:00:00Z", "2018-11-10T11:00:00Z")]
#[case("0 0 * * *", "2018-11-03T12:00:00Z", "2018-11-05T02:00:00Z")]
#[case("0 1 4 * *", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z")]
fn a_day_without_midnight_is_a_day(
    #[case] schedule: &str,
    #[case] after: &str,
    #[case] expected: &str,
) {
    assert_eq!(next(schedule, after, "America/Sao_Paulo"), expected);
}

#[rstest]
#[case(
    "TZ=Asia/Tokyo 0 9 * * *",
    "2025-11-08T00:00:00Z",
    "2025-11-09T00:00:00Z"
)]
#[case(
    "CRON_TZ=Asia/Tokyo  @daily",
    "2025-11-08T00:00:00Z",
    "2025-11-08T15:00:00Z"
)]
#[case("TZ= @daily", "2025-11-08T00:00:00Z", "2025-11-09T00:00:00Z")]
fn the_zone_that_a_schedule_names_is_the_one_that_counts(
    #[case] schedule: &str,
    #[case] after: &str,
    #[case] expected: &str,
) {
    assert_eq!(next(schedule, after, "Europe/Berlin"), expected);
}

#[rstest]
#[case("", "empty spec string")]
#[case("not-a-cron", "expected exactly 5 fields, found 1: [not-a-cron]")]
#[case("* * * *", "expected exactly 5 fields, found 4: [* * * *]")]
#[case("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]")]
#[case("0 0 0 * *", "beginning of range (0) below minimum (1): 0")]
#[case("60 * * * *", "end of range (60) above maximum (59): 60")]
#[case("* * * * 7", "end of range (7) above maximum (6): 7")]
#[case("* * * * mon-foo", "failed to parse int from foo: ")]
#[case("*/0 * * * *", "step of range should be a positive number: */0")]
#[case("*/-1 * * * *", "negative number (-1) not allowed: -1")]
#[case("*/2/2 * * * *", "too many slashes: */2/2")]
#[case("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1")]
#[case("1-2-3 * * * *", "too many hyphens: 1-2-3")]
#[case(
    "@every soon",
    r#"failed to parse duration @every soon: time: invalid duration "soon""#
)]
#[case(
    "@every 1d",
    r#"failed to parse duration @every 1d: time: unknown unit "d" in duration "1d""#
)]
#[case("@never", "unrecognized descriptor: @never")]
#[case("@daily ", "unrecognized descriptor: @daily ")]
#[case("TZ=Nowhere 0 * * * *", "provided bad location Nowhere: ")]
#[case("TZ=UTC", "expected exactly 5 fields, found 0: []")]
fn a_malformed_schedule_is_refused_in_robfigs_words(#[case] schedule: &str, #[case] why: &str) {
    let error = schedule.parse::<Schedule>().unwrap_err().to_string();
    assert!(error.starts_with(why), "{error}");
    assert!(why.ends_with(": ") || error == why, "{error}");
}

proptest! {
    #[test]
    fn no_text_panics_and_time_goes_forward(
        text in "([0-9*?/,a-z-]{1,4} ){4}[0-9*]{1,2}|@?[0-9*/,a-z@ -]{0,20}",
        second in -62_135_596_800_i64..253_402_207_200,
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]),
    ) {
        if let Ok(schedule) = text.parse::<Schedule>() {
            let after = Timestamp::from_second(second).unwrap();
            let zone = TimeZone::get(zone).unwrap();
            prop_assert!(schedule.next(after, &zone).is_none_or(|next| next > after));
        }
    }

    /// What the search over spans finds is what asking the zone's clock minute by minute finds.
    #[test]
    fn the_next_firing_is_the_first_minute_that_the_clock_shows(
        minute in 0_u8..60,
        hour in 0_u8..24,
        start in 0_i64..(366 * 24 * 60),
        zone in prop::sample::select(vec!["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Beirut"]),
    ) {
        let schedule: Schedule = format!("{minute} {hour} * * *").parse().unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let after = Timestamp::from_second(1_262_304_000 + start * 60).unwrap();
        let shown = (1..3 * 24 * 60).find_map(|minutes| {
            let at = after.checked_add(SignedDuration::from_mins(minutes)).unwrap();
            let clock = zone.to_datetime(at);
            (clock.minute() == minute.cast_signed() && clock.hour() == hour.cast_signed()).then_some(at)
        });
        prop_assert_eq!(schedule.next(after, &zone), shown);
    }
}
