//! What a scenario file may say, and how it is read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use rotaproof_scenario::model::expect::{Subject, Tense};
use rotaproof_scenario::model::step::{Action, FaultModel, HealTarget, Strategy};
use rotaproof_scenario::model::vault::Vault;
use rotaproof_scenario::model::{Body, Generator, Scenario, Value};
use rotaproof_scenario::{Budget, Period, parse};

const DESIGN: &str = include_str!("files/rotation.scenario.yaml");
const EVERYTHING: &str = include_str!("files/everything.scenario.yaml");

fn read(text: &str) -> Vec<Scenario> {
    match parse(Path::new("a.scenario.yaml"), text.as_bytes()) {
        Ok(scenarios) => scenarios
            .into_iter()
            .map(|(scenario, _)| scenario)
            .collect(),
        Err(diagnostics) => panic!("{diagnostics}"),
    }
}

#[test]
fn the_example_of_the_guide_is_read() {
    let scenarios = read(DESIGN);
    let [scenario] = scenarios.as_slice() else {
        panic!("one scenario, not {}", scenarios.len());
    };
    assert_eq!(
        scenario.scenario.value,
        "A rotated AWS secret reaches the next validation job"
    );
    assert_eq!(scenario.tags, ["seed", "aws"]);
    let verbs: Vec<_> = scenario.steps.iter().map(|step| step.verb()).collect();
    assert_eq!(
        verbs,
        [
            "apply", "expect", "start", "expect", "rotate", "expect", "expect", "expect", "start",
            "expect"
        ]
    );
    let Some(Vault::AwsSecretsManager(aws)) = scenario.vaults.get("aws") else {
        panic!("an AWS vault");
    };
    assert_eq!(
        (aws.region.as_str(), aws.account.as_str()),
        ("us-east-1", "123456789012")
    );
    let Some(Body::Fields(fields)) = aws.secrets.get("prod/notebook/aws") else {
        panic!("fields");
    };
    assert_eq!(
        fields["access_key_id"],
        Value::Generated(Generator::AwsAccessKeyId {})
    );
}

#[test]
fn every_step_knows_where_it_stands() {
    let scenario = read(DESIGN).remove(0);
    for step in &scenario.steps {
        let at = &DESIGN[step.span.start..];
        assert!(at.starts_with(step.verb()), "{} at {at:.20}", step.verb());
        let line = DESIGN.lines().nth(step.span.line - 1).unwrap();
        assert!(line[step.span.column - 1..].starts_with(step.verb()));
    }
}

#[test]
fn every_verb_and_subject_is_read() {
    let scenario = read(EVERYTHING).remove(0);
    let mut verbs: Vec<_> = scenario.steps.iter().map(|step| step.verb()).collect();
    verbs.sort_unstable();
    verbs.dedup();
    let mut all = Action::VERBS.to_vec();
    all.sort_unstable();
    assert_eq!(verbs, all);
}

#[test]
fn a_rotation_is_read_with_all_that_it_may_say() {
    let scenario = read(EVERYTHING).remove(0);
    let rotate = scenario
        .steps
        .iter()
        .find_map(|step| match &step.value {
            Action::Rotate(rotate) if rotate.name.is_some() => Some(rotate),
            _ => None,
        })
        .unwrap();
    assert_eq!(rotate.secret.vault, "aws");
    assert_eq!(rotate.secret.secret, "prod/notebook/aws");
    assert_eq!(rotate.strategy.value, Strategy::Staged);
    assert_eq!(rotate.times, 3);
    assert_eq!(
        rotate.every,
        Some(Period(std::time::Duration::from_secs(90)))
    );
}

#[test]
fn faults_and_heals_are_told_apart_by_what_they_name() {
    let scenario = read(EVERYTHING).remove(0);
    let mut models = Vec::new();
    let mut heals = Vec::new();
    for step in &scenario.steps {
        match &step.value {
            Action::Fault(fault) => models.push(match &fault.model {
                FaultModel::Latency(_) => "latency".to_owned(),
                FaultModel::Status(status) => format!(
                    "status {} {:?}",
                    status.code,
                    status.retry_after.map(|p| p.to_string())
                ),
                FaultModel::Reset(_) => "reset".to_owned(),
                FaultModel::Hang(_) => "hang".to_owned(),
            }),
            Action::Heal(heal) => heals.push(match &heal.target {
                HealTarget::Fault(name) => format!("fault {name}"),
                HealTarget::Vault(name) => format!("vault {name}"),
            }),
            _ => {}
        }
    }
    assert_eq!(
        models,
        [
            "latency",
            "status 503 None",
            "status 429 Some(\"2s\")",
            "reset",
            "hang"
        ]
    );
    assert_eq!(heals, ["fault slow", "vault aws"]);
}

#[test]
fn an_expectation_has_a_subject_and_a_tense() {
    let scenario = read(DESIGN).remove(0);
    let tenses: Vec<_> = scenario
        .steps
        .iter()
        .filter_map(|step| match &step.value {
            Action::Expect(expect) => Some(match (&expect.subject, &expect.tense) {
                (Subject::ExternalSecret(_), Tense::Within(budget)) => {
                    format!("externalsecret within {budget}")
                }
                (Subject::Secret(_), Tense::Within(budget)) => format!("secret within {budget}"),
                (Subject::Pod(_), Tense::Throughout(budget)) => format!("pod throughout {budget}"),
                (Subject::Pod(_), Tense::Now) => "pod now".to_owned(),
                (Subject::Requests(_), Tense::Now) => "requests now".to_owned(),
                other => format!("{other:?}"),
            }),
            _ => None,
        })
        .collect();
    assert_eq!(
        tenses,
        [
            "externalsecret within 10s",
            "pod now",
            "secret within 1 refresh + 10s",
            "requests now",
            "pod throughout 0.2 refresh",
            "pod now"
        ]
    );
}

#[test]
fn a_matrix_makes_one_scenario_per_combination() {
    let text = "
scenario: T
matrix: { strategy: [put-value, staged], n: [1, 2] }
vaults: { aws: { kind: aws-secrets-manager, secrets: { s: literal } } }
steps:
  - rotate: { secret: aws/s, strategy: \"${strategy}\", times: \"${n}\" }
  - write: { secret: aws/s, text: \"$${kept} ${n}\" }
";
    let got: Vec<_> = read(text)
        .iter()
        .map(
            |scenario| match (&scenario.steps[0].value, &scenario.steps[1].value) {
                (Action::Rotate(rotate), Action::Write(write)) => {
                    let Some(Value::Literal(text)) = &write.text else {
                        panic!("a text")
                    };
                    (
                        rotate.strategy.as_str(),
                        rotate.times,
                        text.expose_str().unwrap().to_owned(),
                    )
                }
                _ => panic!("other steps"),
            },
        )
        .collect();
    let want = [
        ("put-value", 1, "${kept} 1"),
        ("put-value", 2, "${kept} 2"),
        ("staged", 1, "${kept} 1"),
        ("staged", 2, "${kept} 2"),
    ];
    assert_eq!(got, want.map(|(a, b, c)| (a, b, c.to_owned())));
}

#[test]
fn a_literal_is_kept_as_written_and_never_shown() {
    let text = "
scenario: T
vaults: { aws: { kind: aws-secrets-manager, secrets: { a: 0644, b: yes, c: 1e3, d: { generate: { generate: uuid } } } } }
steps: []
";
    let scenario = read(text).remove(0);
    let secrets = scenario.vaults["aws"].secrets();
    for (name, want) in [("a", "0644"), ("b", "yes"), ("c", "1e3")] {
        let Some(Body::Text(Value::Literal(value))) = secrets.get(name) else {
            panic!("a literal");
        };
        assert_eq!(value.expose_str(), Some(want));
    }
    assert!(matches!(&secrets["d"], Body::Fields(fields) if fields.len() == 1));
    assert!(!format!("{scenario:?}").contains("0644"));
}

#[test]
fn budgets_turn_into_time() {
    let budget: Budget = "1.5 refreshes + 10s".parse().unwrap();
    assert_eq!(budget.at(std::time::Duration::from_secs(60)).as_secs(), 100);
}
