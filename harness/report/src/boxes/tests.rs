//! Which events tick which boxes.

use rotaproof_events::Location;
use rstest::rstest;

use super::*;

fn started(tag: &str) -> Event {
    let vault = |name: &str, kind: &str| DeclaredVault {
        name: name.into(),
        kind: kind.into(),
    };
    Event::ScenarioStarted {
        title: "All boxes at once: AWS, Azure, rotation".into(),
        file: "a.scenario.yaml".into(),
        tags: vec![tag.into()],
        vaults: vec![
            vault("aws", "AWS Secrets Manager"),
            vault("kv", "Azure Key Vault"),
        ],
    }
}

fn step(verb: &str) -> Event {
    Event::StepStarted {
        location: Location {
            file: "a".into(),
            line: 1,
            column: 1,
        },
        verb: verb.into(),
        summary: String::new(),
    }
}

fn written(operation: &str, current: &str) -> Event {
    Event::VaultWritten {
        secret: "aws/prod/db".into(),
        operation: operation.into(),
        current: Some(current.into()),
    }
}

fn held(value: &str) -> Vec<Held> {
    vec![Held {
        place: "password".into(),
        value: value.into(),
    }]
}

fn secret(value: &str) -> Event {
    Event::SecretChanged {
        secret: "team/db".into(),
        holds: held(value),
    }
}

fn pod(value: &str) -> Event {
    Event::PodReported {
        pod: "after".into(),
        holds: held(value),
    }
}

fn failing() -> Event {
    Event::ConditionChanged {
        object: "ExternalSecret team/db".into(),
        status: "False".into(),
        reason: "SecretSyncedError".into(),
        message: String::new(),
    }
}

fn finished(verdict: Verdict) -> Event {
    Event::ScenarioFinished {
        verdict,
        failure: None,
        requests: 0,
        wall_took_us: 0,
    }
}

/// The titles that are ticked after a scenario of these events, one second apart.
fn ticked(events: Vec<Event>, verdict: Verdict) -> Vec<&'static str> {
    let boxes = follow(started(TAG), events, verdict);
    let shown = boxes.shown().into_iter();
    shown
        .filter(|shown| shown.proof.is_ok())
        .map(|shown| shown.title)
        .collect()
}

fn follow(start: Event, events: Vec<Event>, verdict: Verdict) -> Boxes {
    let mut boxes = Boxes::default();
    let all = [start].into_iter().chain(events).chain([finished(verdict)]);
    for (second, event) in (0..).zip(all) {
        boxes.take(&Record {
            scenario: Some(0),
            at_us: second * 1_000_000,
            wall_us: 0,
            event,
        });
    }
    boxes
}

fn rotation() -> Vec<Event> {
    vec![
        written("put-value", "v2"),
        secret("v2 of aws/prod/db#password"),
        pod("v2 of aws/prod/db#password"),
    ]
}

const AWS: &str = "Test with AWS Secrets Manager";
const REFRESH: &str = "Verify automatic refresh";
const ROTATION: &str = "Test secret rotation";

#[rstest]
#[case::a_rotation_to_a_pod(rotation(), &[AWS, REFRESH, ROTATION])]
#[case::nothing_happened(vec![], &[])]
#[case::synced_and_read_only(vec![secret("v1 of aws/prod/db"), pod("v1 of aws/prod/db")], &[AWS])]
#[case::of_another_vault(vec![pod("v1 of kv/db")], &["Test with Azure Key Vault"])]
#[case::a_value_of_no_vault(vec![pod("a value that no vault wrote (abc)")], &[])]
#[case::a_pod_that_sees_the_old_one(
    vec![written("staged", "v2"), secret("v2 of aws/prod/db"), pod("v1 of aws/prod/db")], &[AWS, REFRESH])]
#[case::forced(
    vec![written("put-value", "v2"), step("force-sync"), secret("v2 of aws/prod/db"), pod("v2 of aws/prod/db")], &[AWS, ROTATION])]
#[case::retried(
    vec![written("put-value", "v2"), failing(), secret("v2 of aws/prod/db")], &[])]
#[case::waited_for(
    vec![written("put-value", "v2"), step("expect"), secret("v2 of aws/prod/db")], &[REFRESH])]
#[case::forced_before(
    vec![step("force-sync"), written("put-value", "v2"), secret("v2 of aws/prod/db")], &[REFRESH])]
#[case::a_write_is_no_rotation(
    vec![written("write", "v2"), secret("v2 of aws/prod/db"), pod("v2 of aws/prod/db")], &[AWS])]
#[case::of_another_secret(
    vec![written("put-value", "v2"), secret("v2 of aws/prod/db2"), pod("v2 of aws/prod/db2")], &[AWS])]
#[case::rolled_back_to_a_value_with_two_names(
    vec![written("roll-back", "v3"), secret("v1 = v3 of aws/prod/db")], &[REFRESH])]
#[case::a_pod_before_the_secret(
    vec![written("roll-back", "v1"), pod("v1 of aws/prod/db")], &[AWS])]
fn only_what_was_followed_ticks_a_box(#[case] events: Vec<Event>, #[case] titles: &[&str]) {
    assert_eq!(ticked(events, Verdict::Passed), titles);
}

#[rstest]
fn a_scenario_that_did_not_pass_ticks_nothing(
    #[values(
        Verdict::Failed,
        Verdict::Errored,
        Verdict::Skipped,
        Verdict::Interrupted
    )]
    verdict: Verdict,
) {
    assert!(ticked(rotation(), verdict).is_empty());
}

#[test]
fn a_run_that_does_not_serve_the_record_has_no_boxes() {
    assert!(
        follow(started("mine"), rotation(), Verdict::Passed)
            .shown()
            .is_empty()
    );
}

#[test]
fn a_box_says_what_proved_it_or_what_would() {
    let boxes = follow(started(TAG), rotation(), Verdict::Passed);
    let shown = boxes.shown();
    let texts: Vec<String> = shown
        .iter()
        .map(|shown| match &shown.proof {
            Ok(proof) => format!("[x] {}: {proof}", shown.title),
            Err(open) => format!("[ ] {}: {open}", shown.title),
        })
        .collect();
    let expected = [
        "[x] Test with AWS Secrets Manager: pod after sees v2 of aws/prod/db#password (a.scenario.yaml)",
        "[ ] Test with Azure Key Vault: a pod that sees one of its values",
        "[ ] Test with GCP Secret Manager: a pod that sees one of its values",
        "[ ] Test with HashiCorp Vault: a pod that sees one of its values",
        "[ ] Test with 1Password: a pod that sees one of its values",
        "[x] Verify automatic refresh: v2 of aws/prod/db reached Secret team/db by itself, 1s after it was written (a.scenario.yaml)",
        "[x] Test secret rotation: v2 of aws/prod/db reached pod after, 2s after it was written (a.scenario.yaml)",
    ];
    assert_eq!(texts, expected);
}
