//! `--refresh`: what is written as an hour takes seconds, and means the same.

use std::time::Duration;

use rotaproof_cluster::Embedded;
use rotaproof_events::{Event, Verdict};

use super::{Played, on_a_vault, play};

/// A rotation that takes longer than a minute and at most an interval, where the interval is an hour.
fn rotation(within: &str) -> String {
    on_a_vault(&format!(
        "steps:
  - apply: MANIFESTS/cluster.yaml
  - apply: MANIFESTS/store.yaml
  - expect: {{ store: hashicorp-vault, ready: Valid, within: 10s }}
  - apply: MANIFESTS/externalsecret.yaml
  - apply: MANIFESTS/externalsecret.yaml
  - expect: {{ secret: notebook-validation/git-credentials, is: current, within: 10s }}
  - rotate: {{ secret: vault/secret/git/credentials }}
  - expect: {{ secret: notebook-validation/git-credentials, is: current, within: {within} }}
  - advance: 1 refresh"
    ))
}

fn shortened(played: &Played) -> Vec<(&str, &str)> {
    let shortened = played.events().filter_map(|event| match event {
        Event::RefreshShortened { from, to } => Some((from.as_str(), to.as_str())),
        _ => None,
    });
    shortened.collect()
}

#[test]
fn a_refresh_is_as_long_as_the_run_says() {
    let played = play(
        &rotation("1 refresh + 10s"),
        Embedded,
        Some(Duration::from_secs(2)),
    )
    .passed();
    assert_eq!(played.outcomes().last(), Some(&"2s passed"));
    assert_eq!(
        shortened(&played),
        [("1h", "2s")],
        "told once, though applied twice"
    );
}

#[test]
fn a_refresh_is_as_long_as_the_manifest_says_unless_the_run_says_otherwise() {
    let played = play(&rotation("1 refresh + 10s"), Embedded, None).passed();
    assert_eq!(played.outcomes().last(), Some(&"1h0m0s passed"));
    let measured = played.events().any(|event| {
        matches!(
            event,
            Event::RunFinished {
                wall_detection: Some(_),
                ..
            }
        )
    });
    assert!(!measured, "nothing lags in virtual time");
    assert_eq!(shortened(&played), []);
}

#[test]
fn nothing_but_the_interval_makes_a_rotation_arrive_sooner() {
    let plain = "10s";
    let played = play(&rotation(plain), Embedded, Some(Duration::from_secs(2)));
    assert_eq!(played.verdict, Verdict::Passed);
    let played = play(&rotation(plain), Embedded, None);
    assert_eq!(played.verdict, Verdict::Failed);
}
