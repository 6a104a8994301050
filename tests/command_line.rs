//! The command line as people use it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regex::Regex;
use snapbox::{Data, assert_data_eq};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rotaproof(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"));
    command.current_dir(folder).args(arguments).env_clear();
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    rotaproof(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A file that is generated from code and checked in.
fn is_checked_in(generated: &str, path: &str) {
    assert_data_eq!(generated, Data::read_from(&root().join(path), None).raw());
}

#[test]
fn the_reference_of_the_command_line_is_the_help_texts() {
    let mut reference =
        String::from("# The command line\n\nGenerated from the program's own help.\n");
    for command in [
        "",
        "run",
        "compare",
        "lint",
        "list",
        "schema",
        "new",
        "soak",
        "up",
        "status",
        "down",
        "rotate",
        "fault",
        "heal",
        "logs",
        "gc",
        "doctor",
        "completions",
    ] {
        let arguments: Vec<&str> = [command, "--help"]
            .into_iter()
            .filter(|a| !a.is_empty())
            .collect();
        let help = run(&root(), &arguments);
        assert!(help.status.success());
        let title = format!("rotaproof {command}");
        reference.push_str(&format!(
            "\n## {}\n\n```text\n{}```\n",
            title.trim(),
            text(&help.stdout)
        ));
    }
    let reference = reference.replace("rotaproof-under-test", "rotaproof");
    is_checked_in(&reference, "docs/cli.md");
}

#[test]
fn the_schema_that_is_checked_in_is_the_programs_own() {
    let schema = run(&root(), &["schema"]);
    is_checked_in(text(&schema.stdout), "docs/scenario.schema.json");
}

#[test]
fn the_same_seed_gives_the_same_events_but_for_the_machines_time() {
    let folder = tempfile::tempdir().unwrap();
    let wall = Regex::new(r#""wall_[a-z_]+":("[^"]*"|[0-9]+)"#).unwrap();
    let events = |name: &str, seed: &str| {
        let report = folder.path().join(name);
        let report_to = format!("json={}", report.display());
        let ran = run(
            &root(),
            &[
                "run",
                "scenarios/seed",
                "--seed",
                seed,
                "--report",
                &report_to,
            ],
        );
        assert!(ran.status.success(), "{}", text(&ran.stdout));
        let lines = std::fs::read_to_string(report).unwrap();
        wall.replace_all(&lines, "").into_owned()
    };
    let first = events("one", "7");
    assert!(first.lines().count() > 100);
    assert_eq!(first, events("two", "7"));
    assert_ne!(first, events("three", "8"));
}

/// What a scenario did, without its place in the run.
fn story(report: &Path, title: &str) -> Vec<String> {
    let lines = std::fs::read_to_string(report).unwrap();
    let records: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let start = records
        .iter()
        .find(|record| record["title"] == title)
        .unwrap();
    let own = records.iter().filter(|record| {
        record["scenario"] == start["scenario"] && record["event"] != "scenario-finished"
    });
    own.map(|record| format!("{} {}", record["at_us"], record["holds"]))
        .collect()
}

#[test]
fn a_scenario_alone_does_what_it_did_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let run_to = |name: &str, path: &str| {
        let report = folder.path().join(name);
        let report_to = format!("json={}", report.display());
        assert!(
            run(
                &root(),
                &["run", path, "--seed", "7", "--report", &report_to]
            )
            .status
            .success()
        );
        story(
            &report,
            "A mounted Secret follows a rotation, subPath and env do not",
        )
    };
    let among = run_to("all", "scenarios/seed/aws");
    assert!(among.len() > 20);
    assert_eq!(
        among,
        run_to("one", "scenarios/seed/aws/volumes.scenario.yaml")
    );
}

#[test]
fn a_partition_deals_out_every_scenario_exactly_once() {
    let list = |arguments: &[&str]| -> Vec<String> {
        let listed = run(&root(), &[&["list", "scenarios"], arguments].concat());
        text(&listed.stdout).lines().map(str::to_owned).collect()
    };
    let mut parts: Vec<String> = ["1/3", "2/3", "3/3"]
        .iter()
        .flat_map(|part| list(&["--partition", part]))
        .collect();
    parts.sort();
    let mut all = list(&[]);
    all.sort();
    assert!(all.len() > 3);
    assert_eq!(parts, all);
}

#[test]
fn a_new_scenario_passes_and_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["new", "mine"]).status.success());
    let ran = run(folder.path(), &["run", "mine"]);
    assert!(ran.status.success(), "{}", text(&ran.stdout));
    let again = run(folder.path(), &["new", "mine"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("already there"));
}

#[test]
fn the_catalogue_lints_clean() {
    let lint = run(&root(), &["lint", "scenarios", "--deny-warnings"]);
    assert!(
        lint.status.success(),
        "{}{}",
        text(&lint.stdout),
        text(&lint.stderr)
    );
}

/// Where a lane shortens an hour to seconds, every scenario is to mean what it means as written.
#[test]
fn the_catalogue_means_the_same_with_shorter_intervals() {
    for (scenarios, refresh) in [("scenarios", "2s"), ("scenarios/seed", "1s")] {
        let mut command = rotaproof(&root(), &["run", scenarios, "--seed", "1"]);
        let ran = command.env("ROTAPROOF_REFRESH", refresh).output().unwrap();
        let out = text(&ran.stdout);
        assert!(ran.status.success(), "{out}");
        let told =
            format!(r"(?m)^refreshInterval 1h -> {refresh} in \d+ scenarios, as --refresh says");
        assert_eq!(
            Regex::new(&told).unwrap().find_iter(out).count(),
            1,
            "{out}"
        );
    }
}

#[test]
fn a_failure_is_run_again_with_the_interval_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("junit.xml");
    let arguments = [
        "run",
        "tests/golden/wrong-version.scenario.yaml",
        "--seed=7",
        "--refresh=1500ms",
        &format!("--report=junit={}", report.display()),
    ];
    let ran = run(&root(), &arguments);
    let alone = "wrong-version.scenario.yaml --seed 7 --refresh 1s500ms";
    assert!(text(&ran.stdout).contains(alone), "{}", text(&ran.stdout));
    let xml = std::fs::read_to_string(report).unwrap();
    assert!(
        xml.contains(r#"<property name="refreshInterval" value="1h -&gt; 1s500ms"/>"#),
        "{xml}"
    );
}

#[test]
fn junit_says_failure_for_an_expectation_that_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("junit.xml");
    let report_to = format!("junit={}", report.display());
    let ran = run(
        &root(),
        &[
            "run",
            "tests/golden/wrong-version.scenario.yaml",
            "--report",
            &report_to,
        ],
    );
    assert_eq!(ran.status.code(), Some(1));
    let xml = std::fs::read_to_string(report).unwrap();
    assert!(xml.contains(r#"failures="1" errors="0""#), "{xml}");
    assert!(
        xml.contains("expected v1 of aws/prod/notebook/aws#access_key_id"),
        "{xml}"
    );
    assert!(!xml.contains('\u{1b}'));
}

#[test]
fn completions_are_written_for_a_shell() {
    let bash = run(&root(), &["completions", "bash"]);
    assert!(text(&bash.stdout).contains("_rotaproof"));
}

/// What is wrong with the command line or the scenario starts nothing and ends with 2.
#[test]
fn what_is_wrong_is_one_diagnostic_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("latin1.scenario.yaml", b"scenario: caf\xe9\nsteps: []\n");
    write("types.scenario.yaml", b"scenario: [1]\nsteps: []\n");
    write(
        "undeclared.scenario.yaml",
        b"scenario: x\nsteps:\n  - rotate: { secret: aws/a }\n",
    );
    write(
        "missing.scenario.yaml",
        b"scenario: x\nsteps:\n  - apply: manifests/none.yaml\n",
    );
    write(
        "deep.scenario.yaml",
        format!("scenario: x\nsteps: {}", "[".repeat(100_000)).as_bytes(),
    );
    let mut bomb = String::from("scenario: x\na0: &a0 [x, x]\n");
    for n in 1..40 {
        let p = n - 1;
        bomb.push_str(&format!("a{n}: &a{n} [*a{p}, *a{p}]\n"));
    }
    write("bomb.scenario.yaml", bomb.as_bytes());
    let mut large = std::fs::File::create(folder.path().join("large.scenario.yaml")).unwrap();
    for _ in 0..100 {
        large.write_all(&vec![b'#'; 1 << 20]).unwrap();
    }
    let cases: [(&[&str], &str); 13] = [
        (&["run", "latin1.scenario.yaml"], "UTF-8"),
        (&["run", "types.scenario.yaml"], "types.scenario.yaml:1:11"),
        (
            &["run", "undeclared.scenario.yaml"],
            "undeclared.scenario.yaml:3:",
        ),
        (
            &["run", "missing.scenario.yaml"],
            "missing.scenario.yaml:3:",
        ),
        (&["run", "deep.scenario.yaml"], "error: "),
        (&["run", "bomb.scenario.yaml"], "error: "),
        (&["run", "large.scenario.yaml"], "4 MiB"),
        (&["run", "nowhere"], "nowhere"),
        (&["run", "--filter", "nothing-has-this", "."], "error"),
        (&["run", "--report", "pdf=x"], "expected junit or json"),
        (&["run", "--partition", "3/2"], "K/N"),
        (&["run", "--refresh", "often"], "or `manifest`"),
        (&["run", "--refresh", "0s"], "or `manifest`"),
    ];
    for (arguments, wanted) in cases {
        let ran = run(folder.path(), arguments);
        let (out, err) = (text(&ran.stdout), text(&ran.stderr));
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {out}{err}");
        assert!(err.contains(wanted), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{err}");
        assert_eq!(out, "", "{arguments:?} started something");
    }
}

#[test]
fn a_soak_rotates_every_vault_and_fetches_once_an_hour() {
    let ran = run(&root(), &["soak", "--days", "1", "--seed", "1"]);
    let out = text(&ran.stdout);
    assert!(ran.status.success(), "{out}");
    for (vault, product) in [
        ("aws", "AWS Secrets Manager"),
        ("azure", "Azure Key Vault"),
        ("gcp", "GCP Secret Manager"),
        ("vault", "HashiCorp Vault"),
        ("onepassword", "1Password Connect"),
    ] {
        let row = format!(r"(?m)^ Hourly refresh from {product}, for 1 days +{vault} +passed +4 ");
        // Four rotations, each followed to the pod.
        assert!(Regex::new(&row).unwrap().is_match(out), "{out}");
    }
}

/// One lab that is busy for longer than any test.
fn soak_of_ten_years() -> Command {
    rotaproof(&root(), &["soak", "--days", "3650", "--vault", "vault"])
}

#[test]
fn an_interrupt_ends_with_130_and_leaves_nothing_behind() {
    let mut child = soak_of_ten_years().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The run has begun; at which moment the signal hits is left to chance on purpose.
    assert!(lines.next().unwrap().unwrap().contains("rotaproof"));
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(rest.join("\n").contains("interrupted"), "{rest:?}");
    assert_eq!(leftovers(&id), Vec::<String>::new());
}

#[test]
fn what_a_killed_run_left_is_swept_by_the_next_one() {
    let mut child = soak_of_ten_years().stdout(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    // The folder of the pods' files appears when the lab starts.
    while leftovers(&id).is_empty() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended by itself"
        );
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(leftovers(&id).len(), 1);
    assert!(
        run(
            &root(),
            &["run", "scenarios/seed/aws/force-sync.scenario.yaml"]
        )
        .status
        .success()
    );
    assert_eq!(leftovers(&id), Vec::<String>::new());
}

/// The folders of pods that a process made, and has not removed.
fn leftovers(id: &str) -> Vec<String> {
    let places = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
    let entries = places
        .iter()
        .filter_map(|place| std::fs::read_dir(place).ok())
        .flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("rotaproof-") && name.ends_with(&format!("-{id}")))
        .collect()
}

/// A command line that is refused with this reason, and nothing on standard output.
fn is_refused(arguments: &[&str], more: &[&str], why: &str) {
    let ran = run(&root(), &[arguments, more].concat());
    let said = text(&ran.stderr);
    assert!(said.contains(why), "{more:?}: {said}");
    assert_eq!(ran.status.code(), Some(2), "{more:?}");
    assert_eq!(text(&ran.stdout), "", "{more:?}");
}

#[test]
fn a_matrix_of_operators_that_no_lane_could_run_is_refused_before_anything_runs() {
    let refusals: [(&[&str], &str); 7] = [
        (&[], "--lane eso, or --lane kind"),
        (&["--lane", "eso:2.9.0"], "so does --matrix-eso"),
        (&["--lane", "kind:2.9.0"], "so does --matrix-eso"),
        (
            &["--lane", "eso", "--crds", "crds.yaml"],
            "--crds (ROTAPROOF_ESO_CRDS) is of one version",
        ),
        (
            &["--lane", "kind", "--chart", "chart"],
            "--chart (ROTAPROOF_CHART) is of one version",
        ),
        (
            &["--lane", "kind", "--matrix-eso", "v0.16.2"],
            "names `0.16.2` more than once",
        ),
        (
            &["--lane", "eso", "--matrix-eso", "latest"],
            "`latest` is neither a version",
        ),
    ];
    for (more, why) in refusals {
        is_refused(
            &["run", "--matrix-eso", "0.16.2", "scenarios/seed/aws"],
            more,
            why,
        );
    }
}

#[test]
fn a_cluster_is_kept_only_where_one_outlives_the_run_and_for_one_scenario() {
    let refusals: [(&[&str], &str); 3] = [
        (&["--keep", "failed"], "--lane kind"),
        (&["--keep", "always"], "and not embedded"),
        (
            &["--lane", "kind", "--keep", "always"],
            "leaves the cluster to one scenario, and these are",
        ),
    ];
    for (more, why) in refusals {
        is_refused(&["run", "scenarios/seed/aws"], more, why);
    }
}
