//! The JSON schema accepts what the parser accepts, and refuses what an editor should underline.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use rotaproof_scenario::{parse, schema};
use rstest::rstest;
use serde_json::{Value, json};

fn accepts(instance: &Value) -> Result<(), String> {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("\n"))
    }
}

#[rstest]
#[case::rotation(include_str!("files/rotation.scenario.yaml"))]
#[case::everything(include_str!("files/everything.scenario.yaml"))]
#[case::matrix(
    "scenario: T
matrix: { strategy: [staged], n: [1, 2], budget: [1s] }
steps:
  - rotate: { secret: aws/s, strategy: '${strategy}', times: '${n}' }
  - repeat: { times: '${n}', steps: [{ advance: '${budget}' }] }
"
)]
fn the_schema_accepts_whole_files(#[case] text: &str) {
    parse(Path::new("a.scenario.yaml"), text.as_bytes()).unwrap();
    accepts(&serde_saphyr::from_str(text).unwrap()).unwrap();
}

/// Every JSON text is YAML: the parser reads the same instance.
fn parses(instance: &Value) -> Result<(), String> {
    parse(
        Path::new("a.scenario.yaml"),
        instance.to_string().as_bytes(),
    )
    .map(drop)
    .map_err(|diagnostics| diagnostics.to_string())
}

fn with_step(step: Value) -> Value {
    json!({ "scenario": "T", "steps": [step] })
}

fn with_vault(vault: Value) -> Value {
    json!({ "scenario": "T", "vaults": { "a": vault }, "steps": [] })
}

#[rstest]
#[case::apply(with_step(json!({ "apply": "a.yaml" })))]
#[case::apply_refused(with_step(json!({ "apply": { "manifest": "a.yaml", "refused": "no" } })))]
#[case::start(with_step(json!({ "start": { "manifest": "a.yaml", "as": "x", "runs": "1h30m" } })))]
#[case::rotate(with_step(json!({ "rotate": { "secret": "a/b/c", "strategy": "staged", "times": 3, "every": "10s" } })))]
#[case::fault(with_step(json!({ "fault": { "vault": "a", "latency": "2s", "first": 1 } })))]
#[case::fault_status(with_step(json!({ "fault": { "vault": "a", "status": { "code": 429, "retry_after": "2s" } } })))]
#[case::heal(with_step(json!({ "heal": { "fault": "x" } })))]
#[case::advance(with_step(json!({ "advance": "1 refresh + 10s" })))]
#[case::advance_until_refresh(with_step(json!({ "advance": "until refresh" })))]
#[case::advance_exactly(with_step(json!({ "advance": "exactly 10m" })))]
#[case::throughout_until_refresh(with_step(json!({ "expect": { "secret": "a/b", "is": "v2", "throughout": "until refresh" } })))]
#[case::restart(with_step(json!({ "restart": "operator" })))]
#[case::delete(with_step(json!({ "delete": { "clustersecretstore": "x" } })))]
#[case::expect_within(with_step(json!({ "expect": { "secret": "a/b", "is": "v2", "within": "90s" } })))]
#[case::expect_throughout(with_step(json!({ "expect": { "pod": "x", "env": { "A": "current", "B": { "absent": true } }, "throughout": "2 refreshes" } })))]
#[case::expect_requests(with_step(json!({ "expect": { "requests": { "vault": "a" }, "count": 1, "since": "start" } })))]
#[case::nested(with_step(json!({ "repeat": { "times": 2, "steps": [{ "parallel": [[{ "advance": "1s" }]] }] } })))]
#[case::aws(with_vault(json!({ "kind": "aws-secrets-manager", "secrets": { "s": { "f": { "generate": "uuid" } }, "p": { "generate": "text", "length": 3 }, "l": "x" } })))]
#[case::hashicorp(with_vault(json!({ "kind": "hashicorp-vault", "address": "https://v", "mounts": { "secret": "kv-v2" } })))]
fn the_schema_and_the_parser_accept_the_same(#[case] instance: Value) {
    accepts(&instance).unwrap();
    parses(&instance).unwrap();
}

#[rstest]
#[case::no_steps(json!({ "scenario": "T" }))]
#[case::unknown_field(json!({ "scenario": "T", "steps": [], "step": [] }))]
#[case::unknown_verb(with_step(json!({ "rotat": { "secret": "a/b" } })))]
#[case::two_verbs(with_step(json!({ "advance": "1s", "restart": "operator" })))]
#[case::bad_budget(with_step(json!({ "advance": "soon" })))]
#[case::bad_stretch(with_step(json!({ "advance": "until refreshed" })))]
#[case::within_a_stretch(with_step(json!({ "expect": { "secret": "a/b", "is": "v2", "within": "until refresh" } })))]
#[case::bad_duration(with_step(json!({ "start": { "manifest": "a", "runs": "10" } })))]
#[case::bad_strategy(with_step(json!({ "rotate": { "secret": "a/b", "strategy": "stagd" } })))]
#[case::two_faults(with_step(json!({ "fault": { "vault": "a", "hang": true, "reset": true } })))]
#[case::no_vault(with_step(json!({ "fault": { "hang": true } })))]
#[case::no_subject(with_step(json!({ "expect": { "within": "1s" } })))]
#[case::two_subjects(with_step(json!({ "expect": { "pod": "x", "secret": "a/b" } })))]
#[case::unknown_expectation(with_step(json!({ "expect": { "pod": "x", "environment": {} } })))]
#[case::unknown_kind(with_vault(json!({ "kind": "aws" })))]
#[case::no_address(with_vault(json!({ "kind": "hashicorp-vault" })))]
#[case::bad_generator(with_vault(json!({ "kind": "aws-secrets-manager", "secrets": { "s": { "generate": "txt" } } })))]
fn the_schema_and_the_parser_refuse_the_same(#[case] instance: Value) {
    accepts(&instance).unwrap_err();
    parses(&instance).unwrap_err();
}
