//! [`rotaproof::harness`], in a process of its own: this test target starts itself again as a project's target.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};

const FOLDER: &str = "ROTAPROOF_TEST_FILES";

const PASSES: &str = "\
scenario: passes
matrix: { size: [8, 16] }
vaults:
  aws:
    kind: aws-secrets-manager
    secrets: { prod/db: { generate: text, length: \"${size}\" } }
steps:
  - rotate: { secret: aws/prod/db }
";
const FAILS: &str = "\
scenario: fails
steps:
  - expect: { pod: team/none, phase: Running }
";
const WRONG: &str = "scenario: wrong\nstops: []\n";

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return rotaproof::harness(folder);
    }
    let tests: [(&str, fn()); 5] = [
        ("each_case_is_a_test_by_its_path_below_the_folder", list),
        ("a_filter_and_exact_choose_tests", choose),
        ("a_failing_test_shows_the_report", explain),
        ("a_wrong_file_fails_alone", wrong),
        (
            "a_folder_without_scenarios_is_an_error_whatever_the_filter",
            none,
        ),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            std::panic::catch_unwind(test).map_err(|_| Failed::without_message())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// Runs a project's test target over these files.
fn target(files: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout) + &text(stderr))
}

const ALL: [(&str, &str); 2] = [
    ("a/passes.scenario.yaml", PASSES),
    ("fails.scenario.yaml", FAILS),
];

fn list() {
    let (code, text) = target(&ALL, &["--list", "--format", "terse"]);
    assert_eq!(code, Some(0), "{text}");
    let names: Vec<&str> = text.lines().collect();
    let expected = [
        "a/passes[size=8]: test",
        "a/passes[size=16]: test",
        "fails: test",
    ];
    assert_eq!(names, expected);
}

fn choose() {
    let (code, text) = target(&ALL, &["passes"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("2 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out"),
        "{text}"
    );
    let (code, text) = target(&ALL, &["--exact", "a/passes[size=8]"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

fn explain() {
    let (code, text) = target(&ALL, &["fails"]);
    assert_eq!(code, Some(101), "{text}");
    for part in [
        "fails.scenario.yaml:3:5",
        "^ pod `team/none` does not exist",
        "actual   no such pod",
        "do next",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

fn wrong() {
    let files = [ALL[0], ("wrong.scenario.yaml", WRONG)];
    let (code, text) = target(&files, &[]);
    assert_eq!(code, Some(101), "{text}");
    assert!(text.contains("2 passed; 1 failed"), "{text}");
    assert!(text.contains("stops"), "{text}");
}

fn none() {
    let (code, text) = target(&[("notes.txt", "")], &["passes"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("no *.scenario.yaml"), "{text}");
}
