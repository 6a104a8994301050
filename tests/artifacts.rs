//! What `--artifacts` keeps of scenarios that did not pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const FAILING: &str = "golden/stale-pod.scenario.yaml";
const PASSING: &str = "../scenarios/seed/aws/force-sync.scenario.yaml";
const FOLDER: &str = "a-job-that-runs-is-expected-to-see-a-rotation";

fn run(scenarios: &[&str], artifacts: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("run")
        .args(scenarios)
        .args(["--seed", "7", "--artifacts"])
        .arg(artifacts)
        .args(more)
        .env_clear()
        .output()
        .unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_scenario_that_failed_has_a_folder_with_what_explains_it() {
    let artifacts = tempfile::tempdir().unwrap();
    let report = tempfile::NamedTempFile::new().unwrap();
    let report_to = format!("json={}", report.path().display());
    let ran = run(
        &[PASSING, FAILING],
        artifacts.path(),
        &["--report", &report_to],
    );
    assert_eq!(ran.status.code(), Some(1));
    let out = String::from_utf8(ran.stdout).unwrap();
    assert!(
        out.contains("what explains the scenario that did not pass is in"),
        "{out}"
    );

    assert_eq!(
        names(artifacts.path()),
        [FOLDER],
        "one that passed has none"
    );
    let folder = artifacts.path().join(FOLDER);
    let files: BTreeMap<String, String> = names(&folder)
        .into_iter()
        .map(|name| {
            let text = std::fs::read_to_string(folder.join(&name)).unwrap();
            (name, text)
        })
        .collect();
    // The operator of lane embedded prints nothing.
    let expected = [
        "alone.sh",
        "events.jsonl",
        "failure.txt",
        "journal.jsonl",
        "k8s-events.txt",
        "objects.txt",
        "pods.txt",
    ];
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );

    assert!(
        out.contains(&files["failure.txt"]),
        "{}",
        files["failure.txt"]
    );
    assert_eq!(
        files["alone.sh"],
        format!("rotaproof run {FAILING} --seed 7\n")
    );
    let own = json_lines(&std::fs::read_to_string(report.path()).unwrap());
    let own: Vec<Value> = own.into_iter().filter(|it| it["scenario"] == 1).collect();
    assert_eq!(json_lines(&files["events.jsonl"]), own);
    assert_eq!(own.last().unwrap()["event"], "scenario-finished");
    let journal = json_lines(&files["journal.jsonl"]);
    // The operator's, and the harness' own writes.
    assert!(journal.len() >= 32, "{}", journal.len());
    assert!(
        journal
            .iter()
            .any(|entry| entry["operation"] == "GetSecretValue")
    );
    for (file, text) in [
        (
            "pods.txt",
            "Pod notebook-validation/s3-pipeline-validation-job-validation (`job`)\n  phase Running",
        ),
        ("pods.txt", "container validator: running, ready"),
        ("pods.txt", "env AWS_SECRET_ACCESS_KEY holds v1 of aws/"),
        (
            "objects.txt",
            "ExternalSecret notebook-validation/aws-credentials\n  Ready=True SecretSynced",
        ),
        ("objects.txt", "secret-access-key holds v2 of aws/"),
        (
            "k8s-events.txt",
            "ClusterSecretStore aws-secrets-manager Normal Valid: store validated",
        ),
    ] {
        assert!(files[file].contains(text), "{file}: {}", files[file]);
    }
}

#[test]
fn what_an_earlier_run_kept_is_gone_once_the_scenario_passes() {
    let artifacts = tempfile::tempdir().unwrap();
    let others = artifacts.path().join("other");
    std::fs::create_dir(&others).unwrap();
    assert_eq!(
        run(&[FAILING], artifacts.path(), &[]).status.code(),
        Some(1)
    );
    assert_eq!(names(artifacts.path()), [FOLDER, "other"]);
    // The same title, and nothing that fails.
    let scenario = artifacts.path().join("other/passes.scenario.yaml");
    std::fs::write(
        &scenario,
        "scenario: A job that runs is expected to see a rotation\nsteps:\n  - advance: 1s\n",
    )
    .unwrap();
    let again = run(&[scenario.to_str().unwrap()], artifacts.path(), &[]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert_eq!(names(artifacts.path()), ["other"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_told_before_anything_runs() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let ran = run(&[FAILING], &file.path().join("below"), &[]);
    assert_eq!(ran.status.code(), Some(3));
    assert!(ran.stdout.is_empty());
    assert!(
        String::from_utf8(ran.stderr)
            .unwrap()
            .contains("cannot make")
    );
}
