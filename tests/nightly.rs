//! The workflow and the manifest of docs/nightly say what the program understands.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
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

/// The objects of the manifest for a cluster.
fn manifest() -> Vec<Value> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/nightly/kubernetes-cronjob.yaml");
    serde_saphyr::from_multiple(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// An object as Kubernetes reads it: without the fields that it does not know.
fn as_read<Kind: k8s_openapi::serde::de::DeserializeOwned + k8s_openapi::serde::Serialize>(
    object: &Value,
) -> Value {
    let read: Kind = serde_json::from_value(object.clone()).unwrap();
    serde_json::to_value(read).unwrap()
}

#[test]
fn every_field_of_the_manifest_is_one_that_kubernetes_knows() {
    for object in manifest() {
        let read = match object["kind"].as_str().unwrap() {
            "Namespace" => as_read::<Namespace>(&object),
            "ServiceAccount" => as_read::<ServiceAccount>(&object),
            "ClusterRole" => as_read::<ClusterRole>(&object),
            "ClusterRoleBinding" => as_read::<ClusterRoleBinding>(&object),
            "CronJob" => as_read::<CronJob>(&object),
            other => panic!("{other} is not looked at"),
        };
        assert_eq!(read, object);
    }
}

/// As the container runs it: by a shell, once per index, with a `rotaproof` that says what it heard.
#[test]
fn the_pods_of_the_manifest_run_every_part_once() {
    let manifest = manifest();
    let cronjob = manifest.iter().find(|object| object["kind"] == "CronJob");
    let job = &cronjob.unwrap()["spec"]["jobTemplate"]["spec"];
    let container = &job["template"]["spec"]["containers"][0];
    let words = |key: &str| container[key].as_array().unwrap().clone();
    let command = [words("command"), words("args")].concat();
    let command: Vec<&str> = command.iter().map(|word| word.as_str().unwrap()).collect();
    let variables = words("env");
    let value = |variable: &Value| {
        Some((
            variable["name"].as_str()?.to_owned(),
            variable["value"].as_str()?.to_owned(),
        ))
    };
    let variables: Vec<_> = variables.iter().filter_map(value).collect();

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("rotaproof");
    let script = format!(
        "#!/bin/sh\nfor word; do echo \"$word\"; done\nexec {} \"$@\" --help >/dev/null\n",
        env!("CARGO_BIN_EXE_rotaproof-under-test")
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();

    let parts = job["completions"].as_u64().unwrap();
    let mut heard = Vec::new();
    for index in 0..parts {
        let ran = Command::new("/bin/sh")
            .args(&command[1..])
            .env_clear()
            .env("PATH", folder.path())
            .envs(variables.clone())
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "index {index}: {complaint}");
        let words = String::from_utf8(ran.stdout).unwrap();
        let mut words = words.lines().map(str::to_owned);
        assert!(words.clone().any(|word| word == "--allow-writes"));
        words.find(|word| word == "--partition");
        heard.push(words.next().unwrap());
    }
    let all: Vec<String> = (1..=parts).map(|part| format!("{part}/{parts}")).collect();
    assert_eq!(heard, all);
    assert_eq!(command[0], "sh");
    // They share one operator.
    assert_eq!(job["parallelism"], 1);
}
