//! The workflow of docs/nightly says what the program understands.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn workflow() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/nightly/github-actions.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn steps() -> Vec<Value> {
    let workflow = workflow();
    let jobs = workflow["jobs"].as_object().unwrap();
    let steps = jobs
        .values()
        .flat_map(|job| job["steps"].as_array().unwrap().clone());
    steps.collect()
}

/// The command lines of `rotaproof` in the steps, each as its arguments.
fn command_lines() -> Vec<Vec<String>> {
    let steps = steps();
    let scripts = steps.iter().filter_map(|step| step["run"].as_str());
    scripts
        .flat_map(str::lines)
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .filter(|words: &Vec<String>| words.first().is_some_and(|word| word == "rotaproof"))
        .map(|words| words[1..].to_vec())
        .collect()
}

/// What the program says to a command line, without doing it: `--help` is heard once all before it was understood.
fn heard(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"))
        .args(arguments)
        .arg("--help")
        .env_clear()
        .output()
        .unwrap()
}

#[test]
fn every_command_line_of_the_workflow_is_understood() {
    let lines = command_lines();
    let commands: Vec<&str> = lines.iter().map(|line| line[0].as_str()).collect();
    assert_eq!(commands, ["doctor", "run", "gc"]);
    for line in lines {
        let heard = heard(&line);
        let complaint = String::from_utf8_lossy(&heard.stderr);
        assert!(heard.status.success(), "rotaproof {line:?}: {complaint}");
    }
}

#[test]
fn a_flag_or_a_value_that_does_not_exist_is_not_understood() {
    for line in [
        ["run", "scenarios", "--artefacts", "x"],
        ["run", "scenarios", "--report", "pdf=x"],
        ["run", "scenarios", "--lane", "moon"],
        ["doctor", "--json", "--lane", "moon"],
    ] {
        let heard = heard(&line.map(str::to_owned));
        assert_eq!(heard.status.code(), Some(2), "{line:?}");
    }
}

#[test]
fn every_action_is_pinned_by_its_commit() {
    let steps = steps();
    let actions: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["uses"].as_str())
        .collect();
    assert_eq!(actions.len(), 4);
    for action in actions {
        let (_, commit) = action.split_once('@').unwrap();
        let is_hex = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(commit.len() == 40 && is_hex, "{action}");
    }
}

/// What the run writes is what is uploaded, and the last two steps come whatever the outcome.
#[test]
fn the_reports_are_uploaded_whatever_the_outcome() {
    let steps = steps();
    let [.., sweep, upload] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert_eq!([&sweep["if"], &upload["if"]], ["always()", "always()"]);
    let folder = upload["with"]["path"].as_str().unwrap();
    let run = command_lines()
        .into_iter()
        .find(|line| line[0] == "run")
        .unwrap();
    let written: Vec<&str> = run
        .iter()
        .flat_map(|word| word.split(','))
        .filter_map(|word| {
            let path = word.split_once('=').map_or(word, |(_, path)| path);
            path.starts_with(folder).then_some(path)
        })
        .collect();
    assert_eq!(
        written,
        [
            "reports/junit.xml",
            "reports/events.jsonl",
            "reports/artifacts"
        ]
    );
}
