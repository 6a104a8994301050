//! How the record's boxes read on a terminal and in JUnit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rotaproof_events::{Counts, DeclaredVault, Event, Held, Record, Verdict};
use rotaproof_report::{JUnit, Progress, Report, Terminal};

/// A run of one scenario, in which a rotated value reached a pod.
fn records(tag: &str) -> Vec<Record> {
    let held = || {
        vec![Held {
            place: "password".into(),
            value: "v2 of op/production/db#password".into(),
        }]
    };
    let events = [
        Event::RunStarted {
            version: "1.2.3".into(),
            lane: "embedded".into(),
            seed: 7,
            scenarios: 1,
            wall_started: "2025-11-08T00:00:00Z".into(),
        },
        Event::ScenarioStarted {
            title: "T".into(),
            file: "a.scenario.yaml".into(),
            tags: vec![tag.into()],
            vaults: vec![DeclaredVault {
                name: "op".into(),
                kind: "1Password Connect".into(),
            }],
        },
        Event::VaultWritten {
            secret: "op/production/db".into(),
            operation: "patch".into(),
            current: Some("v2".into()),
        },
        Event::SecretChanged {
            secret: "team/db".into(),
            holds: held(),
        },
        Event::PodReported {
            pod: "after".into(),
            holds: held(),
        },
        Event::ScenarioFinished {
            verdict: Verdict::Passed,
            failure: None,
            requests: 4,
            wall_took_us: 1_000,
        },
        Event::RunFinished {
            counts: Counts {
                passed: 1,
                ..Counts::default()
            },
            wall_took_us: 1_000,
            wall_detection: None,
        },
    ];
    (0..)
        .zip(events)
        .map(|(second, event)| Record {
            scenario: None,
            at_us: second * 1_000_000,
            wall_us: 0,
            event,
        })
        .collect()
}

fn terminal(tag: &str) -> String {
    let mut terminal = Terminal::new(Vec::new(), Progress::none());
    for record in records(tag) {
        terminal.record(&record).unwrap();
    }
    let text = String::from_utf8(terminal.written().clone()).unwrap();
    anstream::adapter::strip_str(&text).to_string()
}

fn junit(tag: &str) -> String {
    let mut text = Vec::new();
    let mut junit = JUnit::new(&mut text);
    for record in records(tag) {
        junit.record(&record).unwrap();
    }
    drop(junit);
    String::from_utf8(text).unwrap()
}

#[test]
fn on_a_terminal_each_box_has_a_line_before_the_summary() {
    let expected = "
Phase 2 of the record, as far as this run has proven it
  [ ] Test with AWS Secrets Manager  open: a pod that sees one of its values would prove it
  [ ] Test with Azure Key Vault      open: a pod that sees one of its values would prove it
  [ ] Test with GCP Secret Manager   open: a pod that sees one of its values would prove it
  [ ] Test with HashiCorp Vault      open: a pod that sees one of its values would prove it
  [x] Test with 1Password            pod after sees v2 of op/production/db#password (a.scenario.yaml)
  [x] Verify automatic refresh       v2 of op/production/db reached Secret team/db by itself, 1s after it was written (a.scenario.yaml)
  [x] Test secret rotation           v2 of op/production/db reached pod after, 2s after it was written (a.scenario.yaml)

1 passed, 0 failed in 1ms, 4 requests to vaults, 5s of virtual time
";
    let text = terminal("seed");
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn in_junit_an_open_box_is_a_skipped_case() {
    let text = junit("seed");
    let suite =
        r#"<testsuite name="Phase 2 of the record" tests="7" skipped="4" errors="0" failures="0">"#;
    assert!(text.contains(suite), "{text}");
    let open = r#"<skipped message="open: a pod that sees one of its values would prove it"/>"#;
    assert_eq!(text.matches(open).count(), 4, "{text}");
    let proof = "<system-out>v2 of op/production/db reached pod after, 2s after it was written (a.scenario.yaml)</system-out>";
    assert!(text.contains(proof), "{text}");
}

#[test]
fn a_run_that_does_not_serve_the_record_tells_of_no_box() {
    assert!(!terminal("mine").contains("record"));
    assert!(!junit("mine").contains("record"));
}
