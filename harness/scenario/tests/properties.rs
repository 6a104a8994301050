//! What must hold of any input: no panic, no endless work, and texts that survive a round trip.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use rotaproof_scenario::{Budget, Period, Stretch, ValueRef, VersionName, parse};

/// Reads the input and renders whatever is said of it.
fn survives(bytes: &[u8]) {
    if let Err(diagnostics) = parse(Path::new("a.scenario.yaml"), bytes) {
        for one in diagnostics.iter() {
            assert!(!one.message.is_empty());
            assert_eq!(one.render(false).is_empty(), one.render(true).is_empty());
        }
    }
}

/// Pieces of scenario files, so that random texts get past the first line.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("scenario: T\n".to_owned()),
        Just("steps:\n".to_owned()),
        Just("  - expect: { secret: a/b, is: current, within: 1 refresh }\n".to_owned()),
        Just("  - fault: { vault: a, status: 503 }\n".to_owned()),
        Just("  - rotate:\n      secret: a/b\n".to_owned()),
        Just("matrix: { a: [1, 2] }\n".to_owned()),
        Just(
            "vaults: { a: { kind: aws-secrets-manager, secrets: { b: { generate: text } } } }\n"
                .to_owned()
        ),
        Just("${a}".to_owned()),
        Just("&a ".to_owned()),
        Just("*a".to_owned()),
        Just("\u{e9}\u{1F600}".to_owned()),
        "[ \t\n:{}\\[\\],&*#?|<>=!%@'\"a-z0-9-]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        survives(&bytes);
    }

    #[test]
    fn no_text_made_of_pieces_makes_it_panic(pieces in proptest::collection::vec(piece(), 0..24)) {
        survives(pieces.concat().as_bytes());
    }

    #[test]
    fn a_cut_off_scenario_does_not_make_it_panic(at in 0usize..6000) {
        let text = include_bytes!("files/everything.scenario.yaml");
        survives(&text[..at.min(text.len())]);
    }

    #[test]
    fn a_budget_survives_a_round_trip(refreshes in 0u32..1000, quarters in 0u8..4, millis in 0u64..400_000_000) {
        let budget = Budget {
            refreshes: f64::from(refreshes) + f64::from(quarters) / 4.0,
            extra: Duration::from_millis(millis),
        };
        prop_assert_eq!(budget.to_string().parse::<Budget>(), Ok(budget));
    }

    #[test]
    fn a_stretch_survives_a_round_trip(quarters in 0u8..40, millis in 0u64..400_000_000, which in 0u8..3) {
        let extra = Duration::from_millis(millis);
        let stretch = match which {
            0 => Stretch::Budget(Budget { refreshes: f64::from(quarters) / 4.0, extra }),
            1 => Stretch::Exactly(extra),
            _ => Stretch::UntilRefresh,
        };
        prop_assert_eq!(stretch.to_string().parse::<Stretch>(), Ok(stretch));
    }

    #[test]
    fn a_budget_is_a_stretch(text in "[0-9.]{1,4} ?(refresh|refreshes|s|m|h)?( ?\\+ ?[0-9]{1,3}(s|ms|h))?") {
        prop_assert_eq!(text.parse::<Stretch>().ok(), text.parse::<Budget>().ok().map(Stretch::Budget));
    }

    #[test]
    fn a_duration_survives_a_round_trip(millis in 0u64..400_000_000_000) {
        let period = Period(Duration::from_millis(millis));
        prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
    }

    #[test]
    fn a_value_reference_survives_a_round_trip(
        text in "[a-z]{1,8}/[a-z/]{0,8}[a-z@.]{0,4}[a-z](#[a-z_.]{1,8})?@(current|previous|initial|v[1-9][0-9]?)",
    ) {
        let value: ValueRef = text.parse().unwrap();
        prop_assert_eq!(value.to_string(), text);
    }

    #[test]
    fn no_text_makes_a_small_type_panic(text in ".{0,40}") {
        let _ = (text.parse::<Budget>().is_ok(), text.parse::<Period>().is_ok());
        let _ = (text.parse::<Stretch>().is_ok(), format!("exactly {text}").parse::<Stretch>().is_ok());
        let _ = (text.parse::<ValueRef>().is_ok(), text.parse::<VersionName>().is_ok());
    }
}
